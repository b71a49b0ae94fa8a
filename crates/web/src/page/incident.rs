//! One incident: who has taken it over, and every message about it, the newest first.

use annunciator::store::{IncidentQuery, Query as StoreQuery};
use axum::{Router, extract::State, response::Response, routing::get};
use jiff::Timestamp;
use maud::html;

use super::{
    deliveries,
    incidents::view,
    now::incident,
    site::{Frame, INCIDENTS, Pages},
    text::{part, text},
};
use crate::{
    extract::Segments,
    problem::{Problem, Reason},
};

/// The number of messages that are shown; the rest is in the list of deliveries.
const MAX_MESSAGES: u32 = 100;

pub(super) fn routes() -> Router<Pages> {
    Router::new().route(&format!("{INCIDENTS}{{incident}}"), get(show))
}

async fn show(
    State(pages): State<Pages>,
    frame: Frame,
    Segments(name): Segments<String>,
) -> Result<Response, Problem> {
    let unavailable = |error: annunciator::store::StoreError| {
        Problem::new(Reason::Unavailable, error.to_string())
    };
    let now_ms = Timestamp::now().as_millisecond();
    let store = deliveries::store(&pages)?;
    let query = IncidentQuery::one(name.clone(), now_ms);
    let open = store.incidents(query).await.map_err(unavailable)?.pop();
    let query = StoreQuery {
        incident: Some(name.clone()),
        limit: MAX_MESSAGES,
        ..StoreQuery::default()
    };
    let records = store.deliveries(query).await.map_err(unavailable)?;
    if open.is_none() && records.is_empty() {
        let detail = format!("nothing is stored of an incident {name:?}");
        return Err(Problem::new(Reason::NotFound, detail));
    }
    let config = pages.engine.config();
    let open = match open {
        Some(open) => Some(
            view(store, &config, open, now_ms)
                .await
                .map_err(unavailable)?,
        ),
        None => None,
    };
    let content = html! {
        h1 { (text(&name)) }
        h2 { "Now" }
        @match &open {
            Some(open) => (incident(&frame, open, now_ms)),
            None => p { span.pill.ok { "over" } " It is not open any more." },
        }
        h2 { "Messages" }
        (deliveries::table(&records, &config, now_ms))
        @if records.len() >= MAX_MESSAGES as usize {
            p { a.button href={ "/deliveries?incident=" (part(&name)) } { "All of them" } }
        }
    };
    Ok(frame.show(&name, "/", content).await)
}
