//! Deliveries: the list with its filters, and one with its attempts.

use annunciator::{
    Class, Config, Fault, TargetReport,
    store::{Attempt, DeliveryId, Query as StoreQuery, Record, State, Store, StoreError},
};
use axum::{
    Router,
    extract::State as Shared,
    response::{Redirect, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

use super::{
    back::go_back,
    incidents::{until, words},
    now::{severity_class, tone_class},
    site::{Frame, Pages},
    text::{lines, part, plain, text},
    time::{length, when},
};
use crate::{
    extract::{FormBody, NoFields, Query, Segments},
    identity::Actor,
    problem::{Problem, Reason},
};

/// The number of deliveries on a page.
const PAGE_LENGTH: u32 = 50;
/// Where the list is.
const PATH: &str = "/deliveries";

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route(PATH, get(list))
        .route("/deliveries/{delivery}", get(show))
        .route("/deliveries/{delivery}/retry", post(retry))
        .route("/deliveries/retry", post(retry_all))
}

/// Which deliveries are asked for. An empty field of the form asks for all.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Filter {
    state: String,
    channel: String,
    host: String,
    incident: String,
    before: Option<i64>,
}

impl Filter {
    fn query(&self) -> Result<StoreQuery, Problem> {
        let names = self.state.split(',').map(str::trim);
        let names = names.filter(|name| !name.is_empty());
        let states: Result<Vec<State>, Problem> = names
            .map(|name| {
                let mut all = State::ALL.into_iter();
                all.find(|state| state.name() == name).ok_or_else(|| {
                    let known = State::ALL.map(State::name).join(", ");
                    let detail = format!("`state` is not one of {known}");
                    Problem::new(Reason::WrongQuery, detail)
                })
            })
            .collect();
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Ok(StoreQuery {
            states: states?,
            channel: some(&self.channel),
            host: some(&self.host),
            incident: some(&self.incident),
            before: self.before.map(DeliveryId),
            // One more than is shown, to see whether there are more.
            limit: PAGE_LENGTH + 1,
            ..StoreQuery::default()
        })
    }

    /// Returns the address of the deliveries before this one.
    fn address_before(&self, before: DeliveryId) -> String {
        format!("{}before={before}", self.address())
    }

    /// Returns the address of the newest of these deliveries, to which a field can be added.
    fn address(&self) -> String {
        let fields = [
            ("state", &self.state),
            ("channel", &self.channel),
            ("host", &self.host),
            ("incident", &self.incident),
        ];
        let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let fields = fields.map(|(name, value)| format!("{name}={}&", part(value)));
        format!("{PATH}?{}", fields.collect::<String>())
    }
}

pub(super) fn store(pages: &Pages) -> Result<&Arc<dyn Store>, Problem> {
    pages.engine.store().ok_or_else(|| {
        let detail = "deliveries are not stored: set `delivery.store`";
        Problem::new(Reason::Unavailable, detail)
    })
}

fn unavailable(error: &StoreError) -> Problem {
    Problem::new(Reason::Unavailable, error.to_string())
}

async fn list(
    Shared(pages): Shared<Pages>,
    frame: Frame,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let found = store(&pages)?.deliveries(filter.query()?).await;
    let mut found = found.map_err(|error| unavailable(&error))?;
    let is_last = found.len() <= PAGE_LENGTH as usize;
    found.truncate(PAGE_LENGTH as usize);
    let now_ms = Timestamp::now().as_millisecond();
    let config = pages.engine.config();
    let channels: Vec<&str> = config.channels().map(|channel| channel.name()).collect();
    let content = html! {
        h1 { "Deliveries" }
        (fields(&filter, &channels))
        (table(&found, &config, now_ms))
        @if frame.may_act() { (retry_shown(&found, &filter)) }
        @if let Some(last) = found.last().filter(|_| !is_last) {
            p { a.button href=(filter.address_before(last.delivery)) { "Older" } }
        }
    };
    Ok(frame.show("Deliveries", PATH, content).await)
}

fn fields(filter: &Filter, channels: &[&str]) -> Markup {
    html! {
        form.filter action=(PATH) role="search" {
            label { "State"
                select name="state" data-filter {
                    option value="" { "all" }
                    @for state in State::ALL {
                        option value=(state.name()) selected[state.name() == filter.state] { (state.name()) }
                    }
                }
            }
            label { "Channel"
                select name="channel" {
                    option value="" { "all" }
                    @for channel in channels {
                        option value=(plain(channel)) selected[*channel == filter.channel] { (text(channel)) }
                    }
                }
            }
            label { "Host" input name="host" value=(plain(&filter.host)); }
            label { "Incident" input name="incident" value=(plain(&filter.incident)); }
            button { "Filter" }
        }
    }
}

