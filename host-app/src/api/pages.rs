//! The monitor's pages: hosts, one host with the evidence, and its silence.

use std::{sync::Arc, time::Duration};

use annunciator_monitor::{
    Explained, Overview, StateChange,
    machine::{HostState, HostView, LinkState, PingReport},
};
use annunciator_web::{
    Actor, FormBody, NoFields, Problem, Query, Reason, Segments,
    page::{
        Additions, Counter, Frame, NavLink, PlanForm, Site, clock, length, lines, part, plain,
        text, when,
    },
};
use axum::{
    Router,
    extract::State,
    response::{Redirect, Response},
    routing::{get, post},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    configuration_page,
    day_bar::{DAY_MS, day_bar},
    host_filter::{HostFilter, SILENCED, states},
    metric_table::metric_table,
    routes::{Subject, set_silence, silence_length, unknown_host},
};
use crate::duration::duration;

/// Where the list of hosts is.
const PATH: &str = "/hosts";
/// How many lines of history and how many messages a host's page shows.
const LINES: u32 = 20;
/// The number of hosts on a page.
const PAGE_LENGTH: usize = 100;

/// Returns the pages of a monitor. `many` are those that silence many hosts at once, with the link
/// to them.
pub(super) fn site(subject: &Arc<Subject>, (many_link, many): (NavLink, Router)) -> Site {
    let routes = Router::new()
        .route(PATH, get(list))
        .route("/hosts/{host}", get(show))
        .route("/hosts/{host}/silence", post(silence))
        .route("/hosts/{host}/end-silence", post(end_silence))
        .merge(configuration_page::routes())
        .with_state(Arc::clone(subject))
        .merge(many);
    let link = NavLink {
        path: PATH,
        label: "Hosts",
    };
    let counted = Arc::clone(subject);
    let additions = move || -> std::pin::Pin<Box<dyn Future<Output = Additions> + Send>> {
        let subject = Arc::clone(&counted);
        Box::pin(async move {
            Additions {
                counters: counters(&subject.monitor.overview().await),
                sections: Vec::new(),
            }
        })
    };
    Site::new("hbd")
        .pages([link, many_link], routes)
        .host_path("/hosts/")
        .file_path(configuration_page::PATH)
        .additions(Arc::new(additions))
}

fn counters(overview: &Overview) -> Vec<Counter> {
    let count = |is_it: &dyn Fn(&HostView) -> bool| {
        let hosts = overview.hosts.iter();
        hosts.filter(|host| is_it(host)).count()
    };
    let of = |state: HostState, label| Counter {
        count: count(&|host| host.state == state),
        label,
        path: format!("{PATH}?state={}", state.name()),
    };
    vec![
        of(HostState::Known(LinkState::Overdue), "overdue"),
        of(HostState::Known(LinkState::Failed), "failed"),
        of(HostState::Known(LinkState::Up), "up"),
        Counter {
            count: count(&|host| host.silenced_until_ms.is_some()),
            label: SILENCED,
            path: format!("{PATH}?state={SILENCED}"),
        },
        of(HostState::New, "never heard"),
    ]
}

/// Which hosts are asked for. An empty field of the form asks for all.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct HostQuery {
    /// A state's name, or `silenced`.
    state: String,
    /// A [filter](HostFilter).
    name: String,
    /// The number of the page, from 1.
    page: Option<usize>,
}

impl HostQuery {
    /// Returns the address of another page of the same hosts.
    fn address(&self, page: usize) -> String {
        let (state, name) = (part(&self.state), part(&self.name));
        format!("{PATH}?state={state}&name={name}&page={page}")
    }
}

async fn list(
    State(subject): State<Arc<Subject>>,
    frame: Frame,
    Query(asked): Query<HostQuery>,
) -> Response {
    let overview = subject.monitor.overview().await;
    let config = subject.monitor.engine().config();
    let filter = HostFilter::read(&asked.name, &config);
    let filter = filter.and_then(|filter| filter.in_state(&asked.state));
    let found = match &filter {
        Ok(filter) => {
            let hosts = overview.hosts.iter();
            let found: Vec<&HostView> = hosts.filter(|host| filter.covers(host, &config)).collect();
            Ok(some(&subject, &asked, &found, &overview).await)
        }
        Err(why) => Err(why),
    };
    let content = html! {
        h1 { "Hosts" }
        form.filter action=(PATH) role="search" {
            label { "Name, state:… or channel:…" input name="name" value=(plain(&asked.name)) data-filter; }
            label { "State"
                select name="state" {
                    option value="" { "all" }
                    @for state in states() { option value=(state) selected[state == asked.state] { (state) } }
                }
            }
            button { "Filter" }
        }
        @match found {
            Err(why) => p role="alert" { (text(why)) },
            Ok(table) => (table),
        }
    };
    frame.show("Hosts", PATH, content).await
}

