//! Channels: whether people can be notified there, and what a check finds.

use std::collections::BTreeMap;

use annunciator::{
    ChannelOptions, ChannelStatus, Check, CheckStatus, CircuitState,
    store::{Query, State as DeliveryState},
};
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
    time::{countdown, length},
};
use crate::{
    api::{NotifyOutcome, test_channel},
    extract::{FormBody, Segments},
    identity::Actor,
    plugins::{self, PluginList},
    problem::{Problem, Reason},
    test_message::test_message,
};

/// Where the list is.
const PATH: &str = "/channels";
/// The number of deliveries that are counted as waiting, the newest.
const MAX_WAITING: u32 = 10_000;

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

async fn list(State(pages): State<Pages>, frame: Frame) -> Result<Response, Problem> {
    answer(&pages, &frame, None).await
}

async fn answer(pages: &Pages, frame: &Frame, found: Option<Found>) -> Result<Response, Problem> {
    let found_plugins = plugins::list(pages.engine.catalog()).await?;
    let waiting = waiting(pages).await?;
    let content = html! {
        (page(pages, frame, found.as_ref(), &waiting))
        (plugin_table(&found_plugins))
    };
    Ok(frame.show("Channels", PATH, content).await)
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
    answer(&pages, &frame, found).await
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
    let message = test_message(program, None, Some(&form.message));
    let outcome = test_channel(&pages.engine, program, &channel, message).await?;
    answer(&pages, &frame, Some(Found::Test(channel, outcome))).await
}

/// What waits for a channel.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    count: usize,
    /// How many were tried in vain.
    tried: usize,
    oldest_ms: i64,
}

/// Returns what waits for each channel, of the newest [`MAX_WAITING`].
async fn waiting(pages: &Pages) -> Result<BTreeMap<String, Waiting>, Problem> {
    let mut waiting = BTreeMap::new();
    let Some(store) = pages.engine.store() else {
        return Ok(waiting);
    };
    let query = Query {
        states: vec![DeliveryState::Pending, DeliveryState::InFlight],
        limit: MAX_WAITING,
        ..Query::default()
    };
    let records = store.deliveries(query).await;
    let records = records.map_err(|error| Problem::new(Reason::Unavailable, error.to_string()))?;
    for record in records {
        let of_it = waiting.entry(record.channel).or_insert(Waiting {
            count: 0,
            tried: 0,
            oldest_ms: record.accepted_ms,
        });
        of_it.count += 1;
        let is_tried = record.state == DeliveryState::Pending && record.attempts > 0;
        of_it.tried += usize::from(is_tried);
        of_it.oldest_ms = of_it.oldest_ms.min(record.accepted_ms);
    }
    Ok(waiting)
}

