//! The HTTP connections: few at a time, each with one small request and a time limit.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use annunciator_monitor::{Monitor, Reloading};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
    time::{interval, sleep, timeout},
};

use super::{answer::answer, numbers::Numbers};

/// The maximum number of connections that are served at once; others wait.
const MAX_CONCURRENT: usize = 16;
/// The maximum length of a request without its body, which is not read, in bytes: the
/// smallest limit that hyper accepts.
const MAX_HEAD_LENGTH: usize = 8 * 1024;
/// The maximum number of headers in a request.
const MAX_HEADERS: usize = 64;
/// How long a client may take to send its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum lifetime of a connection.
const MAX_CONNECTION_AGE: Duration = Duration::from_secs(10);
/// How often collected values are tidied if nobody asks for them: the interval of the
/// exporter's own listener.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// An error returned when metrics cannot be served.
#[derive(Debug, thiserror::Error)]
#[error(
    "`/metrics` and `/healthz` cannot be served at {address}: {source}; change `monitor.http`, or omit it"
)]
pub struct HttpError {
    /// The address.
    address: SocketAddr,
    /// The error of the operating system.
    source: io::Error,
}

/// A server of metrics and health that runs until it is dropped.
#[derive(Debug)]
pub struct MetricsServer {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl MetricsServer {
    /// Starts to serve at this address.
    ///
    /// # Errors
    /// Returns [`HttpError`] if the address cannot be bound.
    pub async fn start(
        address: SocketAddr,
        numbers: Numbers,
        monitor: Arc<Monitor>,
        reloading: Arc<Reloading>,
    ) -> Result<Self, HttpError> {
        let failed = |source| HttpError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        if !bound.ip().is_loopback() {
            tracing::warn!(
                address = %bound,
                "metrics are served beyond this machine, and without asking who reads them: use a firewall or a proxy to restrict that"
            );
        }
        let serving = tokio::spawn(serve(listener, numbers, monitor, reloading));
        Ok(Self {
            address: bound,
            serving,
        })
    }

    /// Returns the address at which it serves.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(
    listener: TcpListener,
    numbers: Numbers,
    monitor: Arc<Monitor>,
    reloading: Arc<Reloading>,
) {
    let places = Arc::new(Semaphore::new(MAX_CONCURRENT));
    let mut upkeep = interval(UPKEEP_INTERVAL);
    loop {
        let accepted = tokio::select! {
            _ = upkeep.tick() => {
                numbers.tidy();
                continue;
            }
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, place)) = accepted else {
            // Out of file descriptors, for example: others may be closed soon.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (numbers, monitor, reloading) = (
            numbers.clone(),
            Arc::clone(&monitor),
            Arc::clone(&reloading),
        );
        tokio::spawn(async move {
            let conversing = converse(stream, &numbers, &monitor, &reloading);
            match timeout(MAX_CONNECTION_AGE, conversing).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!("metrics over HTTP: {error}"),
                Err(_) => tracing::debug!("metrics over HTTP: a connection took too long"),
            }
            drop(place);
        });
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    let (stream, _) = listener.accept().await.ok()?;
    Some((stream, place))
}

async fn converse(
    stream: TcpStream,
    numbers: &Numbers,
    monitor: &Monitor,
    reloading: &Reloading,
) -> hyper::Result<()> {
    let service = service_fn(async |request: Request<Incoming>| {
        let (method, path) = (request.method(), request.uri().path());
        Ok::<_, Infallible>(answer(method, path, numbers, monitor, reloading).await)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_LENGTH)
        .max_headers(MAX_HEADERS)
        // A client that asks every few seconds should not occupy a connection in between.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}