/// A page of the hosts that were found.
async fn some(
    subject: &Subject,
    asked: &HostQuery,
    found: &[&HostView],
    overview: &Overview,
) -> Markup {
    let pages = found.len().div_ceil(PAGE_LENGTH).max(1);
    let page = asked.page.unwrap_or(1).clamp(1, pages);
    let first = (page - 1) * PAGE_LENGTH;
    let shown = &found[first..found.len().min(first + PAGE_LENGTH)];
    let names = shown.iter().map(|host| Arc::clone(&host.host)).collect();
    let since_ms = overview.now_ms - DAY_MS;
    let days = subject.monitor.state_changes(names, since_ms).await;
    html! {
        @if found.is_empty() { p { "There are no such hosts." } }
        @else { (table(shown, &days, overview)) }
        @if pages > 1 {
            p.acts {
                @if page > 1 { a.button href=(asked.address(page - 1)) { "Before" } }
                span { (first + 1) " to " (first + shown.len()) " of " (found.len()) }
                @if page < pages { a.button href=(asked.address(page + 1)) { "More" } }
            }
        }
    }
}

fn table(shown: &[&HostView], days: &[Vec<StateChange>], overview: &Overview) -> Markup {
    let now_ms = overview.now_ms;
    html! {
        table {
            thead { tr { th { "Host" } th { "State" } th { "The last 24 hours" } th { "Last heard" } th { "Alerts" } } }
            tbody {
                @for (place, host) in shown.iter().enumerate() {
                    tr #{ "host-" (part(&host.host)) } data-item {
                        td { a href={ (PATH) "/" (part(&host.host)) } data-open { (text(&host.host)) } }
                        td { (state(host, now_ms)) }
                        td { @if let Some(day) = days.get(place) { (day_bar(&known(host, day), &overview.blind_spans, now_ms)) } }
                        td data-label="Last heard" { (heard(host, now_ms)) }
                        td data-label="Alerts" { @if !host.alerts.is_empty() { (host.alerts.len()) } }
                    }
                }
            }
        }
    }
}

/// Returns the changes of a host's state; of one that has not changed since they are recorded, the
/// state that it is in.
fn known(host: &HostView, recorded: &[StateChange]) -> Vec<StateChange> {
    if !recorded.is_empty() {
        return recorded.to_vec();
    }
    let connections = host.connections.iter();
    let in_it = connections.filter(|link| HostState::Known(link.state) == host.state);
    let since = in_it.map(|link| link.since_ms).min();
    let change = since.map(|wall_ms| StateChange {
        wall_ms,
        state: host.state,
    });
    change.into_iter().collect()
}

fn state(host: &HostView, now_ms: i64) -> Markup {
    let class = match host.state {
        HostState::Known(LinkState::Up) => "ok",
        HostState::Known(LinkState::Overdue | LinkState::Failed) => "crit",
        HostState::New => "mute",
        HostState::Known(_) => "warn",
    };
    html! {
        span.pill.(class) { (host.state.name()) }
        @if let Some(until_ms) = host.silenced_until_ms {
            " " span.pill.mute { "silenced until " (clock(until_ms, now_ms)) " UTC" }
        }
        @if !host.watch { " " span.pill.mute { "not watched" } }
    }
}

fn heard(host: &HostView, now_ms: i64) -> Markup {
    let last_ms = host.connections.iter().map(|link| link.last_heard_ms).max();
    html! {
        @match last_ms {
            Some(last_ms) => { (length(now_ms - last_ms)) " ago, " (when(last_ms, now_ms)) },
            None => "never",
        }
    }
}

async fn show(
    State(subject): State<Arc<Subject>>,
    frame: Frame,
    Segments(host): Segments<String>,
    Query(plan): Query<PlanForm>,
) -> Result<Response, Problem> {
    let explained = subject.monitor.explain(&host, LINES).await;
    let explained = explained.ok_or_else(|| unknown_host(&host))?;
    let now_ms = subject.monitor.look(|_, now| now.wall_ms);
    let config = subject.monitor.engine().config();
    let names = vec![Arc::clone(&explained.host.host)];
    let days = subject.monitor.state_changes(names, now_ms - DAY_MS).await;
    let blind = subject
        .monitor
        .look(|machine, _| machine.blind_spans().to_vec());
    let content = html! {
        h1 { (text(&host)) }
        p { (state(&explained.host, now_ms)) }
        @if let Some(day) = days.first() { (day_bar(&known(&explained.host, day), &blind, now_ms)) }
        (evidence(&explained, now_ms))
        (plan.section(&config, &host, now_ms)?)
        @if frame.may_act() { (silence_form(&explained.host)) }
    };
    Ok(frame.show(&host, PATH, content).await)
}

