//! Serves a router at a Unix socket or at a TCP address, within bounds: connections, heads,
//! bodies and time.

mod bind;
mod connection;
mod progress;
mod slots;
mod tcp;
mod unix;

use std::{io, net::SocketAddr, os::fd::AsFd as _, path::Path, sync::Arc, time::Duration};

use axum::Router;
use metrics::counter;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::{
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    time::sleep,
};
use tokio_util::{either::Either, sync::CancellationToken, task::TaskTracker};

pub use bind::{Bind, Limits};
pub use tcp::AddressError;
pub use unix::{Opening, SocketError};

use connection::Terms;
use slots::Slots;

use crate::{problem::REFUSED, scope::Peer};

/// The delay before a connection is accepted after an error, where nothing can make room.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);
/// The delay where a connection has to end first: it only has to be woken.
const MAKING_ROOM_DELAY: Duration = Duration::from_millis(1);

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
        let (listener, bound) = tcp::listen(address)?;
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
    /// Returns whether a connection waits to be accepted. Without a free descriptor, that it
    /// cannot be accepted says nothing: the kernel asks for the descriptor first.
    fn is_waited_for(&self) -> bool {
        let descriptor = match self {
            Self::Unix(listener) => listener.as_fd(),
            Self::Tcp(listener) => listener.as_fd(),
        };
        let mut asked = [PollFd::from_borrowed_fd(descriptor, PollFlags::IN)];
        poll(&mut asked, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

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

/// Accepts a connection. Where that fails, the process may be out of file descriptors, so that the
/// connection that has been idle longest makes room. The failure is logged once, until it is over.
async fn accepted(listener: &Listener, slots: &Slots, refuse: impl Fn()) -> (Stream, Peer) {
    let mut fails = false;
    loop {
        match listener.accept().await {
            Ok(accepted) if fails => {
                tracing::info!("connections are accepted again");
                return accepted;
            }
            Ok(accepted) => return accepted,
            Err(error) if !fails => tracing::warn!("no connection can be accepted: {error}"),
            Err(_) => {}
        }
        fails = true;
        if listener.is_waited_for() && slots.end_longest_idle() {
            refuse();
            sleep(MAKING_ROOM_DELAY).await;
        } else {
            sleep(ACCEPT_RETRY_DELAY).await;
        }
    }
}

async fn accept(
    listener: Listener,
    router: Router,
    terms: Terms,
    connections: TaskTracker,
    drain: CancellationToken,
    abort: CancellationToken,
) {
    let slots = Slots::new(terms.limits.max_connections);
    let refuse = || counter!(REFUSED, "reason" => "too_many_connections").increment(1);
    let accepting = async {
        loop {
            // Where others wait, they do so before they are accepted.
            let first = match terms.limits.others_wait {
                true => slots.wait().await,
                false => None,
            };
            let (stream, peer) = accepted(&listener, &slots, refuse).await;
            let slot = match first {
                Some(slot) => Some(slot),
                None => slots.take(refuse).await,
            };
            let Some(slot) = slot.map(Arc::new) else {
                refuse();
                continue;
            };
            let ended = slot.ended();
            let (router, terms, drain) = (router.clone(), terms.clone(), drain.clone());
            let serving = connection::serve(stream, peer, slot, router, terms, drain);
            let serving = ended.run_until_cancelled_owned(serving);
            let serving = abort.clone().run_until_cancelled_owned(serving);
            connections.spawn(serving);
        }
    };
    drain.run_until_cancelled(accepting).await;
}
