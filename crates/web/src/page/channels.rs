//! Channels: whether people can be notified there, and what a check finds.

use annunciator::{Alert, Check};
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use jiff::Timestamp;
use maud::{Markup, html};

use super::{
    now::own_alerts,
    site::{Frame, Pages},
    text::{part, text},
};
use crate::{
    extract::Segments,
    identity::Actor,
    problem::{Problem, Reason},
};

/// Where the list is.
const PATH: &str = "/channels";

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route(PATH, get(list))
        .route("/channels/{channel}/check", post(check))
}

async fn list(State(pages): State<Pages>, frame: Frame) -> Response {
    let content = page(&pages, &frame, None);
    frame.show("Channels", PATH, content).await
}

async fn check(
    State(pages): State<Pages>,
    _: Actor,
    frame: Frame,
    Segments(channel): Segments<String>,
) -> Result<Response, Problem> {
    let checks = pages.engine.check(&[&channel]).await;
    let checks = checks.map_err(|error| Problem::new(Reason::NotFound, error.to_string()))?;
    let content = page(&pages, &frame, checks.first());
    Ok(frame.show("Channels", PATH, content).await)
}

fn page(pages: &Pages, frame: &Frame, checked: Option<&Check>) -> Markup {
    let config = pages.engine.config();
    let alerts = pages.engine.alerts();
    let now_ms = Timestamp::now().as_millisecond();
    html! {
        (own_alerts(&alerts, now_ms))
        h1 { "Channels" }
        table {
            thead { tr { th { "Channel" } th { "Type" } th { "State" } th { "Check" } } }
            tbody {
                @for channel in config.channels() {
                    tr data-item {
                        td { a href={ "/deliveries?channel=" (part(channel.name())) } data-open { (text(channel.name())) } }
                        td data-label="Type" { (text(channel.channel_type())) }
                        td { (state(channel.name(), channel.disabled().map(ToString::to_string), &alerts)) }
                        td {
                            @if let Some(check) = checked.filter(|check| check.channel == channel.name()) {
                                p role="status" { (finding(check)) }
                            }
                            @if frame.may_act() {
                                form method="post" action={ (PATH) "/" (part(channel.name())) "/check" } { button { "Check" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn state(name: &str, disabled: Option<String>, alerts: &[Alert]) -> Markup {
    let of_it = |alert: &&Alert| {
        let rest = alert.subject.strip_prefix("channel/");
        let rest = rest.and_then(|rest| rest.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    html! {
        @if let Some(why) = disabled { span.pill.mute { "disabled" } " " (text(&why)) }
        @else if let Some(alert) = alerts.iter().find(of_it) {
            span.pill.crit { "out of order" } " " (text(&alert.sentence))
        }
        @else { span.pill.ok { "in order" } }
    }
}

fn finding(check: &Check) -> Markup {
    let status = serde_json::to_value(check.status).unwrap_or_default();
    let status = status.as_str().unwrap_or("checked").to_owned();
    html! {
        b { (text(&status)) } ": " (text(&check.detail))
        @if !check.hint.is_empty() { " " (text(&check.hint)) }
    }
}