/// Deliveries as a table.
pub(super) fn table(found: &[Record], config: &Config, now_ms: i64) -> Markup {
    html! {
        @if found.is_empty() { p { "There are no such deliveries." } }
        @else {
            table {
                thead { tr { th { "Message" } th { "Channel" } th { "Host" } th { "What became of it" } th { "Accepted" } } }
                tbody {
                    @for record in found {
                        tr data-item {
                            td { a href={ (PATH) "/" (record.delivery) } data-open { (text(&subject(record))) } }
                            td data-label="Channel" { (text(&record.channel)) }
                            td data-label="Host" { @if !record.host.is_empty() { (text(&record.host)) } }
                            td { (outcome(record, config, now_ms)) }
                            td data-label="Accepted" { (when(record.accepted_ms, now_ms)) }
                        }
                    }
                }
            }
        }
    }
}

fn outcome(record: &Record, config: &Config, now_ms: i64) -> Markup {
    let (tone, words) = words(record, None, until(record, config), now_ms);
    html! { span.pill.(tone_class(tone)) { (text(&words)) } }
}

fn subject(record: &Record) -> String {
    let wording = record.wording();
    let subject = wording.map(|wording| wording.subject().to_owned());
    let subject = subject.filter(|subject| !subject.is_empty());
    subject.unwrap_or_else(|| format!("delivery {}", record.delivery))
}

async fn one(pages: &Pages, id: i64) -> Result<Record, Problem> {
    let query = StoreQuery::one(DeliveryId(id));
    let found = store(pages)?.deliveries(query).await;
    let found = found.map_err(|error| unavailable(&error))?.pop();
    found.ok_or_else(|| Problem::new(Reason::NotFound, format!("there is no delivery {id}")))
}

async fn show(
    Shared(pages): Shared<Pages>,
    frame: Frame,
    Segments(id): Segments<i64>,
) -> Result<Response, Problem> {
    let record = one(&pages, id).await?;
    let attempts = store(&pages)?.attempts(record.delivery).await;
    let attempts = attempts.map_err(|error| unavailable(&error))?;
    let now_ms = Timestamp::now().as_millisecond();
    let config = pages.engine.config();
    let content = details(&frame, &record, &attempts, &config, now_ms);
    let title = format!("Delivery {id}");
    Ok(frame.show(&title, PATH, content).await)
}

fn details(
    frame: &Frame,
    record: &Record,
    attempts: &[Attempt],
    config: &Config,
    now_ms: i64,
) -> Markup {
    let wording = record.wording();
    html! {
        h1 { (text(&subject(record))) }
        p { (outcome(record, config, now_ms)) }
        dl.facts {
            dt { "Delivery" } dd { (record.delivery) ", notification " (text(&record.notification)) }
            dt { "Channel" } dd { (text(&record.channel))
                @if let Some(group) = &record.group { ", step " (record.step) " of " (text(group)) } }
            dt { "Severity" } dd { span.pill.(severity_class(record.severity)) { (record.severity.name()) } }
            @if !record.host.is_empty() {
                dt { "Host" }
                dd {
                    @match frame.host_address(&record.host) {
                        Some(address) => a href=(address) { (text(&record.host)) },
                        None => (text(&record.host)),
                    }
                }
            }
            @if !record.incident.is_empty() {
                dt { "Incident" }
                dd { a href={ (PATH) "?incident=" (part(&record.incident)) } { (text(&record.incident)) } }
            }
            dt { "Accepted" } dd { (when(record.accepted_ms, now_ms)) }
            @if let Some(due_ms) = record.due_ms { dt { "Next attempt" } dd { (when(due_ms, now_ms)) } }
            @if let Some(expires_ms) = record.expires_ms { dt { "Expires" } dd { (when(expires_ms, now_ms)) } }
            @if let Some(ended_ms) = record.ended_ms { dt { "Ended" } dd { (when(ended_ms, now_ms)) } }
            @if let Some(proof) = record.proof { dt { "Proof" } dd { (proof.name()) } }
            @if let Some(digest) = record.digest {
                dt { "Digest" } dd { a href={ (PATH) "/" (digest) } { "delivery " (digest) } }
            }
        }
        @if let Some(wording) = &wording { div.message { (lines(&wording.body)) } }
        h2 { "Attempts" }
        @if attempts.is_empty() { p { "There was none." } }
        @else {
            ol.timeline {
                @for attempt in attempts { li { (when(attempt.began_ms, now_ms)) ", " (attempt.ended_ms - attempt.began_ms) " ms" (targets(attempt)) } }
            }
        }
        @if is_retryable(record) && frame.may_act() {
            form method="post" action={ (PATH) "/" (record.delivery) "/retry" } {
                button.primary { "Retry" }
            }
        }
    }
}

