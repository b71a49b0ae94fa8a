//! One connection: HTTP/1.1 with bounded heads, through TLS where there is a certificate, and an end
//! when the server drains.

use std::{
    convert::Infallible,
    error::Error as _,
    io,
    pin::pin,
    sync::{Arc, atomic::Ordering},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, header},
};
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

use super::{
    bind::Limits,
    progress::{HeldBody, Progress, Watched, WatchedBody},
    slots::Slot,
};
use crate::{
    problem::REFUSED,
    scope::{Drain, Encrypted, Peer},
    tls::Tls,
};

/// The maximum number of headers in a request.
const MAX_HEADERS: usize = 64;

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
    slot: Arc<Slot>,
    router: Router,
    terms: Terms,
    drain: CancellationToken,
) {
    let Terms { limits, tls } = terms;
    let Some(tls) = tls else {
        return converse(stream, (peer, false), slot, router, limits, drain).await;
    };
    let accepting = TlsAcceptor::from(tls.current()).accept(stream);
    let accepting = timeout(limits.head_timeout, accepting);
    match drain.run_until_cancelled(accepting).await {
        Some(Ok(Ok(stream))) => converse(stream, (peer, true), slot, router, limits, drain).await,
        Some(Ok(Err(error))) => {
            refuse("no_tls");
            tracing::debug!("a connection did not agree on TLS: {error}");
        }
        Some(Err(_)) => {
            refuse("too_slow");
            tracing::debug!("a connection did not agree on TLS in time");
        }
        None => {}
    }
}

/// Serves a connection until the other end closes it, or the server drains and the request that
/// is under way has been answered.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    (peer, is_encrypted): (Peer, bool),
    slot: Arc<Slot>,
    router: Router,
    limits: Limits,
    drain: CancellationToken,
) {
    let progress = Progress::default();
    let mut stream = TimeoutStream::new(Watched {
        stream,
        progress: progress.clone(),
    });
    stream.set_write_timeout(Some(limits.write_timeout));
    let draining = Drain(drain.clone());
    let read = progress.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        read.is_read();
        let busy = slot.busy();
        let (head, body) = request.into_parts();
        let (body, is_at_end) = WatchedBody::new(body, read.clone());
        let mut request = Request::from_parts(head, Body::new(body));
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(draining.clone());
        if is_encrypted {
            request.extensions_mut().insert(Encrypted);
        }
        let answering = router.clone().oneshot(request);
        async move {
            // A router always answers.
            match answering.await {
                Ok(mut response) => {
                    // What is left of a body cannot be told from a next request, so that the
                    // connection ends: the client must not send one.
                    if !is_at_end.load(Ordering::Relaxed) {
                        let close = HeaderValue::from_static("close");
                        response.headers_mut().insert(header::CONNECTION, close);
                    }
                    Ok::<_, Infallible>(response.map(|body| HeldBody::new(body, busy)))
                }
                Err(never) => match never {},
            }
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
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
        Ok(Err(error)) => {
            if let Some(reason) = reason(&error, &progress) {
                refuse(reason);
            }
            tracing::debug!("a connection ended: {error}");
        }
        Err(_) => {
            refuse("too_slow");
            tracing::debug!("a connection took too long");
        }
    }
}

/// Counts a connection that was ended.
fn refuse(reason: &'static str) {
    counter!(REFUSED, "reason" => reason).increment(1);
}

/// Returns why a connection was ended; `None` if it was idle, or the other end has ended it.
fn reason(error: &hyper::Error, progress: &Progress) -> Option<&'static str> {
    if error.is_timeout() {
        return progress.has_begun().then_some("too_slow");
    }
    if error.is_parse_too_large() {
        return Some("too_long");
    }
    if error.is_parse() {
        return Some("no_http");
    }
    let source = error.source()?.downcast_ref::<io::Error>()?;
    (source.kind() == io::ErrorKind::TimedOut).then_some("unread")
}
