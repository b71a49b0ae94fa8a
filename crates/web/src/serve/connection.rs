//! One connection: HTTP/1.1 with bounded heads, through TLS where there is a certificate, and an end
//! when the server drains.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::counter;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::bind::Limits;
use crate::{
    problem::REFUSED,
    scope::{Drain, Encrypted, Peer},
    tls::Tls,
};

/// The maximum number of headers in a request.
const MAX_HEADERS: usize = 64;
/// How long a client may take to send a head, and how long a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a client may read nothing of what is sent to it. An event stream sends something every
/// 5 seconds, so that one that nobody reads ends soon after its buffers are full.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may take to agree on the encryption of a connection.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// What holds for all connections of a server.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) limits: Limits,
    pub(super) tls: Option<Arc<Tls>>,
}

/// Serves a connection, through TLS where the server has a certificate.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: Peer,
    router: Router,
    terms: Terms,
    drain: CancellationToken,
) {
    let Terms { limits, tls } = terms;
    let Some(tls) = tls else {
        return converse(stream, peer, false, router, limits, drain).await;
    };
    let accepting = TlsAcceptor::from(tls.current()).accept(stream);
    let accepting = timeout(HANDSHAKE_TIMEOUT, accepting);
    match drain.run_until_cancelled(accepting).await {
        Some(Ok(Ok(stream))) => converse(stream, peer, true, router, limits, drain).await,
        Some(Ok(Err(error))) => {
            counter!(REFUSED, "reason" => "no_tls").increment(1);
            tracing::debug!("a connection did not agree on TLS: {error}");
        }
        Some(Err(_)) => tracing::debug!("a connection did not agree on TLS in time"),
        None => {}
    }
}

/// Serves a connection until the other end closes it, or the server drains and the request that
/// is under way has been answered.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: Peer,
    is_encrypted: bool,
    router: Router,
    limits: Limits,
    drain: CancellationToken,
) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let draining = Drain(drain.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(draining.clone());
        if is_encrypted {
            request.extensions_mut().insert(Encrypted);
        }
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
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
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