fn evidence(explained: &Explained, now_ms: i64) -> Markup {
    let host = &explained.host;
    html! {
        dl.facts {
            @for link in &host.connections {
                dt { (link.family.name()) }
                dd {
                    (link.state.name()) " since " (when(link.since_ms, now_ms))
                    ", last heard " (length(now_ms - link.last_heard_ms)) " ago"
                    @if let Some(due_ms) = link.due_in_ms {
                        ", overdue in " (length(i64::try_from(due_ms).unwrap_or(i64::MAX)))
                    }
                    @if let Some(run) = &link.next_run { ", next run " (text(run)) }
                    @if let Some(since_ms) = link.running_since_ms {
                        ", running since " (when(since_ms, now_ms))
                    }
                    @if let Some(problem) = &link.problem { ": " (text(problem)) }
                }
            }
            dt { "Channels" }
            dd {
                @if explained.channels.is_empty() { "none" }
                @for channel in &explained.channels { (text(channel)) " " }
            }
            @for alert in &host.alerts {
                dt { "Alert" }
                dd { (text(&alert.path)) " = " (alert.value) ", since " (when(alert.since_ms, now_ms)) }
            }
            @if let Some(why) = host.silenced_why.as_ref().filter(|why| !why.is_empty()) {
                dt { "Silenced for" } dd { (text(why)) }
            }
            @for (reject, count) in &explained.refused {
                dt { "Refused" } dd { (count) " " (text(reject.name())) }
            }
        }
        (metric_table(&explained.metrics))
        (pings(&explained.pings, now_ms))
        h2 { "Messages" }
        @if explained.messages.is_empty() { p { "There were none." } }
        @else {
            ul {
                @for message in explained.messages.iter().rev() {
                    li {
                        (when(message.occurred_ms, now_ms)) " " (text(&message.text)) " — "
                        (text(&message.channel)) ": " (message.state.name().replace('_', " "))
                        @if !message.detail.is_empty() { ", " (text(&message.detail)) }
                    }
                }
            }
        }
        p { a.button href={ "/deliveries?host=" (part(&host.host)) } { "All deliveries" } }
        h2 { "History" }
        @if explained.history.is_empty() { p { "There is none." } }
        @else {
            ul { @for line in explained.history.iter().rev() { li { (when(line.wall_ms, now_ms)) " " (text(&line.text)) } } }
        }
    }
}

/// Shows the last pings of a host's job, with its output.
fn pings(reports: &[PingReport], now_ms: i64) -> Markup {
    html! {
        @if !reports.is_empty() {
            h2 { "Pings" }
            @for report in reports.iter().rev() {
                p {
                    (when(report.at_ms, now_ms)) " " (report.signal)
                    @if let Some(took_ms) = report.took_ms {
                        " after " (length(i64::try_from(took_ms).unwrap_or(i64::MAX)))
                    }
                    @if report.is_cut { ", of whose output this is the beginning" }
                }
                @if !report.body.is_empty() { pre { (lines(&report.body)) } }
            }
        }
    }
}

fn silence_form(host: &HostView) -> Markup {
    let path = format!("{PATH}/{}", part(&host.host));
    html! {
        h2 #silence { "Silence" }
        form.filter method="post" action={ (path) "/silence" } {
            label { "For" input name="length" value="1h" required; }
            label { "Reason" input name="why"; }
            button.primary { "Silence" }
        }
        @if host.silenced_until_ms.is_some() {
            form method="post" action={ (path) "/end-silence" } { button { "End the silence" } }
        }
    }
}

/// What the form of a silence says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SilenceForm {
    /// How long, such as `1h 30m`.
    length: String,
    #[serde(default)]
    why: String,
}

async fn silence(
    State(subject): State<Arc<Subject>>,
    _: Actor,
    Segments(host): Segments<String>,
    FormBody(form): FormBody<SilenceForm>,
) -> Result<Redirect, Problem> {
    set(&subject, &host, typed_length(&form.length)?, &form.why).await
}

async fn end_silence(
    State(subject): State<Arc<Subject>>,
    _: Actor,
    Segments(host): Segments<String>,
    FormBody(NoFields {}): FormBody<NoFields>,
) -> Result<Redirect, Problem> {
    set(&subject, &host, Duration::ZERO, "").await
}

/// Returns the length of a silence that somebody has typed, such as `1h 30m`.
pub(super) fn typed_length(text: &str) -> Result<Duration, Problem> {
    let refused = |why: &'static str| Problem::new(Reason::Invalid, why);
    let length = duration(text.trim()).map_err(refused)?;
    silence_length(length.into()).map_err(refused)
}

async fn set(
    subject: &Subject,
    host: &str,
    length: Duration,
    why: &str,
) -> Result<Redirect, Problem> {
    set_silence(subject, host, length, why).await?;
    Ok(Redirect::to(&format!("{PATH}/{}", part(host))))
}
