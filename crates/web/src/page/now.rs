//! The first page: what needs somebody now.

use annunciator::{Alert, Severity};
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
    acts,
    incidents::{ChannelFacts, IncidentView, OpenView, Tone, open},
    site::{Additions, Frame, INCIDENTS, Pages},
    text::{part, text},
    time::{clock, length, when},
};
use crate::{
    extract::Query,
    problem::{Problem, Reason},
};

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route("/", get(now))
        .route("/acknowledge", post(acts::acknowledge))
        .route("/withdraw", post(acts::withdraw))
}

/// Which page of the incidents is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    page: Option<usize>,
}

async fn now(
    State(pages): State<Pages>,
    frame: Frame,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let now_ms = Timestamp::now().as_millisecond();
    let open = match pages.engine.store() {
        Some(store) => {
            let config = pages.engine.config();
            let page = asked.page.unwrap_or(1);
            let open = open(store, &config, page, now_ms).await;
            Some(open.map_err(|error| Problem::new(Reason::Unavailable, error.to_string()))?)
        }
        None => None,
    };
    let alerts = pages.engine.alerts();
    let added = pages.site.added().await;
    let needs = open.as_ref().map_or(0, |open| open.needs);
    let content = board(&frame, &alerts, open.as_ref(), &added, now_ms);
    Ok(frame.show_with("Now", "/", needs, true, content))
}

fn board(
    frame: &Frame,
    alerts: &[Alert],
    open: Option<&OpenView>,
    added: &Additions,
    now_ms: i64,
) -> Markup {
    html! {
        h1.unseen { "Now" }
        (own_alerts(alerts, now_ms))
        ul.counters aria-live="polite" {
            @if let Some(open) = open {
                li { a href="#open" { strong { (open.needs) } "need you" } }
                li { a href="#open" { strong { (open.taken) } "taken over" } }
            }
            @for counter in &added.counters {
                li { a href=(counter.path) { strong { (counter.count) } (counter.label) } }
            }
        }
        h2 #open { "Open" }
        @match open {
            None => p { "Deliveries are not stored, so that nothing is known of what is open: set " code { "delivery.store" } "." },
            Some(open) if open.incidents.is_empty() => p { "Nothing is open." },
            Some(open) => {
                @for one in &open.incidents { (incident(frame, one, now_ms)) }
                (turn_pages(open))
            }
        }
        @for section in &added.sections { (section) }
        p.dim { "As of " (when(now_ms, now_ms)) }
    }
}

/// What keeps people from being notified, above everything else.
pub(super) fn own_alerts(alerts: &[Alert], now_ms: i64) -> Markup {
    html! {
        @if !alerts.is_empty() {
            div.alerts role="alert" {
                @for alert in alerts {
                    p { b { (text(&alert.subject)) } " since " (when(alert.since_ms, now_ms)) ": " (text(&alert.sentence)) }
                }
                p { a href="/channels" { "Channels" } " · " a href="/deliveries?state=pending" { "What waits" } }
            }
        }
    }
}

fn turn_pages(open: &OpenView) -> Markup {
    html! {
        @if open.pages > 1 {
            p.acts {
                @if open.page > 1 { a.button href={ "/?page=" (open.page - 1) } { "Worse ones" } }
                span { "Page " (open.page) " of " (open.pages) }
                @if open.page < open.pages { a.button href={ "/?page=" (open.page + 1) } { "More" } }
            }
        }
    }
}

/// Returns the class of a severity's colour; its name is beside it.
pub(super) fn severity_class(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "crit",
        Severity::Warning => "warn",
        _ => "info",
    }
}

/// Returns the class of a tone's colour.
pub(super) fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "ok",
        Tone::Bad => "crit",
        Tone::Uneasy => "warn",
        Tone::Active => "info",
        Tone::Quiet => "mute",
    }
}

/// One incident, with what can be done about it.
pub(super) fn incident(frame: &Frame, one: &IncidentView, now_ms: i64) -> Markup {
    let class = match one.acknowledgement {
        Some(_) => "info",
        None => severity_class(one.severity),
    };
    let deliveries = format!("/deliveries?incident={}", part(&one.incident));
    let host = frame.host_address(&one.host);
    html! {
        article.incident.{ "is-" (class) } #{ "incident-" (part(&one.incident)) } data-item {
            div.row {
                span.pill.(severity_class(one.severity)) { (one.severity.name()) }
                h3 { a href={ (INCIDENTS) (part(&one.incident)) } data-open { (text(&one.subject)) } }
                @if !one.host.is_empty() && !one.subject.contains(one.host.as_str()) {
                    span.dim { (text(&one.host)) }
                }
                span.since { "for " (length(now_ms - one.since_ms)) " · since " (when(one.since_ms, now_ms)) }
            }
            @if let Some(taken) = &one.acknowledgement {
                p {
                    span.pill.info { "taken over" } " by " b { (text(&taken.by)) }
                    " at " (when(taken.at_ms, now_ms)) ", by " (text(&taken.via))
                    @if let Some(until_ms) = taken.until_ms { ", until " (clock(until_ms, now_ms)) " UTC" }
                    @if !taken.note.is_empty() { ": " (text(&taken.note)) }
                }
            }
            ul.channels aria-label="Who was notified" {
                @for channel in &one.channels { (channel_facts(channel)) }
            }
            div.acts {
                @if frame.may_act() {
                    @if one.acknowledgement.is_some() {
                        form method="post" action={ "/withdraw?incident=" (part(&one.incident)) } {
                            button { "Give back" }
                        }
                    } @else {
                        form method="post" action={ "/acknowledge?incident=" (part(&one.incident)) } {
                            button.primary data-key="a" { "Take over" }
                        }
                    }
                }
                @if let Some(host) = host {
                    @if frame.may_act() { a.button href={ (host) "#silence" } data-key="s" { "Silence…" } }
                    a.button href=(host) { "Explain" }
                    a.button href={ (host) "?severity=" (one.severity.name()) "#route" } { "What will be sent" }
                }
                a.button href=(deliveries) { "Deliveries" }
            }
        }
    }
}

fn channel_facts(channel: &ChannelFacts) -> Markup {
    html! {
        li {
            span.name { (text(&channel.channel)) } " "
            @if channel.facts.is_empty() { span.pill.mute { "nothing is stored any more" } }
            @for fact in &channel.facts {
                a.pill.(tone_class(fact.tone)) href={ "/deliveries/" (fact.delivery) } { (text(&fact.words)) }
                " "
            }
        }
    }
}
