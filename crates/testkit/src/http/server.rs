//! The server: it accepts connections, reads requests, applies faults, and passes the rest to the
//! stand-in's closure.
//!
//! Every connection is a task of one set, so that dropping the server ends them all. A fault that
//! resets the connection closes the socket with a linger of zero: the client sees a reset, not an
//! orderly end.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, body};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::fault::Faults;
use super::{Answer, Connections, Fault, Request};

/// The maximum size of a body in bytes; the server answers 413 to larger ones.
const MAX_BODY_SIZE: usize = 64 * 1024 * 1024;

type AnswerFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;
type Routes = dyn Fn(Request) -> AnswerFuture + Send + Sync;
type Observer = dyn Fn(&Request, &Seen) + Send + Sync;

/// A running server. It stops when dropped.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<ServerShared>,
    accepting: AbortHandle,
}

/// The builder of a server.
#[derive(Default)]
pub struct Builder {
    tls: Option<TlsAcceptor>,
    observer: Option<Box<Observer>>,
}

/// What an observer learns in addition to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The status of the answer; `None` if the connection is reset instead.
    pub status: Option<u16>,
    /// The number of connections that carried a request, including this one.
    pub in_use: usize,
}

impl Builder {
    /// Uses TLS with this configuration.
    #[must_use]
    pub fn tls(mut self, config: Arc<rustls::ServerConfig>) -> Self {
        self.tls = Some(TlsAcceptor::from(config));
        self
    }

    /// Shows every request and its answer to an observer, faults included, so that broken rules
    /// can be found there.
    #[must_use]
    pub fn observe(mut self, observer: impl Fn(&Request, &Seen) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Starts on a port of 127.0.0.1 that the system chooses.
    ///
    /// # Errors
    /// Fails with the system's error if no port is available.
    pub async fn start<F, A>(self, routes: F) -> io::Result<HttpServer>
    where
        F: Fn(Request) -> A + Send + Sync + 'static,
        A: Future<Output = Answer> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(ServerShared {
            routes: Box::new(move |request| Box::pin(routes(request))),
            observer: self.observer,
            faults: Faults::default(),
            connections: Connections::default(),
        });
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let accepting = tokio::spawn(accept(listener, self.tls, Arc::clone(&shared)));
        Ok(HttpServer {
            address,
            scheme,
            shared,
            accepting: accepting.abort_handle(),
        })
    }
}

impl HttpServer {
    /// Starts without TLS on a port of 127.0.0.1 that the system chooses.
    ///
    /// # Errors
    /// Fails with the system's error if no port is available.
    pub async fn start<F, A>(routes: F) -> io::Result<Self>
    where
        F: Fn(Request) -> A + Send + Sync + 'static,
        A: Future<Output = Answer> + Send + 'static,
    {
        Self::builder().start(routes).await
    }

    /// Returns the builder of a server with other settings, such as TLS.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its base URL, such as `http://127.0.0.1:40001`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Injects a fault into the next request that has none yet.
    pub fn fault(&self, fault: Fault) {
        self.shared.faults.push(fault);
    }

    /// Injects a fault into every request, after those of [`Self::fault`]; `None` ends it.
    pub fn always(&self, fault: impl Into<Option<Fault>>) {
        self.shared.faults.set_always(fault.into());
    }

    /// Returns the counters of connections.
    pub fn connections(&self) -> &Connections {
        &self.shared.connections
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct ServerShared {
    routes: Box<Routes>,
    observer: Option<Box<Observer>>,
    faults: Faults,
    connections: Connections,
}

impl std::fmt::Debug for ServerShared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("faults", &self.faults)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<ServerShared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // The client is gone again, or there is no descriptor left for the moment: both pass.
            tokio::task::yield_now().await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        connections.spawn(connection(stream, tls.clone(), Arc::clone(&shared)));
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<ServerShared>) {
    let _open = shared.connections.opened();
    let _ = stream.set_nodelay(true);
    match tls {
        None => {
            if let (stream, Served::Reset) = serve(stream, &shared).await {
                let _ = stream.set_zero_linger();
            }
        }
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await
                && let (stream, Served::Reset) = serve(stream, &shared).await
            {
                let _ = stream.get_ref().0.set_zero_linger();
            }
        }
    }
}

enum Served {
    Ended,
    Reset,
}

async fn serve<S>(stream: S, shared: &Arc<ServerShared>) -> (S, Served)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|incoming| Box::pin(answer(incoming, Arc::clone(shared))));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let end = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let served = match end {
        Err(error) if error.is_user() => Served::Reset,
        _ => Served::Ended,
    };
    (connection.into_parts().io.into_inner(), served)
}

/// An error that makes hyper drop the connection without an answer.
#[derive(Debug)]
struct GiveUp;

impl std::fmt::Display for GiveUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the stand-in resets this connection")
    }
}

impl std::error::Error for GiveUp {}

async fn answer(
    incoming: hyper::Request<Incoming>,
    shared: Arc<ServerShared>,
) -> Result<Response<Full<Bytes>>, GiveUp> {
    let _in_use = shared.connections.used();
    let request = match read(incoming).await {
        Ok(request) => request,
        Err(refusal) => return Ok(refusal.into_response()),
    };
    let fault = shared.faults.take();
    let observed = shared.observer.as_ref().map(|observer| {
        let in_use = shared.connections.in_use();
        (observer, request.clone(), in_use)
    });
    let answer = answer_under(fault, request, &shared).await;
    if let Some((observer, request, in_use)) = observed {
        let status = answer.as_ref().map(Answer::status_code);
        observer(&request, &Seen { status, in_use });
    }
    answer.map(Answer::into_response).ok_or(GiveUp)
}

/// Returns the client's answer under a fault; `None` is a reset.
async fn answer_under(
    fault: Option<Fault>,
    request: Request,
    shared: &ServerShared,
) -> Option<Answer> {
    let answer = match fault {
        None => (shared.routes)(request).await,
        Some(Fault::Slow(wait)) => {
            let answer = (shared.routes)(request).await;
            tokio::time::sleep(wait).await;
            answer
        }
        Some(Fault::Silent) => std::future::pending().await,
        Some(Fault::SilentAfterStoring) => {
            (shared.routes)(request).await;
            std::future::pending().await
        }
        Some(Fault::ResetBeforeStoring) => return None,
        Some(Fault::ResetAfterStoring) => {
            (shared.routes)(request).await;
            return None;
        }
        Some(Fault::Answer(answer)) => answer,
        Some(Fault::AnswerAfterStoring(answer)) => {
            (shared.routes)(request).await;
            answer
        }
    };
    Some(answer)
}

async fn read(incoming: hyper::Request<Incoming>) -> Result<Request, Answer> {
    let arrived = Instant::now();
    let (head, incoming) = incoming.into_parts();
    if body::Body::size_hint(&incoming).lower() > MAX_BODY_SIZE as u64 {
        return Err(Answer::text(413, "body too large"));
    }
    let body = Limited::new(incoming, MAX_BODY_SIZE)
        .collect()
        .await
        .map_err(|_| Answer::text(413, "body too large or cut short"))?
        .to_bytes();
    Ok(Request {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
        arrived,
    })
}
