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
use serde::Deserialize;

use super::{
    now::own_alerts,
    site::{Frame, Pages},
    text::{part, text},
};
use crate::{
    api::{NotifyOutcome, test_channel},
    extract::{FormBody, Segments},
    identity::Actor,
    problem::{Problem, Reason},
    test_message::test_message,
};

/// Where the list is.
const PATH: &str = "/channels";

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route(PATH, get(list))
        .route("/channels/{channel}/check", post(check))
        .route("/channels/{channel}/test", post(test))
}

/// What came of what somebody did with a channel.
enum Found {
    Check(Check),
    /// A test message; no outcome if that is not known yet.
    Test(String, Option<NotifyOutcome>),
}

impl Found {
    fn channel(&self) -> &str {
        match self {
            Self::Check(check) => &check.channel,
            Self::Test(channel, _) => channel,
        }
    }
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
    let found = checks.into_iter().next().map(Found::Check);
    let content = page(&pages, &frame, found.as_ref());
    Ok(frame.show("Channels", PATH, content).await)
}

/// What the form of a test says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TestForm {
    /// The text; empty for the usual one.
    message: String,
}

async fn test(
    State(pages): State<Pages>,
    _: Actor,
    frame: Frame,
    Segments(channel): Segments<String>,
    FormBody(form): FormBody<TestForm>,
) -> Result<Response, Problem> {
    let program = pages.site.program();
    let message = test_message(program, Some(&form.message));
    let outcome = test_channel(&pages.engine, program, &channel, message).await?;
    let found = Found::Test(channel, outcome);
    let content = page(&pages, &frame, Some(&found));
    Ok(frame.show("Channels", PATH, content).await)
}

fn page(pages: &Pages, frame: &Frame, found: Option<&Found>) -> Markup {
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
                            @if let Some(found) = found.filter(|found| found.channel() == channel.name()) {
                                div role="status" { (finding(found)) }
                            }
                            @if frame.may_act() {
                                form method="post" action={ (PATH) "/" (part(channel.name())) "/check" } { button { "Check" } }
                                form.filter method="post" action={ (PATH) "/" (part(channel.name())) "/test" } {
                                    label { span.unseen { "Text of a test on " (text(channel.name())) }
                                        input name="message" placeholder="Test notification"; }
                                    button { "Send a test" }
                                }
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

fn finding(found: &Found) -> Markup {
    let check = match found {
        Found::Check(check) => check,
        Found::Test(_, Some(outcome)) => {
            return html! {
                @if outcome.delivered { span.pill.ok { "delivered" } } @else { span.pill.crit { "not delivered" } }
                @for line in outcome.lines.iter().chain(&outcome.warnings) { p { (text(line)) } }
            };
        }
        Found::Test(_, None) => {
            return html! { p { "It was accepted, and what came of it is not known yet: " a href="/deliveries" { "look at the deliveries" } "." } };
        }
    };
    let status = serde_json::to_value(check.status).unwrap_or_default();
    let status = status.as_str().unwrap_or("checked").to_owned();
    html! {
        b { (text(&status)) } ": " (text(&check.detail))
        @if !check.hint.is_empty() { " " (text(&check.hint)) }
    }
}
