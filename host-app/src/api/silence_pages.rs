//! The page of silences: which are active and until when, and a form that silences many hosts at
//! once, after it has shown which.

use std::{sync::Arc, time::Duration};

use annunciator::Config;
use annunciator_monitor::{Overview, machine::HostView};
use annunciator_web::{
    Acting, Actor, FormBody, NoFields, Problem, Query, Reason,
    page::{Frame, NavLink, clock, part, plain, text},
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
    host_filter::HostFilter,
    pages::typed_length,
    routes::{Subject, set_silence, silence_host},
};

/// Where the page is.
const PATH: &str = "/silences";
/// What has to be typed before all hosts are silenced.
const ALL: &str = "all hosts";
/// The number of hosts that a preview names.
const MAX_NAMED: usize = 50;
/// What the strip shows: a day from now on, in minutes.
const STRIP_MINUTES: i64 = 24 * 60;
/// The milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// Returns the page, and the link to it.
pub(super) fn pages(subject: &Arc<Subject>) -> (NavLink, Router) {
    let link = NavLink {
        path: PATH,
        label: "Silences",
    };
    let routes = Router::new()
        .route(PATH, get(show).post(silence))
        .route("/silences/end", post(end))
        .with_state(Arc::clone(subject));
    (link, routes)
}

/// Which hosts are to be silenced.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Covered {
    /// A [filter](HostFilter); none if nobody has asked yet.
    name: Option<String>,
}

fn covered<'a>(
    overview: &'a Overview,
    filter: &'a HostFilter,
    config: &'a Config,
) -> impl Iterator<Item = &'a HostView> {
    let hosts = overview.hosts.iter();
    hosts.filter(move |host| filter.covers(host, config))
}

async fn show(
    State(subject): State<Arc<Subject>>,
    frame: Frame,
    Query(asked): Query<Covered>,
) -> Response {
    let overview = subject.monitor.overview().await;
    let config = subject.monitor.engine().config();
    let content = html! {
        h1 { "Silences" }
        (active(&overview, frame.may_act()))
        @if frame.may_act() {
            h2 { "Silence hosts" }
            form.filter action=(PATH) role="search" {
                label { "Part of their names, state:… or channel:…" input name="name" value=(plain(asked.name.as_deref().unwrap_or_default())) data-filter; }
                button { "Show which" }
            }
            @if let Some(name) = &asked.name { (preview(&overview, name, &config)) }
        }
    };
    frame.show("Silences", PATH, content).await
}

fn active(overview: &Overview, may_act: bool) -> Markup {
    let now_ms = overview.now_ms;
    let silenced = overview.hosts.iter();
    let silenced = silenced.filter_map(|host| Some((host, host.silenced_until_ms?)));
    let silenced: Vec<_> = silenced.collect();
    html! {
        @if silenced.is_empty() { p { "Nothing is silenced." } }
        @else {
            table {
                thead { tr { th { "Host" } th { "Until" } th { "The next 24 hours" } th { "Reason" } th { span.unseen { "End" } } } }
                tbody {
                    @for (host, until_ms) in silenced {
                        tr data-item {
                            td { a href={ "/hosts/" (part(&host.host)) } data-open { (text(&host.host)) } }
                            td data-label="Until" { (clock(until_ms, now_ms)) " UTC" }
                            td { (strip(until_ms - now_ms)) }
                            td data-label="Reason" { @if let Some(why) = &host.silenced_why { (text(why)) } }
                            td {
                                @if may_act {
                                    form method="post" action={ "/silences/end?name=" (part(&host.host)) } { button { "End" } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A strip of a day from now on, dark as long as the silence lasts. The column before says the same
/// in words.
fn strip(left_ms: i64) -> Markup {
    let minutes = (left_ms / MINUTE_MS).clamp(1, STRIP_MINUTES);
    html! {
        svg.strip viewBox={ "0 0 " (STRIP_MINUTES) " 60" } preserveAspectRatio="none" aria-hidden="true" {
            rect width=(minutes) height="60" {}
        }
    }
}

/// Which hosts a filter covers, before they are silenced.
fn preview(overview: &Overview, name: &str, config: &Config) -> Markup {
    let filter = match HostFilter::read(name, config) {
        Ok(filter) => filter,
        Err(why) => return html! { p role="alert" { (text(&why)) } },
    };
    let found: Vec<&HostView> = covered(overview, &filter, config).collect();
    let names = found.iter().take(MAX_NAMED).map(|host| &*host.host);
    let names: Vec<&str> = names.collect();
    html! {
        @if found.is_empty() { p { "There are no such hosts." } }
        @else {
            p { "This covers " b { (found.len()) " of " (overview.hosts.len()) } ": " (text(&names.join(", ")))
                @if found.len() > MAX_NAMED { " and others" } "." }
            form.filter method="post" action=(PATH) {
                input type="hidden" name="name" value=(plain(name));
                label { "For" input name="length" value="1h" required; }
                label { "Reason" input name="why"; }
                @if is_all(&filter, &found, overview) {
                    label { "Type “" (ALL) "”" input name="confirm" required autocomplete="off"; }
                }
                button.primary { "Silence " (found.len()) }
            }
        }
    }
}

/// Returns whether a filter covers every host, by what it says or by chance.
fn is_all(filter: &HostFilter, found: &[&HostView], overview: &Overview) -> bool {
    filter.is_all() || (found.len() == overview.hosts.len() && found.len() > 1)
}

/// What the form says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SilenceHosts {
    name: String,
    length: String,
    #[serde(default)]
    why: String,
    /// What was typed to silence all hosts.
    #[serde(default)]
    confirm: String,
}

async fn silence(
    State(subject): State<Arc<Subject>>,
    _: Actor,
    acting: Acting,
    FormBody(form): FormBody<SilenceHosts>,
) -> Result<Redirect, Problem> {
    let length = typed_length(&form.length)?;
    let overview = subject.monitor.overview().await;
    let config = subject.monitor.engine().config();
    let filter = HostFilter::read(&form.name, &config);
    let filter = filter.map_err(|why| Problem::new(Reason::Invalid, why))?;
    let found: Vec<&HostView> = covered(&overview, &filter, &config).collect();
    if is_all(&filter, &found, &overview) && form.confirm.trim() != ALL {
        let detail = format!("this silences every host: type \"{ALL}\" if you mean it");
        return Err(Problem::new(Reason::Invalid, detail));
    }
    let hosts: Vec<&str> = found.iter().map(|host| &*host.host).collect();
    if hosts.is_empty() {
        return Err(Problem::new(Reason::NotFound, "there are no such hosts"));
    }
    acting.about(format!("{} hosts, by {:?}", hosts.len(), form.name));
    // Written together: each by itself would wait for the disk.
    for host in hosts {
        silence_host(&subject, host, length, &form.why)?;
    }
    subject.monitor.written().await;
    Ok(Redirect::to(PATH))
}

/// The host whose silence ends.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ended {
    name: String,
}

async fn end(
    State(subject): State<Arc<Subject>>,
    _: Actor,
    acting: Acting,
    Query(ended): Query<Ended>,
    FormBody(NoFields {}): FormBody<NoFields>,
) -> Result<Redirect, Problem> {
    acting.about(&ended.name);
    set_silence(&subject, &ended.name, Duration::ZERO, "").await?;
    Ok(Redirect::to(PATH))
}
