//! Open incidents, and who has taken them over.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use annunciator::{
    Acknowledge, Engine, Severity,
    store::{
        Acknowledgement, DeliveryId, IncidentQuery, MessageText, OpenIncident, Store, StoreError,
    },
};
use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::shared::{Api, refused, unavailable};
use crate::{
    acts::Acting,
    circumstances::MAX_TIME_MS,
    extract::{JsonBody, Query},
    identity::{Actor, Reader},
    problem::{Problem, Reason},
    shared_incidents::SharedIncidents,
};

/// The maximum number of incidents in an answer.
const MAX_INCIDENTS: u32 = 10_000;

/// An open incident. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IncidentJson {
    /// The incident.
    pub incident: String,
    /// The host that its newest notification is about; empty for none.
    pub host: String,
    /// The severity of its newest notification.
    #[schema(value_type = String)]
    pub severity: Severity,
    /// What it is about, in one line.
    pub subject: String,
    /// When its first notification was accepted.
    pub since_ms: i64,
    /// When its newest was.
    pub newest_ms: i64,
    /// The channels on which it is open.
    pub channels: Vec<IncidentChannel>,
    /// Who has taken it over, if somebody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub acknowledgement: Option<Acknowledgement>,
}

/// A channel on which an incident is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IncidentChannel {
    /// The channel's name.
    pub channel: String,
    /// Whether people may have been notified there.
    pub notified: bool,
}

impl From<OpenIncident> for IncidentJson {
    fn from(open: OpenIncident) -> Self {
        let text = MessageText::of(&open.content);
        let channels = open.channels.into_iter();
        Self {
            subject: text.map_or_else(|| open.incident.clone(), |text| text.subject().to_owned()),
            incident: open.incident,
            host: open.host,
            severity: open.severity,
            since_ms: open.since_ms,
            newest_ms: open.newest_ms,
            channels: channels
                .map(|(channel, notified)| IncidentChannel { channel, notified })
                .collect(),
            acknowledgement: open.acknowledgement,
        }
    }
}

/// Open incidents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Incidents {
    /// The most severe first, then the oldest.
    pub incidents: Vec<IncidentJson>,
}

/// Which incidents are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct IncidentFilter {
    /// Only this incident.
    incident: Option<String>,
    /// Only incidents of this host.
    host: Option<String>,
}

/// List open incidents.
#[utoipa::path(
    get, path = "/incidents", tag = "incidents", params(IncidentFilter),
    responses(
        (status = 200, body = Incidents),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(api): State<Api>,
    _: Reader,
    Query(asked): Query<IncidentFilter>,
) -> Result<Json<Incidents>, Problem> {
    let query = IncidentQuery {
        incident: asked.incident,
        host: asked.host,
        ..every_incident()
    };
    let shared = query.host.as_deref().map(|host| api.shared.of(host));
    let incidents = open(api.store()?, query, &shared.unwrap_or_default()).await;
    let incidents = incidents.map_err(|error| unavailable(&error))?;
    Ok(Json(Incidents { incidents }))
}

/// A query for all incidents that are open now.
fn every_incident() -> IncidentQuery {
    IncidentQuery {
        now_ms: Timestamp::now().as_millisecond(),
        limit: MAX_INCIDENTS,
        ..IncidentQuery::default()
    }
}

/// Returns the open incidents that a query asks for, and of `shared` those that are open.
async fn open(
    store: &Arc<dyn Store>,
    query: IncidentQuery,
    shared: &[String],
) -> Result<Vec<IncidentJson>, StoreError> {
    let now_ms = query.now_ms;
    let only = query.incident.clone();
    let mut open = store.incidents(query).await?;
    for incident in shared {
        let is_asked_for = only.as_ref().is_none_or(|only| only == incident);
        if is_asked_for && !open.iter().any(|one| one.incident == *incident) {
            open.extend(
                store
                    .incidents(IncidentQuery::one(incident, now_ms))
                    .await?,
            );
        }
    }
    Ok(open.into_iter().map(IncidentJson::from).collect())
}

/// Returns the open incidents, or those of a host, of which the embedding program says which it
/// shares with other hosts; none if the engine has no store, or if that does not answer, which is
/// logged.
pub async fn open_incidents(
    engine: &Engine,
    host: Option<(&str, &SharedIncidents)>,
) -> Vec<IncidentJson> {
    let Some(store) = engine.store() else {
        return Vec::new();
    };
    let query = IncidentQuery {
        host: host.map(|(host, _)| host.to_owned()),
        ..every_incident()
    };
    let shared = host.map(|(host, shared)| shared.of(host));
    let open = open(store, query, &shared.unwrap_or_default()).await;
    let open = open.inspect_err(|error| tracing::warn!("{error}"));
    open.unwrap_or_default()
}

/// An acknowledgement: of an incident, of a delivery, or of all open incidents of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeBody {
    /// The incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// The delivery, by its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<i64>,
    /// The host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What to try first as the name of an incident, then of a host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Who has taken over, if it is not whoever sends this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What they say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it ends although the problem goes on, in milliseconds since the Unix epoch. Default:
    /// with the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    /// The way by which they have said so, for the record. Default: `API`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

