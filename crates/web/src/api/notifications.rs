//! Notifications that a program or a person submits.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use annunciator::{Notification, NotifyError, Report, Route, Severity};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as JsonValue, json};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use super::shared::{Api, refused};
use crate::{
    acts::Acting,
    circumstances::{Circumstances, EventKind, MAX_ATTRIBUTES, MAX_TEXT_LENGTH},
    extract::{JsonBody, Query},
    identity::Actor,
    planned::{self, Preview},
    problem::{Problem, Reason},
    report, unkept,
};

/// The maximum length of a message that is read, in bytes: four times what the engine accepts,
/// so that the engine can say how much it truncated.
pub const MAX_MESSAGE_LENGTH: usize = 4 * 1024 * 1024;
/// The maximum length of a program's argument, such as a host or a title: 32 pages
/// (`MAX_ARG_STRLEN`, execve(2)).
const MAX_ARGUMENT_LENGTH: usize = 128 * 1024;
/// The maximum length of the body of a notification, in bytes. Everything that a command line
/// can say fits: JSON writes a control character in six bytes (`\u0001`).
pub const MAX_REQUEST_LENGTH: usize = 6
    * (MAX_MESSAGE_LENGTH
        + 2 * MAX_ATTRIBUTES * MAX_TEXT_LENGTH
        + 2 * MAX_ARGUMENT_LENGTH
        + 64 * 1024);
/// The header with the idempotency key.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The minimum time that a caller waits for the outcome: within it, a notification that makes no
/// sense is refused.
const MIN_WAIT: Duration = Duration::from_secs(1);
/// The maximum time that a caller may wait for the outcome.
const MAX_WAIT: Duration = Duration::from_secs(600);

/// A notification. It goes to the channels of a host, to named channels, or else to the default
/// channels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationBody {
    /// The host that it is about: its channels are notified, unless `channels` names others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The channels and groups to notify, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<String>>,
    /// The text.
    pub message: String,
    /// The title: one line above the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The severity: `info` (the default), `warning` or `critical`.
    #[serde(default)]
    #[schema(value_type = String, pattern = "^(info|warning|critical)$")]
    pub severity: Severity,
    /// The position of the message in its incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<EventKind>,
    /// The incident that the message belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// Further facts, by name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub attributes: IndexMap<String, String>,
    /// When the event happened, in milliseconds since the Unix epoch. Default: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at_ms: Option<i64>,
    /// The idempotency key, for a caller that does not set the header `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl NotificationBody {
    /// Sets what is known about the message besides its text.
    #[must_use]
    pub fn circumstances(mut self, circumstances: Circumstances) -> Self {
        self.kind = circumstances.kind;
        self.incident = circumstances.incident;
        self.attributes = circumstances.attributes.into_iter().collect();
        self.occurred_at_ms = circumstances.occurred_at_ms;
        self.key = circumstances.key;
        self
    }

    /// Returns what it is about and whom it names, for the record.
    fn names(&self) -> String {
        let mut names = Vec::new();
        names.extend(self.host.clone());
        names.extend(self.incident.clone());
        names.extend(self.channels.clone().unwrap_or_default());
        names.join(", ")
    }

    fn read(self, header: Option<String>) -> Result<Call, Problem> {
        if header.is_some() && self.key.is_some() && header != self.key {
            let detail = "the header and the body have different idempotency keys";
            return Err(Problem::new(Reason::Invalid, detail));
        }
        let circumstances = Circumstances {
            kind: self.kind,
            incident: self.incident,
            key: header.or(self.key),
            attributes: self.attributes.into_iter().collect(),
            occurred_at_ms: self.occurred_at_ms,
        };
        circumstances
            .check()
            .map_err(|why| Problem::new(Reason::Invalid, why))?;
        let is_recovery = circumstances.is_recovery();
        let notification = Notification::new(self.message).severity(self.severity);
        let mut notification = circumstances.of(notification);
        if let Some(title) = self.title {
            notification = notification.title(title);
        }
        if let (Some(host), Some(_)) = (&self.host, &self.channels) {
            // The host is what it is about, and the channels are who it goes to.
            notification = notification.host(host);
        }
        Ok(Call {
            host: self.host,
            channels: self.channels,
            notification,
            key: circumstances.key,
            severity: self.severity,
            is_recovery,
        })
    }
}

/// A checked request.
struct Call {
    host: Option<String>,
    channels: Option<Vec<String>>,
    notification: Notification,
    key: Option<String>,
    severity: Severity,
    is_recovery: bool,
}

impl Call {
    fn names(&self) -> Option<Vec<&str>> {
        let channels = self.channels.as_ref()?;
        Some(channels.iter().map(String::as_str).collect())
    }

