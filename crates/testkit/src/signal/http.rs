//! The daemon's HTTP transport: `POST /api/v1/rpc`, `GET /api/v1/check`.
//!
//! Errors of a request have status 200, as in the real daemon.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::daemon::{Reaction, SignalShared};

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
) -> Result<Response<Full<Bytes>>, Infallible> {
    let status = match (request.method(), request.uri().path()) {
        (&Method::POST, "/api/v1/rpc") => None,
        (&Method::GET, "/api/v1/check") => Some(StatusCode::OK),
        (_, "/api/v1/rpc" | "/api/v1/check") => Some(StatusCode::METHOD_NOT_ALLOWED),
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

fn answer(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response
}
