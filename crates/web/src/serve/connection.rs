//! One connection: HTTP/1.1 with bounded heads, and an end when the server drains.

use std::{convert::Infallible, pin::pin, time::Duration};

use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::scope::{Drain, Peer};

/// The maximum length of a head, in bytes.
const MAX_HEAD_LENGTH: usize = 16 * 1024;
/// The maximum number of headers in a request.
const MAX_HEADERS: usize = 64;
/// How long a client may take to send a head, and how long a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a client may read nothing of what is sent to it. An event stream sends something every
/// 5 seconds, so that one that nobody reads ends soon after its buffers are full.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves a connection until the other end closes it, or the server drains and the request that
/// is under way has been answered.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite,
    peer: Peer,
    router: Router,
    drain: CancellationToken,
) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let draining = Drain(drain.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(draining.clone());
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
        .max_buf_size(MAX_HEAD_LENGTH)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = drain.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended: {error}");
    }
}
