//! Acts: who has done what, when, from where, and what came of it.

use axum::{Router, extract::State, response::Response, routing::get};
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    site::{DONE, Frame, Pages},
    text::text,
    time::when,
};
use crate::{
    acts::{Act, ActPage},
    extract::Query,
    identity::Actor,
    problem::{Problem, Reason},
};

/// The number of acts on a page.
const PAGE: usize = 100;

pub(super) fn routes() -> Router<Pages> {
    Router::new().route(DONE, get(list))
}

/// Which page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ActsBefore {
    before: Option<u64>,
}

async fn list(
    State(pages): State<Pages>,
    _: Actor,
    frame: Frame,
    Query(asked): Query<ActsBefore>,
) -> Result<Response, Problem> {
    let read = pages.acts.read(asked.before, PAGE).await;
    let read = read.map_err(|error| Problem::new(Reason::Unavailable, error))?;
    Ok(frame.show("Acts", DONE, page(&read)).await)
}

fn page(read: &ActPage) -> Markup {
    let now_ms = Timestamp::now().as_millisecond();
    html! {
        h1 { "Acts" }
        @if read.acts.is_empty() { p { "Nothing was done yet." } }
        @else {
            table {
                thead { tr { th { "When" } th { "Who" } th { "What" } th { "From" } th { "Outcome" } } }
                tbody { @for act in &read.acts { (row(act, now_ms)) } }
            }
        }
        @if let Some(before) = read.before {
            p.acts { a.button href={ (DONE) "?before=" (before) } { "Older" } }
        }
    }
}

fn row(act: &Act, now_ms: i64) -> Markup {
    let credential = act.credential.map(serde_json::to_value);
    let credential = credential.and_then(Result::ok);
    html! {
        tr data-item {
            td { (when(act.at_ms, now_ms)) }
            td data-label="Who" {
                @match &act.by { Some(by) => (text(by)), None => "somebody" }
                @if let Some(way) = credential.as_ref().and_then(|way| way.as_str()) { span.dim { " by " (way) } }
            }
            td data-label="What" {
                b { (text(&act.act)) }
                @if let Some(about) = &act.about { " " (text(about)) }
            }
            td data-label="From" {
                @match &act.from { Some(from) => (text(from)), None => "this machine" }
            }
            td data-label="Outcome" {
                @match (act.done, &act.refused) {
                    (Some(true), _) => span.pill.ok { "done" },
                    (Some(false), refused) => {
                        span.pill.warn { "refused" }
                        @if let Some(why) = refused { " " (text(why)) }
                    },
                    (None, _) => span.pill.mute { "nobody waited" },
                }
            }
        }
    }
}