fn page(
    pages: &Pages,
    frame: &Frame,
    found: Option<&Found>,
    waiting: &BTreeMap<String, Waiting>,
) -> Markup {
    let config = pages.engine.config();
    let alerts = pages.engine.alerts();
    let statuses = pages.engine.channel_statuses();
    let now_ms = Timestamp::now().as_millisecond();
    html! {
        (own_alerts(&alerts, now_ms))
        h1 { "Channels" }
        @if waiting.values().map(|of_it| of_it.count).sum::<usize>() >= MAX_WAITING as usize {
            p { "More than these " (MAX_WAITING) " wait." }
        }
        table {
            thead { tr { th { "Channel" } th { "Type" } th { "State" } th { "Waiting" } th { "Check" } } }
            tbody {
                @for channel in config.channels() {
                    tr data-item {
                        td { a href={ "/deliveries?channel=" (part(channel.name())) } data-open { (text(channel.name())) } }
                        td data-label="Type" { (text(channel.channel_type())) }
                        @let deliveries = format!("/deliveries?state=pending&channel={}", part(channel.name()));
                        td {
                            @if let Some(status) = statuses.iter().find(|one| one.channel == channel.name()) {
                                (state(status, now_ms))
                                (circumstances(status, channel.options(), now_ms))
                            }
                        }
                        td data-label="Waiting" {
                            @match waiting.get(channel.name()) {
                                None => "nothing",
                                Some(of_it) => {
                                    a href=(deliveries) { (of_it.count) }
                                    ", the oldest for " (length(now_ms - of_it.oldest_ms))
                                    @if of_it.tried > 0 { " " span.pill.warn { (of_it.tried) " after a failed attempt" } }
                                },
                            }
                        }
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

fn plugin_table(list: &PluginList) -> Markup {
    html! {
        h2 #plugins { "Plugins" }
        p {
            @match &list.lock_file {
                Some(file) => { "Only files with the hashes in " code { (text(file)) } " are loaded." },
                None => "No lock file is in use: files are loaded whatever their hashes.",
            }
        }
        @for why in &list.rejected { p role="alert" { (text(why)) } }
        table {
            thead { tr { th { "Plugin" } th { "Version" } th { "Contract" } th { "Channel types" } th { "File and its SHA-256" } } }
            tbody {
                @for plugin in &list.plugins {
                    tr {
                        td { (text(&plugin.name)) }
                        td data-label="Version" { (text(&plugin.version)) }
                        td data-label="Contract" { (text(&plugin.contract)) }
                        td data-label="Channel types" { (text(&plugin.channel_types.join(", "))) }
                        td data-label="File" {
                            code { (text(&plugin.path)) } br;
                            code.dim { (plugin.sha256.as_deref().unwrap_or("cannot be read")) }
                        }
                    }
                }
            }
        }
    }
}

fn state(status: &ChannelStatus, now_ms: i64) -> Markup {
    html! {
        @if let Some(why) = &status.disabled { span.pill.mute { "disabled" } " " (text(why)) }
        @else if let Some(alert) = status.alerts.first() {
            span.pill.crit { "out of order" } " " (text(&alert.sentence))
        }
        @else if status.circuit.failures > 0 {
            span.pill.warn { "failing" } " " (attempts(status.circuit.failures)) " failed in a row"
        }
        @else { span.pill.ok { "no trouble known" } }
        @match status.circuit.state {
            CircuitState::Closed => {},
            CircuitState::Open => @if let Some(at_ms) = status.circuit.next_probe_ms {
                div { "Its deliveries wait; one is tried " (countdown(at_ms, now_ms)) "." }
            },
            CircuitState::HalfOpen => div { "Its deliveries wait for what comes of the next attempt." },
            _ => {},
        }
    }
}

fn attempts(count: u32) -> String {
    match count {
        1 => "1 attempt".to_owned(),
        count => format!("{count} attempts"),
    }
}

/// Shows a channel's checks, its rate limit and what is under way.
fn circumstances(status: &ChannelStatus, options: &ChannelOptions, now_ms: i64) -> Markup {
    let every = options.canary.map(|canary| canary.every.as_millis());
    let every = every.and_then(|ms| i64::try_from(ms).ok()).map(length);
    html! {
        div.dim {
            @match &status.last_check {
                None => "Not checked since it was opened",
                Some(last) => {
                    "Checked " (length(now_ms - last.at_ms)) " ago: " (verdict(last.check.status))
                    @if last.check.status != CheckStatus::Ok { ", " (text(&last.check.detail)) }
                },
            }
            @match every {
                Some(every) => { "; checked every " (every) "." },
                None => "; no canary checks it.",
            }
        }
        @if let Some(limit) = &status.rate_limit {
            div.dim {
                "At most " (limit.rate) ", "
                @match limit.last_suppressed_ms {
                    Some(at_ms) => { "which last suppressed a message " (length(now_ms - at_ms)) " ago." },
                    None => "which has suppressed nothing.",
                }
            }
        }
        @if status.attempts_under_way > 0 { div.dim { (status.attempts_under_way) " under way." } }
    }
}

/// Returns the word for what a check found.
fn verdict(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Ok => "ok",
        CheckStatus::Failed => "failed",
        CheckStatus::Unsupported => "cannot be checked",
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
    html! {
        b { (verdict(check.status)) } ": " (text(&check.detail))
        @if !check.hint.is_empty() { " " (text(&check.hint)) }
    }
}
