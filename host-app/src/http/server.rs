//! The connections: few at a time, each with one small request, and none for
//! longer than it takes.

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

/// As many connections are served at a time; others wait.
const MAX_CONCURRENT: usize = 16;
/// All of a request but its body, which is not read, in bytes: the smallest
/// bound that hyper knows.
const MAX_HEAD_LENGTH: usize = 8 * 1024;
/// A request has no more headers.
const MAX_HEADERS: usize = 64;
/// A request is here within this time.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection ends within this time, whatever it does.
const MAX_CONNECTION_AGE: Duration = Duration::from_secs(10);
/// How often what was collected is tidied while nobody asks: as often as the
/// exporter's own listener does it.
const UPKEEP: Duration = Duration::from_secs(5);

/// Numbers cannot be served.
#[derive(Debug, thiserror::Error)]
#[error(
    "`/metrics` and `/healthz` cannot be served at {address}: {source}; change `monitor.http`, or leave it away"
)]
pub struct HttpError {
    /// Where.
    address: SocketAddr,
    /// Why not.
    source: io::Error,
}

/// Serves until it is dropped.
#[derive(Debug)]
pub struct MetricsServer {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl MetricsServer {
    /// Serves at this address.
    ///
    /// # Errors
    /// [`HttpError`] when the address cannot be had.
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
                "numbers are served beyond this machine, and without asking who reads them: let a firewall or a proxy decide that"
            );
        }
        let serving = tokio::spawn(serve(listener, numbers, monitor, reloading));
        Ok(Self {
            address: bound,
            serving,
        })
    }

    /// Where it serves.
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
    let mut upkeep = interval(UPKEEP);
    loop {
        let accepted = tokio::select! {
            _ = upkeep.tick() => {
                numbers.tidy();
                continue;
            }
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, place)) = accepted else {
            // Out of descriptors, say: others may be freed.
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
                Ok(Err(error)) => tracing::debug!("numbers over HTTP: {error}"),
                Err(_) => tracing::debug!("numbers over HTTP: a connection took too long"),
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
        // Whoever asks every few seconds need not keep a place for that.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}
