//! Plans: who would be notified, when, and by which rules not.

use annunciator::{Route, Severity};
use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::shared::Api;
use crate::{
    circumstances::is_written,
    extract::Query,
    identity::Reader,
    planned::{self, Preview},
    problem::{Problem, Reason},
};

/// Of which notification the plan is asked for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PlanQuery {
    /// The host that it is about. Default: none, so that it goes to the default channels.
    host: Option<String>,
    /// The channels and groups that it goes to, separated by commas, instead of the host's.
    channels: Option<String>,
    /// Its severity: `info` (the default), `warning` or `critical`.
    #[param(value_type = Option<String>, pattern = "^(info|warning|critical)$")]
    severity: Severity,
    /// Whether it reports the end of a problem.
    recovery: bool,
    /// When it is sent, in milliseconds since the Unix epoch. Default: now.
    #[param(minimum = 0, maximum = 253402300799999_i64)]
    at_ms: Option<i64>,
}

/// Show who would be notified, without notifying anybody.
///
/// Rules that depend on earlier notifications are not considered.
#[utoipa::path(
    get, path = "/route", tag = "notifications", params(PlanQuery),
    responses(
        (status = 200, body = Object),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(api): State<Api>,
    _: Reader,
    Query(asked): Query<PlanQuery>,
) -> Result<Json<Preview>, Problem> {
    let at_ms = asked
        .at_ms
        .unwrap_or_else(|| Timestamp::now().as_millisecond());
    if !is_written(at_ms) {
        let detail = "`at_ms` is not between the years 1970 and 9999";
        return Err(Problem::new(Reason::WrongQuery, detail));
    }
    let names = asked.channels.as_ref();
    let names: Option<Vec<&str>> = names.map(|names| names.split(',').map(str::trim).collect());
    let route = match (&names, &asked.host) {
        (Some(names), _) => Route::Channels(names),
        (None, Some(host)) => Route::Host(host),
        (None, None) => Route::Defaults,
    };
    let config = api.engine.config();
    let preview = planned::preview(&config, route, asked.severity, asked.recovery, at_ms);
    let preview = preview.map_err(|error| Problem::new(Reason::Invalid, error.to_string()))?;
    Ok(Json(preview))
}