/// What each target answered.
fn targets(attempt: &Attempt) -> Markup {
    let targets = TargetReport::of_attempt(attempt);
    html! {
        @if targets.is_empty() { ", of which nothing is recorded that can be read" }
        @for target in &targets {
            div.message {
                p {
                    (text(&target.target)) " " (class(target.class))
                    @if !target.code.is_empty() { " " code { (text(&target.code)) } }
                    @if let Some(proof) = target.proof { ", proof: " (proof.name()) }
                    @if !target.remote_id.is_empty() { ", the remote calls it " code { (text(&target.remote_id)) } }
                }
                @if !target.detail.is_empty() { p { (text(&target.detail)) } }
                @if !target.hint.is_empty() { p { (text(&target.hint)) } }
                @if target.fault != Fault::None { p.dim { "Up to: " (target.fault) } }
                @if let Some(asked) = target.retry_after.and_then(|asked| i64::try_from(asked.as_millis()).ok()) {
                    p.dim { "The remote asked to wait " (length(asked)) "." }
                }
                @for note in &target.notes { p.dim { (text(note)) } }
            }
        }
    }
}

fn class(class: Class) -> Markup {
    let tone = match class {
        Class::Delivered => "ok",
        Class::Permanent => "crit",
        Class::Retry | Class::Unknown => "warn",
    };
    html! { span.pill.(tone) { (class) } }
}

/// Returns whether a person may retry a delivery.
fn is_retryable(record: &Record) -> bool {
    matches!(record.state, State::Failed | State::Unknown)
}

/// The button that retries all that are shown, and says how many.
fn retry_shown(found: &[Record], filter: &Filter) -> Markup {
    let ids = found.iter().filter(|record| is_retryable(record));
    let ids: Vec<String> = ids.map(|record| record.delivery.to_string()).collect();
    html! {
        @if ids.len() > 1 {
            form method="post" action={ (PATH) "/retry" } {
                input type="hidden" name="deliveries" value=(ids.join(","));
                input type="hidden" name="back" value=(filter.address());
                button { "Retry the " (ids.len()) " shown that failed" }
            }
        }
    }
}

/// Which deliveries are retried: those that somebody has seen on a page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    /// Their numbers, separated by commas.
    deliveries: String,
    back: Option<String>,
}

/// Retries those of a page that failed. One that somebody else has retried meanwhile is left alone.
async fn retry_all(
    Shared(pages): Shared<Pages>,
    _: Actor,
    FormBody(shown): FormBody<Shown>,
) -> Result<Redirect, Problem> {
    let ids: Result<Vec<DeliveryId>, _> = shown
        .deliveries
        .split(',')
        .map(|id| id.parse().map(DeliveryId))
        .collect();
    let ids = ids.ok().filter(|ids| ids.len() <= PAGE_LENGTH as usize);
    let ids = ids.ok_or_else(|| {
        let detail = format!("`deliveries` has at most {PAGE_LENGTH} numbers, separated by commas");
        Problem::new(Reason::WrongBody, detail)
    })?;
    let now_ms = Timestamp::now().as_millisecond();
    let retried = store(&pages)?.retry(ids, now_ms).await;
    retried.map_err(|error| unavailable(&error))?;
    Ok(go_back(shown.back.as_deref()))
}

async fn retry(
    Shared(pages): Shared<Pages>,
    _: Actor,
    Segments(id): Segments<i64>,
    FormBody(NoFields {}): FormBody<NoFields>,
) -> Result<Redirect, Problem> {
    let record = one(&pages, id).await?;
    let now_ms = Timestamp::now().as_millisecond();
    let retried = store(&pages)?.retry(vec![record.delivery], now_ms).await;
    if retried.map_err(|error| unavailable(&error))? == 0 {
        let detail = format!(
            "delivery {id} is {}: only one that failed, or is unknown, can be retried",
            record.state
        );
        return Err(Problem::new(Reason::Invalid, detail));
    }
    Ok(go_back(Some(&format!("{PATH}/{id}"))))
}
