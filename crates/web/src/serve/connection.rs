//! One connection: HTTP/1.1 with bounded heads, and an end when the server drains.

use std::{convert::Infallible, pin::pin, time::Duration};

use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::bind::Limits;
use crate::scope::Peer;

/// The maximum number of headers in a request.
const MAX_HEADERS: usize = 64;
/// How long a client may take to send a head, and how long a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves a connection until the other end closes it, or the server drains and the request that
/// is under way has been answered.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: Peer,
    router: Router,
    limits: Limits,
    drain: CancellationToken,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        let answering = router.clone().oneshot(request);
        async move {
            // A router always answers.
            match answering.await {
                Ok(response) => Ok::<_, Infallible>(response),
                Err(never) => match never {},
            }
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(limits.max_head_length)
        .max_headers(MAX_HEADERS)
        .keep_alive(limits.is_kept_alive)
        .serve_connection(TokioIo::new(stream), service);
    let serving = async {
        let mut serving = pin!(serving);
        tokio::select! {
            ended = &mut serving => ended,
            () = drain.cancelled() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        }
    };
    let ended = match limits.max_age {
        Some(max_age) => timeout(max_age, serving).await,
        None => Ok(serving.await),
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("a connection ended: {error}"),
        Err(_) => tracing::debug!("a connection took too long"),
    }
}