    fn route<'a>(&'a self, names: Option<&'a [&'a str]>) -> Route<'a> {
        match (names, &self.host) {
            (Some(names), _) => Route::Channels(names),
            (None, Some(host)) => Route::Host(host),
            (None, None) => Route::Defaults,
        }
    }
}

/// How a notification is answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Answering {
    /// How long to wait for the outcome, such as `10s`: a second to 10 minutes, and no longer than
    /// `delivery.wait`. Without it, the answer is a receipt.
    #[param(pattern = "^[0-9]{1,9}(ms|s|m|h)( [0-9]{1,9}(ms|s|m|h))*$")]
    wait: Option<String>,
    /// Whether to answer only what would be sent, without sending anything.
    dry_run: bool,
}

/// The answer to a notification whose sender waits, or to a dry run.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Notified {
    /// The message was accepted, with this outcome.
    Outcome(NotifyOutcome),
    /// The preview of a dry run.
    Preview {
        /// What would be sent to each channel, and when.
        #[schema(value_type = Object)]
        preview: Preview,
        /// Warnings about possible mistakes.
        warnings: Vec<String>,
    },
}

/// The outcome of a message.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NotifyOutcome {
    /// Whether the outcome is as expected.
    pub delivered: bool,
    /// The outcome in lines for people.
    pub lines: Vec<String>,
    /// The outcome for programs.
    pub report: ReportJson,
    /// Warnings about possible mistakes and about problems.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Whether its key was used before, so that the dry run sent nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeats: bool,
}

/// A [`Report`] as JSON.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ReportJson {
    /// The channels, with whether the message was delivered there.
    pub results: BTreeMap<String, bool>,
    /// The other members of the report.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub more: BTreeMap<String, JsonValue>,
}

