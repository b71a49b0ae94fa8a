//! What Prometheus sends to an Alertmanager: `POST /api/v2/alerts`, a list of alerts.
//!
//! The shape: <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>
//! (`postableAlerts`). Prometheus sends every firing alert again each minute, and a resolved
//! one for 15 min: `startsAt` is when it began to fire, and `endsAt` is some minutes ahead
//! while it fires, and when it ended afterwards
//! (<https://github.com/prometheus/prometheus/blob/main/rules/alerting.go>).

use serde_json::Value as Json;

use super::{
    alert::Alert,
    items::{By, Payload},
};
use crate::{
    error::{IngestError, Reason},
    payload,
    request::Request,
};

/// How long an alert without `endsAt` is taken to last unless it is sent again:
/// Alertmanager's default of `resolve_timeout`
/// (<https://prometheus.io/docs/alerting/latest/configuration/#file-layout-and-global-settings>).
const RESOLVE_TIMEOUT_MS: i64 = 5 * 60 * 1000;

pub(super) fn read(request: &Request<'_>, by: &By) -> Result<Payload, IngestError> {
    let json = payload::json(request.body)?;
    let Json::Array(alerts) = &json else {
        let error = IngestError::sender(Reason::WrongType, "a list of alerts is expected");
        return Err(error);
    };
    let alerts = alerts.clone();
    Ok(Payload::new(json).read_all(alerts, |json, errors| {
        let alert = Alert::read(json, errors)?;
        let has_ended = alert.ends_at.is_some_and(|ends_at| ends_at <= by.now_ms);
        let mut event = alert.event(has_ended, by, errors);
        if !has_ended {
            let ends_at = alert.ends_at;
            let assumed = by.now_ms.saturating_add(RESOLVE_TIMEOUT_MS);
            event.ends_at_ms = Some(ends_at.unwrap_or(assumed));
        }
        Some(event)
    }))
}
