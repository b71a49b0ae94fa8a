//! Channels: where people are notified.

use std::time::Duration;

use annunciator::{ChannelConfig, ChannelStatus, Engine, Notification, Severity};
use axum::{Json, extract::State, response::Response};
use serde::{Deserialize, Serialize};
use serde_json::Value as JsonValue;
use utoipa::ToSchema;

use super::{
    notifications::{Notified, NotifyOutcome, answer, outcome, within},
    shared::{Api, refused},
};
use crate::{
    extract::{JsonBody, Segments},
    identity::{Actor, Reader},
    problem::{Problem, Reason},
    test_message::test_message,
    unkept,
};

/// How long somebody waits for what comes of a test: longer than an attempt takes, 30 s by
/// default.
const TEST_WAIT: Duration = Duration::from_secs(60);

/// A channel of the configuration in force.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ChannelJson {
    /// The channel's name.
    name: String,
    /// Its type.
    r#type: String,
    /// Why it is disabled; none if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<String>,
    /// Its settings, without secrets.
    settings: JsonValue,
}

impl From<&ChannelConfig> for ChannelJson {
    fn from(channel: &ChannelConfig) -> Self {
        Self {
            name: channel.name().to_owned(),
            r#type: channel.channel_type().to_owned(),
            disabled: channel.disabled().map(ToString::to_string),
            settings: serde_json::json!(channel.settings()),
        }
    }
}

/// A channel, and how it is at the moment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ListedChannel {
    #[serde(flatten)]
    channel: ChannelJson,
    /// Its circuit breaker, its rate limit, its last check, the attempts that are under way, and
    /// the alerts about it.
    #[schema(value_type = Object)]
    status: ChannelStatus,
}

/// All channels.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Channels {
    /// In the order of the file.
    channels: Vec<ListedChannel>,
    /// The engine's active alerts: what keeps people from being notified.
    #[schema(value_type = Vec<Object>)]
    alerts: Vec<annunciator::Alert>,
}

/// List channels.
#[utoipa::path(
    get, path = "/channels", tag = "channels",
    responses(
        (status = 200, body = Channels),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(State(api): State<Api>, _: Reader) -> Json<Channels> {
    let config = api.engine.config();
    let statuses = api.engine.channel_statuses().into_iter();
    // A reload in between may have removed one.
    let listed = statuses.filter_map(|status| {
        let channel = ChannelJson::from(config.channel(&status.channel)?);
        Some(ListedChannel { channel, status })
    });
    Json(Channels {
        channels: listed.collect(),
        alerts: api.engine.alerts(),
    })
}

/// Check a channel's settings without delivering anything.
#[utoipa::path(
    post, path = "/channels/{channel}/check", tag = "channels",
    params(("channel" = String, Path, description = "The name of the channel")),
    responses(
        (status = 200, body = Object),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn check(
    State(api): State<Api>,
    _: Actor,
    Segments(channel): Segments<String>,
) -> Result<Json<JsonValue>, Problem> {
    let checks = api.engine.check(&[&channel]).await;
    let checks = checks.map_err(|error| refused(&error))?;
    Ok(Json(serde_json::json!(checks.first())))
}

/// A message that tries a channel.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TestBody {
    /// The text. Default: that it is a test.
    message: Option<String>,
    /// The title. Default: what is tested.
    title: Option<String>,
    /// The severity: `info` (the default), `warning` or `critical`.
    #[schema(value_type = String, pattern = "^(info|warning|critical)$")]
    severity: Severity,
}

/// Deliver a test message on a channel, and wait for what comes of it.
///
/// No rule suppresses it, and no group is involved.
#[utoipa::path(
    post, path = "/channels/{channel}/test", tag = "channels",
    params(("channel" = String, Path, description = "The name of the channel")),
    request_body = TestBody,
    responses(
        (status = 200, body = Notified),
        (status = 202, body = Object, description = "There is no `outcome` yet"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn test(
    State(api): State<Api>,
    _: Actor,
    Segments(channel): Segments<String>,
    JsonBody(body): JsonBody<TestBody>,
) -> Result<Response, Problem> {
    let (title, text) = (body.title.as_deref(), body.message.as_deref());
    let message = test_message(api.program, title, text).severity(body.severity);
    let tested = test_channel(&api.engine, api.program, &channel, message).await?;
    Ok(answer(tested))
}

/// Returns what came of a message on a channel; `None` if that is not known in time.
///
/// # Errors
/// Refuses a channel that is not there, and what the engine refuses.
pub(crate) async fn test_channel(
    engine: &Engine,
    program: &'static str,
    channel: &str,
    message: Notification,
) -> Result<Option<NotifyOutcome>, Problem> {
    if engine.config().channel(channel).is_none() {
        let detail = format!("there is no channel `{}`", channel.escape_debug());
        return Err(Problem::new(Reason::NotFound, detail));
    }
    let (own, name) = (engine.clone(), channel.to_owned());
    let sending = async move { own.notify_channels(&[&name], message).await };
    let Some(report) = within(TEST_WAIT, sending).await? else {
        return Ok(None);
    };
    let warnings = unkept::of_engine(engine, program);
    outcome(&report, false, warnings.into_iter().collect(), false).map(Some)
}
