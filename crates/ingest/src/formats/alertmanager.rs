//! Alertmanager's webhook, version 4.
//!
//! The shape: <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config> and
//! <https://github.com/prometheus/alertmanager/blob/main/notify/webhook/webhook.go>.

use annunciator::Severity;
use serde_json::Value as Json;

use super::{
    alert::{Alert, period, reminder},
    items::{By, Errors, Payload, list},
};
use crate::{error::IngestError, event::Event, payload, request::Request, word};

pub(super) fn read(request: &Request<'_>, by: &By) -> Result<Payload, IngestError> {
    read_groups(request, by, |_, _| {})
}

/// Reads the payload, in which Grafana has more fields. `more` adds these to an event.
pub(super) fn read_groups(
    request: &Request<'_>,
    by: &By,
    more: impl Fn(&Alert<'_>, &mut Event),
) -> Result<Payload, IngestError> {
    let json = payload::json(request.body)?;
    let alerts = list(&json, "alerts")?;
    let of_group = json.get("status").and_then(word::text);
    let truncated = truncated(&json, by);
    let mut payload = Payload::new(json).read_all(alerts, |json, errors| {
        let alert = Alert::read(json, errors)?;
        let has_ended = has_ended(&alert, of_group.as_deref(), by, errors);
        let mut event = alert.event(has_ended, by, errors);
        more(&alert, &mut event);
        Some(event)
    });
    payload.extra.extend(truncated);
    Ok(payload)
}

/// Returns whether an alert is resolved: by its own status, the group's, or its end.
fn has_ended(alert: &Alert<'_>, of_group: Option<&str>, by: &By, errors: &mut Errors<'_>) -> bool {
    let own = alert.field("status");
    match own.as_deref().or(of_group) {
        Some("firing") => false,
        Some("resolved") => true,
        said => {
            if said.is_some() {
                errors.wrong("status", "neither `firing` nor `resolved`");
            }
            alert.ends_at.is_some_and(|ends_at| ends_at <= by.now_ms)
        }
    }
}

/// Returns an event that says how many alerts the sender has left out, so that nobody takes
/// what has come for everything. It is repeated as reminders are.
fn truncated(json: &Json, by: &By) -> Option<Event> {
    let count = json.get("truncatedAlerts").and_then(Json::as_u64)?;
    if count == 0 {
        return None;
    }
    let mut event = Event::empty();
    event.severity = Severity::Warning;
    event.title = Some(match count {
        1 => "1 alert was left out".to_owned(),
        count => format!("{count} alerts were left out"),
    });
    event.text = "The sender limits how many alerts it sends at once: see `max_alerts` \
                  there. Nobody is notified of the others."
        .to_owned();
    event.url = json
        .get("externalURL")
        .and_then(word::text)
        .and_then(|url| word::link(&url));
    let group = json.get("groupKey").and_then(word::text);
    let group = group.unwrap_or_default();
    event.add("group", group.as_str());
    let by = By {
        now_ms: by.now_ms,
        remind_every: Some(period(by)),
    };
    // A group's key has no limit of its own.
    let name = word::digest(&group);
    event.key = Some(format!("{name}/truncated/{}", reminder(0, &by)));
    Some(event)
}
