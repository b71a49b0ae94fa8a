//! The event stream: what changes, as it changes.

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::shared::{Api, unavailable};
use crate::{
    extract::Query,
    identity::Reader,
    problem::{Problem, Reason},
    scope::Drain,
};

/// Where a client says what it has seen last.
/// <https://html.spec.whatwg.org/multipage/server-sent-events.html#last-event-id>
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The type of an event stream.
const TYPE: HeaderValue = HeaderValue::from_static("text/event-stream");
/// Says to a proxy that it passes the answer on as it comes.
/// <https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering>
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Where an event stream begins.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Begin {
    /// Begin after this event, by its `id`. `Last-Event-ID`, which browsers send when they connect
    /// again, goes first.
    after: Option<i64>,
}

/// Follow what changes, as server-sent events.
///
/// `delivery` has a delivery that was accepted or has changed, as it is now; `acknowledgement` has
/// an `incident`, and its `acknowledgement` or null. Their `id` is a cursor, with which a client
/// that was cut off goes on without missing anything. `ready` comes first, and has a cursor, too.
/// `reset` says that changes are missing, since the cursor is too old: look at everything again.
/// `state` says that what else is shown of the program has changed, such as the state of a host.
/// `tick` comes every 5 seconds when nothing else does. The stream ends after 15 minutes, and the
/// client connects again.
#[utoipa::path(
    get, path = "/events", tag = "events", params(Begin),
    responses(
        (status = 200, body = String, content_type = "text/event-stream"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn follow(
    State(api): State<Api>,
    _: Reader,
    drain: Option<Extension<Drain>>,
    headers: HeaderMap,
    Query(asked): Query<Begin>,
) -> Result<Response, Problem> {
    let after = match headers.get(LAST_EVENT_ID) {
        None => asked.after,
        Some(id) => Some(cursor(id.as_bytes())?),
    };
    let permit = api.feed.permit().ok_or_else(|| {
        let detail = "too many event streams are open: close one, or come back later";
        Problem::new(Reason::TooManyStreams, detail)
    })?;
    let Extension(Drain(drain)) = drain.unwrap_or_default();
    let events = api.feed.events(after, permit, drain).await;
    let events = events.map_err(|error| unavailable(&error))?;
    let headers = [
        (header::CONTENT_TYPE, TYPE),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(events)).into_response())
}

fn cursor(id: &[u8]) -> Result<i64, Problem> {
    let id = str::from_utf8(id).ok().and_then(|id| id.parse().ok());
    id.ok_or_else(|| {
        let detail = "`Last-Event-ID` is not the `id` of an event of this stream";
        Problem::new(Reason::WrongQuery, detail)
    })
}
