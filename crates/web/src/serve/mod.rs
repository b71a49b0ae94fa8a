//! Serves a router at a Unix socket or at a TCP address, within bounds: connections, heads,
//! bodies and time.

mod bind;
mod connection;
mod progress;
mod tcp;
mod unix;

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::Router;
use metrics::counter;
use tokio::{
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::{either::Either, sync::CancellationToken, task::TaskTracker};

pub use bind::{Bind, Limits};
pub use tcp::AddressError;
pub use unix::{Opening, SocketError};

use connection::Terms;

use crate::{problem::REFUSED, scope::Peer};

/// The delay before a connection is accepted after an error: the process may be out of file
/// descriptors, and others may be closed soon.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// A socket file that is removed when it is no longer served.
#[derive(Debug)]
struct SocketFile(std::path::PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A server that answers until it is stopped or dropped.
#[derive(Debug)]
pub struct Server {
    /// Ends the acceptance of connections, and asks those that are open to end.
    drain: CancellationToken,
    connections: TaskTracker,
    /// Ends connections that do not end when they are asked to.
    abort: CancellationToken,
    address: Option<SocketAddr>,
    _file: Option<SocketFile>,
}

impl Server {
    /// Serves a router at a Unix socket, which `opening` may open.
    ///
    /// # Errors
    /// Returns [`SocketError`] if the socket cannot be made.
    pub fn at_socket(path: &Path, opening: Opening, router: Router) -> Result<Self, SocketError> {
        let listener = Listener::Unix(unix::listen(path, opening)?);
        let file = SocketFile(path.to_owned());
        Ok(Self::start(
            listener,
            router,
            Terms {
                limits: Limits::LOCAL,
                tls: None,
            },
            None,
            Some(file),
        ))
    }

    /// Serves a router at a TCP address, where everybody who can reach it may connect.
    ///
    /// # Errors
    /// Returns [`AddressError`] if the address cannot be bound.
    pub async fn at_address(bind: impl Into<Bind>, router: Router) -> Result<Self, AddressError> {
        let Bind {
            address,
            limits,
            tls,
        } = bind.into();
        let (listener, bound) = tcp::listen(address).await?;
        Ok(Self::start(
            Listener::Tcp(listener),
            router,
            Terms { limits, tls },
            Some(bound),
            None,
        ))
    }

    fn start(
        listener: Listener,
        router: Router,
        terms: Terms,
        address: Option<SocketAddr>,
        file: Option<SocketFile>,
    ) -> Self {
        let server = Self {
            drain: CancellationToken::new(),
            connections: TaskTracker::new(),
            abort: CancellationToken::new(),
            address,
            _file: file,
        };
        let accepting = accept(
            listener,
            router,
            terms,
            server.connections.clone(),
            server.drain.clone(),
            server.abort.clone(),
        );
        drop(tokio::spawn(accepting));
        server
    }

    /// Returns the TCP address with its port; `None` for a Unix socket.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Accepts no more connections, lets requests that are under way end until the deadline, and
    /// ends the rest.
    pub async fn stop(self, deadline: Duration) {
        self.drain.cancel();
        self.connections.close();
        let _ = tokio::time::timeout(deadline, self.connections.wait()).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.drain.cancel();
        self.abort.cancel();
    }
}

/// A socket of either kind.
enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

type Stream = Either<UnixStream, TcpStream>;

impl Listener {
    async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let uid = stream.peer_cred()?.uid();
                Ok((Either::Left(stream), Peer::Process { uid }))
            }
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Answers are written at once and whole.
                stream.set_nodelay(true)?;
                Ok((Either::Right(stream), Peer::Remote(address)))
            }
        }
    }
}

/// Returns the permit to serve a connection that is still to be accepted, or `None` where one is
/// taken afterwards.
async fn wait_for_permit(limits: Limits, permits: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    if !limits.others_wait {
        return None;
    }
    Arc::clone(permits).acquire_owned().await.ok()
}

async fn accept(
    listener: Listener,
    router: Router,
    terms: Terms,
    connections: TaskTracker,
    drain: CancellationToken,
    abort: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(terms.limits.max_connections));
    let accepting = async {
        loop {
            let permit = wait_for_permit(terms.limits, &permits).await;
            let Ok((stream, peer)) = listener.accept().await else {
                sleep(ACCEPT_RETRY_DELAY).await;
                continue;
            };
            let free = || Arc::clone(&permits).try_acquire_owned().ok();
            let Some(permit) = permit.or_else(free) else {
                counter!(REFUSED, "reason" => "too_many_connections").increment(1);
                continue;
            };
            let serving =
                connection::serve(stream, peer, router.clone(), terms.clone(), drain.clone());
            let serving = abort.clone().run_until_cancelled_owned(serving);
            connections.spawn(async move {
                serving.await;
                drop(permit);
            });
        }
    };
    drain.run_until_cancelled(accepting).await;
}
