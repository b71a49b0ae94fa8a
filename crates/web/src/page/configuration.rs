//! The configuration, to be read: channels, groups and hosts, with every secret hidden.

use annunciator::{ChannelConfig, Config, GroupConfig};
use axum::{Router, extract::State, response::Response, routing::get};
use maud::{Markup, html};

use super::{
    site::{Frame, Pages},
    text::{lines, text},
    time::length,
};

/// Where it is.
const PATH: &str = "/configuration";
/// The number of hosts that are listed.
const MAX_HOSTS: usize = 1000;

pub(super) fn routes() -> Router<Pages> {
    Router::new().route(PATH, get(show))
}

async fn show(State(pages): State<Pages>, frame: Frame) -> Response {
    let config = pages.engine.config();
    let content = html! {
        h1 { "Configuration" }
        p { "From " code { (text(&pages.engine.file().display().to_string())) } ", as it was read last. Secrets are hidden." }
        @if let Some(path) = pages.site.file_path {
            p { a.button href=(path) { "Compare it with the file, and show its problems" } }
        }
        h2 { "Channels" }
        @for channel in config.channels() { (a_channel(channel)) }
        (groups(&config))
        h2 { "Hosts" }
        p { "Everything else goes to " (text(&config.named_by_default().join(", "))) "." }
        (hosts(&frame, &config))
    };
    frame.show("Configuration", PATH, content).await
}

fn a_channel(channel: &ChannelConfig) -> Markup {
    let settings = serde_json::to_string_pretty(channel.settings()).unwrap_or_default();
    html! {
        details {
            summary { b { (text(channel.name())) } " " span.dim { (text(channel.channel_type())) }
                @if let Some(why) = channel.disabled() { " " span.pill.crit { "disabled" } " " (text(&why.to_string())) } }
            div.message { (lines(&settings)) }
        }
    }
}

fn groups(config: &Config) -> Markup {
    let groups: Vec<&GroupConfig> = config.groups().collect();
    html! {
        @if !groups.is_empty() {
            h2 { "Groups" }
            dl.facts {
                @for group in groups {
                    dt { (text(group.name())) }
                    dd {
                        (text(&group.first_of().collect::<Vec<_>>().join(", then ")))
                        ", until " (group.until().name()) ", a step every " (length(i64::try_from(group.step_after().as_millis()).unwrap_or(i64::MAX)))
                    }
                }
            }
        }
    }
}

fn hosts(frame: &Frame, config: &Config) -> Markup {
    let hosts = config.hosts();
    html! {
        @if hosts.is_empty() { p { "None is named." } }
        @else {
            table {
                thead { tr { th { "Host" } th { "Channels" } th { "Watched" } } }
                tbody {
                    @for (name, host) in hosts.iter().take(MAX_HOSTS) {
                        tr data-item {
                            td {
                                @match frame.host_address(name) {
                                    Some(address) => a href=(address) data-open { (text(name)) },
                                    None => (text(name)),
                                }
                            }
                            td data-label="Channels" { (text(&config.named_by_host(name).join(", "))) }
                            td data-label="Watched" { @if host.watch { "yes" } @else { "no" } }
                        }
                    }
                }
            }
            @if hosts.len() > MAX_HOSTS { p { "These are " (MAX_HOSTS) " of " (hosts.len()) "." } }
        }
    }
}
