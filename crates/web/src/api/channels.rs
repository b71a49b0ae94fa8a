//! Channels: where people are notified.

use annunciator::ChannelConfig;
use axum::{Json, extract::State};
use serde::Serialize;
use serde_json::Value as JsonValue;
use utoipa::ToSchema;

use super::shared::{Api, refused};
use crate::{
    extract::Segments,
    identity::{Actor, Reader},
    problem::Problem,
};

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

/// All channels.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Channels {
    /// In the order of the file.
    channels: Vec<ChannelJson>,
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
    Json(Channels {
        channels: config.channels().map(ChannelJson::from).collect(),
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
