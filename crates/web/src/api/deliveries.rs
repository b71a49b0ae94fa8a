//! Deliveries: what became of notifications, channel by channel.

use annunciator::store::{DeliveryId, Query as StoreQuery, Record, State};
use axum::{Json, extract::State as Shared};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    records::{AttemptJson, DeliveryJson},
    shared::{Api, page_limit, unavailable},
};
use crate::{
    extract::{Query, Segments},
    identity::{Actor, Reader},
    problem::{Problem, Reason},
};

/// A page of deliveries.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeliveryPage {
    /// The newest first.
    pub deliveries: Vec<DeliveryJson>,
    /// The cursor of the next page: deliveries `before` this one. None on the last page.
    #[schema(value_type = Option<i64>)]
    pub before: Option<DeliveryId>,
}

/// Which deliveries are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveryFilter {
    /// Only deliveries in these states, by their names, separated by commas.
    #[param(
        pattern = "^(pending|in_flight|delivered|failed|expired|suppressed|superseded|unknown)( *, *(pending|in_flight|delivered|failed|expired|suppressed|superseded|unknown))*$"
    )]
    state: Option<String>,
    /// Only notifications about this host.
    host: Option<String>,
    /// Only notifications of this incident.
    incident: Option<String>,
    /// Only deliveries to this channel.
    channel: Option<String>,
    /// Only deliveries accepted at or after this time, in milliseconds since the Unix epoch.
    since_ms: Option<i64>,
    /// Only deliveries older than this one: the cursor of the next page.
    before: Option<i64>,
    /// The maximum number of deliveries: 1 to 1000; 50 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

fn states(text: Option<&str>) -> Result<Vec<State>, Problem> {
    let names = text.into_iter().flat_map(|text| text.split(','));
    names
        .map(|name| {
            let mut all = State::ALL.into_iter();
            all.find(|state| state.name() == name.trim())
                .ok_or_else(|| {
                    let known = State::ALL.map(State::name).join(", ");
                    let detail = format!("`state` is not one of {known}");
                    Problem::new(Reason::WrongQuery, detail)
                })
        })
        .collect()
}

/// List deliveries, the newest first.
#[utoipa::path(
    get, path = "/deliveries", tag = "deliveries", params(DeliveryFilter),
    responses(
        (status = 200, body = DeliveryPage),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    Shared(api): Shared<Api>,
    _: Reader,
    Query(asked): Query<DeliveryFilter>,
) -> Result<Json<DeliveryPage>, Problem> {
    let limit = page_limit(asked.limit)?;
    let query = StoreQuery {
        states: states(asked.state.as_deref())?,
        host: asked.host,
        incident: asked.incident,
        channel: asked.channel,
        since_ms: asked.since_ms,
        before: asked.before.map(DeliveryId),
        // One more than is answered, to see whether there are more.
        limit: limit + 1,
        ..StoreQuery::default()
    };
    let found = api.store()?.deliveries(query).await;
    let mut found = found.map_err(|error| unavailable(&error))?;
    let is_last = found.len() <= limit as usize;
    found.truncate(limit as usize);
    let before = found.last().filter(|_| !is_last);
    Ok(Json(DeliveryPage {
        before: before.map(|record| record.delivery),
        deliveries: found.into_iter().map(DeliveryJson::from).collect(),
    }))
}

async fn one(api: &Api, id: i64) -> Result<Record, Problem> {
    let query = StoreQuery::one(DeliveryId(id));
    let found = api.store()?.deliveries(query).await;
    let found = found.map_err(|error| unavailable(&error))?.pop();
    found.ok_or_else(|| Problem::new(Reason::NotFound, format!("there is no delivery {id}")))
}

/// Show a delivery with its attempts.
#[utoipa::path(
    get, path = "/deliveries/{delivery}", tag = "deliveries",
    params(("delivery" = i64, Path, description = "The number of the delivery")),
    responses(
        (status = 200, body = DeliveryJson),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    Shared(api): Shared<Api>,
    _: Reader,
    Segments(id): Segments<i64>,
) -> Result<Json<DeliveryJson>, Problem> {
    let record = one(&api, id).await?;
    let tried = api.store()?.attempts(record.delivery).await;
    let tried = tried.map_err(|error| unavailable(&error))?;
    Ok(Json(DeliveryJson {
        tried: Some(tried.into_iter().map(AttemptJson::from).collect()),
        ..DeliveryJson::from(record)
    }))
}

/// Retry a delivery that failed or is unknown.
#[utoipa::path(
    post, path = "/deliveries/{delivery}/retry", tag = "deliveries",
    params(("delivery" = i64, Path, description = "The number of the delivery")),
    responses(
        (status = 200, body = DeliveryJson),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn retry(
    Shared(api): Shared<Api>,
    _: Actor,
    Segments(id): Segments<i64>,
) -> Result<Json<DeliveryJson>, Problem> {
    let record = one(&api, id).await?;
    let now_ms = Timestamp::now().as_millisecond();
    let retried = api.store()?.retry(vec![record.delivery], now_ms).await;
    if retried.map_err(|error| unavailable(&error))? == 0 {
        let detail = format!(
            "delivery {id} is {}: only one that failed, or is unknown, can be retried",
            record.state
        );
        return Err(Problem::new(Reason::Invalid, detail));
    }
    Ok(Json(DeliveryJson::from(one(&api, id).await?)))
}
