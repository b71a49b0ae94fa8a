//! The daemon's HTTP transport: `POST /api/v1/rpc`, `GET /api/v1/check`, and what accounts receive
//! as the stream `GET /api/v1/events`.
//!
//! Errors of a request have status 200, as in the real daemon.

use std::convert::Infallible;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::daemon::{Reaction, SignalShared};

type Body = UnsyncBoxBody<Bytes, Infallible>;

pub(super) async fn serve(listener: TcpListener, shared: Arc<SignalShared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let died = shared.died.notified();
            let service = service_fn(|request| respond(request, Arc::clone(&shared)));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                // An error here is a broken connection, which the client has to notice.
                _ = connection => {}
                () = died => {}
            }
        });
    }
}

async fn respond(
    request: Request<Incoming>,
    shared: Arc<SignalShared>,
) -> Result<Response<Body>, Infallible> {
    if (request.method(), request.uri().path()) == (&Method::GET, "/api/v1/events") {
        return Ok(events(request.uri().query(), &shared));
    }
    let status = match (request.method(), request.uri().path()) {
        (&Method::POST, "/api/v1/rpc") => None,
        (&Method::GET, "/api/v1/check") => Some(StatusCode::OK),
        (_, "/api/v1/rpc" | "/api/v1/check" | "/api/v1/events") => {
            Some(StatusCode::METHOD_NOT_ALLOWED)
        }
        _ => Some(StatusCode::NOT_FOUND),
    };
    if let Some(status) = status {
        return Ok(answer(status, String::new()));
    }
    let json = request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !json {
        shared.violation("a request without the content type application/json");
        return Ok(answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, String::new()));
    }
    let body = match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(answer(StatusCode::BAD_REQUEST, String::new())),
    };
    match shared.react(&String::from_utf8_lossy(&body)) {
        Reaction::Answer(text) => Ok(answer(StatusCode::OK, text)),
        Reaction::Nothing => Ok(answer(StatusCode::CREATED, String::new())),
        Reaction::Silence => std::future::pending().await,
        Reaction::Die => {
            shared.died.notify_waiters();
            std::future::pending().await
        }
    }
}

fn answer(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(text)).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// Streams what one account receives, or all.
fn events(query: Option<&str>, shared: &SignalShared) -> Response<Body> {
    let pairs = query.map(|query| url::form_urlencoded::parse(query.as_bytes()));
    let account = pairs
        .into_iter()
        .flatten()
        .find(|(name, _)| name == "account");
    let account = account.map(|(_, account)| account.into_owned());
    // Before the call is noted: whoever waits for it may have something received at once.
    let received = shared.received.subscribe();
    if !shared.subscribe_to_events(account.as_deref()) {
        return answer(StatusCode::BAD_REQUEST, String::new());
    }
    // As `ServerSentEventSender` writes an event; a line of its own keeps the connection alive.
    let begin = stream::iter([":\n".to_owned()]);
    let received = stream::unfold(received, |mut received| async move {
        let envelope = received.recv().await.ok()?;
        Some((format!("event:receive\ndata:{envelope}\n\n"), received))
    });
    let frames = begin.chain(received);
    let frames = frames.map(|text| Ok(Frame::data(Bytes::from(text))));
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    let kind = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
