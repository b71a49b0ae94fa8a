//! Acts: who has done what, when, and from where.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::shared::{Api, page_limit};
use crate::{
    acts::ActPage,
    extract::Query,
    identity::Actor,
    problem::{Problem, Reason},
};

/// Which acts are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ActFilter {
    /// Only acts before this one, by its number: the cursor of the next page.
    #[param(minimum = 0)]
    before: Option<i64>,
    /// The maximum number of acts: 1 to 1000; 50 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// List acts, the newest first.
#[utoipa::path(
    get, path = "/acts", tag = "acts", params(ActFilter),
    responses(
        (status = 200, body = ActPage),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(api): State<Api>,
    _: Actor,
    Query(asked): Query<ActFilter>,
) -> Result<Json<ActPage>, Problem> {
    let limit = page_limit(asked.limit)?;
    let before = asked.before.map(u64::try_from).transpose();
    let before = before.map_err(|_| {
        let detail = "`before` is not the number of an act";
        Problem::new(Reason::WrongQuery, detail)
    })?;
    let read = api.acts.read(before, limit as usize).await;
    let read = read.map_err(|error| Problem::new(Reason::Unavailable, error))?;
    Ok(Json(read))
}
