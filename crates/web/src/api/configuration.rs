//! The configuration in force, with every secret hidden.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{channels::ChannelJson, shared::Api};
use crate::{identity::Reader, problem::Problem};

/// The configuration in force.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ConfigurationJson {
    /// The file that it was read from.
    file: String,
    /// The channels, in the order of the file, without secrets.
    channels: Vec<ChannelJson>,
    /// The groups.
    groups: Vec<GroupJson>,
    /// The channels and groups that are notified of everything that is about no host of the file.
    default_channels: Vec<String>,
    /// The hosts, by name.
    hosts: BTreeMap<String, HostJson>,
}

/// A group: its channels are notified one after the other.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct GroupJson {
    /// The group's name.
    name: String,
    /// The channels, in the order of their steps.
    first_of: Vec<String>,
    /// The proof that ends it: `accepted`, `delivered` or `acknowledged`.
    until: &'static str,
    /// The time between two steps, in milliseconds.
    step_after_ms: u64,
}

/// A host.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct HostJson {
    /// The channels and groups that are notified of what is about it.
    channels: Vec<String>,
    /// Whether it is watched.
    watch: bool,
}

/// Show the configuration in force, without secrets.
#[utoipa::path(
    get, path = "/config", tag = "channels",
    responses(
        (status = 200, body = ConfigurationJson),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(State(api): State<Api>, _: Reader) -> Json<ConfigurationJson> {
    let config = api.engine.config();
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    Json(ConfigurationJson {
        file: api.engine.file().display().to_string(),
        channels: config.channels().map(ChannelJson::from).collect(),
        groups: config
            .groups()
            .map(|group| GroupJson {
                name: group.name().to_owned(),
                first_of: owned(group.first_of().collect()),
                until: group.until().name(),
                step_after_ms: u64::try_from(group.step_after().as_millis()).unwrap_or(u64::MAX),
            })
            .collect(),
        default_channels: owned(config.named_by_default()),
        hosts: config
            .hosts()
            .iter()
            .map(|(name, host)| {
                let channels = owned(config.named_by_host(name));
                let watch = host.watch;
                (name.to_string(), HostJson { channels, watch })
            })
            .collect(),
    })
}