/// Notify people.
///
/// Without `wait`, the answer is a receipt (202) as soon as the notification is recorded. With
/// the header `Idempotency-Key`, it is accepted once, however often it is sent.
#[utoipa::path(
    post, path = "/notifications", tag = "notifications",
    params(Answering, ("idempotency-key" = Option<String>, Header, description = "1 to 512 bytes")),
    request_body = NotificationBody,
    responses(
        (status = 200, body = Notified, description = "The outcome, or the preview of a dry run"),
        (status = 202, body = Object, description = "The receipt, or that there is no `outcome` yet after `wait`"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn notify(
    State(api): State<Api>,
    _: Actor,
    acting: Acting,
    Query(answering): Query<Answering>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<NotificationBody, MAX_REQUEST_LENGTH>,
) -> Result<Response, Problem> {
    acting.about(body.names());
    let wait = answering.wait.as_deref().map(humantime::parse_duration);
    let wait = wait.transpose().map_err(|_| {
        let detail = "`wait` is not a duration: write a number with its unit, such as 10s";
        Problem::new(Reason::WrongQuery, detail)
    })?;
    let call = body.read(key(&headers)?)?;
    if answering.dry_run {
        acting.is_no_act();
        let notified = match recall(&api, &call).await {
            Some(recalled) => recalled?,
            None => preview(&api, &call)?,
        };
        return Ok(Json(notified).into_response());
    }
    let Some(wait) = wait else {
        return submit(&api, &call).await;
    };
    notify_and_wait(&api, call, wait.clamp(MIN_WAIT, MAX_WAIT)).await
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    // Keys of other programs may be any text, which a header carries as UTF-8.
    let text = std::str::from_utf8(value.as_bytes());
    let text =
        text.map_err(|_| Problem::new(Reason::Invalid, "the idempotency key is not UTF-8"))?;
    Ok(Some(text.to_owned()))
}

async fn submit(api: &Api, call: &Call) -> Result<Response, Problem> {
    let names = call.names();
    let route = call.route(names.as_deref());
    let (notification, key) = (call.notification.clone(), call.key.as_deref());
    let submitted = api.engine.submit(route, notification, key);
    let receipt = submitted.await.map_err(|error| refused(&error))?;
    Ok((StatusCode::ACCEPTED, Json(receipt)).into_response())
}

async fn notify_and_wait(api: &Api, call: Call, wait: Duration) -> Result<Response, Problem> {
    let (engine, notification) = (api.engine.clone(), call.notification.clone());
    let call = Arc::new(call);
    let its_call = Arc::clone(&call);
    let notifying = async move {
        match (its_call.names(), &its_call.host) {
            (Some(names), _) => engine.notify_channels(&names, notification).await,
            (None, Some(host)) => engine.notify_host(host, notification).await,
            (None, None) => engine.notify_default(notification).await,
        }
    };
    let Some(report) = within(wait, notifying).await? else {
        return Ok(answer(None));
    };
    if report.is_empty() {
        return Err(refused(&NotifyError::NoChannel));
    }
    let warnings = [
        unknown_host_warning(api, &call, "were"),
        unkept::of_engine(&api.engine, api.program),
    ];
    let warnings = warnings.into_iter().flatten().collect();
    Ok(answer(Some(outcome(
        &report,
        call.is_recovery,
        warnings,
        false,
    )?)))
}

/// Returns the report of a notification, or `None` if there is none in time: then it goes on.
pub(super) async fn within(
    wait: Duration,
    notifying: impl Future<Output = Result<Report, NotifyError>> + Send + 'static,
) -> Result<Option<Report>, Problem> {
    // A task of its own, which goes on if nobody waits for it any more.
    let Ok(notified) = timeout(wait, tokio::spawn(notifying)).await else {
        return Ok(None);
    };
    let notified = notified.map_err(|error| {
        let detail = format!("the notification could not be submitted: {error}");
        Problem::new(Reason::Unavailable, detail)
    })?;
    notified.map(Some).map_err(|error| refused(&error))
}

/// Answers with an outcome, or that there is none yet. That is no error: whoever sent it again
/// would notify people twice.
pub(super) fn answer(outcome: Option<NotifyOutcome>) -> Response {
    match outcome {
        Some(outcome) => Json(Notified::Outcome(outcome)).into_response(),
        None => (StatusCode::ACCEPTED, Json(json!({ "outcome": null }))).into_response(),
    }
}

/// Returns the answer for a key that was used before; `None` if it was not.
async fn recall(api: &Api, call: &Call) -> Option<Result<Notified, Problem>> {
    let store = api.engine.store()?;
    let config = api.engine.config();
    let names = call.names();
    let route = call.route(names.as_deref());
    let known = config.known_report(&**store, route, call.notification.clone());
    match known.await {
        Ok(report) => {
            let outcome = outcome(&report?, call.is_recovery, Vec::new(), true);
            Some(outcome.map(Notified::Outcome))
        }
        Err(error) => Some(Err(refused(&error))),
    }
}

/// Returns who would be notified now.
fn preview(api: &Api, call: &Call) -> Result<Notified, Problem> {
    let (config, now_ms) = (api.engine.config(), Timestamp::now().as_millisecond());
    let names = call.names();
    let route = call.route(names.as_deref());
    let preview = planned::preview(&config, route, call.severity, call.is_recovery, now_ms);
    let preview = preview.map_err(|error| Problem::new(Reason::Invalid, error.to_string()))?;
    Ok(Notified::Preview {
        preview,
        warnings: unknown_host_warning(api, call, "would be")
            .into_iter()
            .collect(),
    })
}

/// Returns the outcome, for people and for programs.
pub(super) fn outcome(
    report: &Report,
    is_recovery: bool,
    warnings: Vec<String>,
    repeats: bool,
) -> Result<NotifyOutcome, Problem> {
    // Deliveries are retried as long as the program runs.
    let lines = report.channels().values();
    let lines = lines.flat_map(|channel| report::lines(channel, true));
    let read = serde_json::to_value(report).and_then(serde_json::from_value);
    let as_json = read.map_err(|error| {
        let detail = format!("the answer has no JSON form: {error}");
        Problem::new(Reason::Unavailable, detail)
    })?;
    Ok(NotifyOutcome {
        delivered: report::is_well(report, is_recovery),
        lines: lines.collect(),
        report: as_json,
        warnings,
        repeats,
    })
}

fn unknown_host_warning(api: &Api, call: &Call, were: &str) -> Option<String> {
    if call.channels.is_some() {
        return None;
    }
    report::unknown_host_warning(&api.engine.config(), call.host.as_deref()?, were)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_message_fits_whatever_it_is_of() {
        let worst = |length: usize| "\u{1}".repeat(length);
        let attributes = (0..MAX_ATTRIBUTES).map(|number| {
            let name = format!("{number}{}", worst(MAX_TEXT_LENGTH - 2));
            (name, worst(MAX_TEXT_LENGTH))
        });
        let body = NotificationBody {
            host: Some(worst(MAX_ARGUMENT_LENGTH)),
            message: worst(MAX_MESSAGE_LENGTH),
            title: Some(worst(MAX_ARGUMENT_LENGTH)),
            severity: Severity::Critical,
            kind: Some(EventKind::Reminder),
            incident: Some(worst(MAX_TEXT_LENGTH)),
            attributes: attributes.collect(),
            occurred_at_ms: Some(i64::MAX),
            ..NotificationBody::default()
        };
        let text = serde_json::to_vec(&body).unwrap();
        assert!(text.len() < MAX_REQUEST_LENGTH, "{}", text.len());
    }
}