impl AcknowledgeBody {
    /// Returns what is named, for the record.
    fn names(&self) -> String {
        let mut names = Vec::new();
        names.extend(self.incident.clone());
        names.extend(self.delivery.map(|delivery| format!("delivery {delivery}")));
        names.extend(self.host.clone());
        names.extend(self.target.clone());
        names.join(", ")
    }
}

/// What is acknowledged now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Acknowledgements {
    /// The incidents.
    #[schema(value_type = Vec<Object>)]
    pub acknowledged: Vec<serde_json::Value>,
}

/// Checks the end of an acknowledgement, and returns it as a time.
///
/// # Errors
/// Returns a sentence about what is wrong.
pub fn check_time(until_ms: i64, now_ms: i64) -> Result<SystemTime, String> {
    if until_ms <= now_ms {
        return Err("an acknowledgement that ends in the past makes no difference".to_owned());
    }
    if until_ms > MAX_TIME_MS {
        return Err("the time must be before the year 10000".to_owned());
    }
    let since = Duration::from_millis(until_ms.unsigned_abs());
    let at = SystemTime::UNIX_EPOCH.checked_add(since);
    at.ok_or_else(|| "the time must be before the year 10000".to_owned())
}

/// Acknowledge a problem: somebody has taken over.
///
/// Exactly one of `incident`, `delivery`, `host` and `target` is named.
#[utoipa::path(
    post, path = "/acknowledgements", tag = "incidents",
    request_body = AcknowledgeBody,
    responses(
        (status = 200, body = Acknowledgements),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn acknowledge(
    State(api): State<Api>,
    Actor(identity): Actor,
    acting: Acting,
    JsonBody(body): JsonBody<AcknowledgeBody>,
) -> Result<Json<Acknowledgements>, Problem> {
    acting.about(body.names());
    let by = body.by.clone().unwrap_or(identity.name);
    let of_host = |host: &str, by: &str| {
        let shared = api.shared.of(host).into_iter();
        let shared = shared.map(|incident| Acknowledge::incident(incident, by));
        [Acknowledge::host(host, by)]
            .into_iter()
            .chain(shared)
            .collect::<Vec<_>>()
    };
    // The first of these that is open.
    let attempts = match (&body.incident, body.delivery, &body.host, &body.target) {
        (Some(incident), None, None, None) => vec![vec![Acknowledge::incident(incident, by)]],
        (None, Some(delivery), None, None) => {
            vec![vec![Acknowledge::delivery(DeliveryId(delivery), by)]]
        }
        (None, None, Some(host), None) => vec![of_host(host, &by)],
        (None, None, None, Some(target)) => {
            let incident = Acknowledge::incident(target, by.as_str());
            vec![vec![incident], of_host(target, &by)]
        }
        _ => {
            let detail = "name one of `incident`, `delivery`, `host` and `target`";
            return Err(Problem::new(Reason::Invalid, detail));
        }
    };
    let until = body.until_ms.map(|until_ms| {
        let until = check_time(until_ms, Timestamp::now().as_millisecond());
        until.map_err(|why| Problem::new(Reason::Invalid, why.clone()).at("/until_ms", why))
    });
    let until = until.transpose()?;
    for attempt in attempts {
        let mut acknowledged = Vec::new();
        for acknowledge in attempt {
            let via = body.via.as_deref().unwrap_or("API");
            let mut acknowledge = acknowledge
                .via(via)
                .note(body.note.as_deref().unwrap_or_default());
            if let Some(until) = until {
                acknowledge = acknowledge.until(until);
            }
            let taken = api.engine.acknowledge(acknowledge).await;
            acknowledged.extend(taken.map_err(|error| refused(&error))?);
        }
        if !acknowledged.is_empty() {
            let json = acknowledged.iter().map(serde_json::to_value);
            return Ok(Json(Acknowledgements {
                acknowledged: json.filter_map(Result::ok).collect(),
            }));
        }
    }
    let detail = "no such problem is open";
    Err(Problem::new(Reason::NotFound, detail))
}

/// Which acknowledgement is withdrawn.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Whose {
    /// The incident.
    incident: String,
}

/// Whether an acknowledgement was withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Withdrawn {
    /// Whether there was one.
    pub withdrawn: bool,
}

/// Withdraw an acknowledgement, so that people are reminded again.
#[utoipa::path(
    delete, path = "/acknowledgements", tag = "incidents", params(Whose),
    responses(
        (status = 200, body = Withdrawn),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn withdraw(
    State(api): State<Api>,
    _: Actor,
    Query(whose): Query<Whose>,
) -> Result<Json<Withdrawn>, Problem> {
    let withdrawn = api.engine.withdraw_acknowledgement(&whose.incident).await;
    let withdrawn = withdrawn.map_err(|error| refused(&error))?;
    Ok(Json(Withdrawn { withdrawn }))
}
