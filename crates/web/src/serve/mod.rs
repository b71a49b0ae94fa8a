//! Serves a router at a Unix socket, within bounds: connections, heads, bodies and time.

mod connection;
mod unix;

use std::{path::Path, sync::Arc, time::Duration};

use axum::Router;
use tokio::{net::UnixListener, sync::Semaphore, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use unix::SocketError;

use crate::identity::Peer;

/// The maximum number of connections that are served at once at a socket; others wait.
const MAX_CONNECTIONS: usize = 64;
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
    _file: SocketFile,
}

impl Server {
    /// Serves a router at a Unix socket. Only the user that this process runs as, and root, may
    /// open it.
    ///
    /// # Errors
    /// Returns [`SocketError`] if the socket cannot be made.
    pub fn at_socket(path: &Path, router: Router) -> Result<Self, SocketError> {
        let listener = unix::listen(path)?;
        let server = Self {
            drain: CancellationToken::new(),
            connections: TaskTracker::new(),
            abort: CancellationToken::new(),
            _file: SocketFile(path.to_owned()),
        };
        let accepting = accept(
            listener,
            router,
            server.connections.clone(),
            server.drain.clone(),
            server.abort.clone(),
        );
        drop(tokio::spawn(accepting));
        Ok(server)
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

async fn accept(
    listener: UnixListener,
    router: Router,
    connections: TaskTracker,
    drain: CancellationToken,
    abort: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let accepting = async {
        loop {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
                return;
            };
            let Ok((stream, _)) = listener.accept().await else {
                sleep(ACCEPT_RETRY_DELAY).await;
                continue;
            };
            let Ok(peer) = stream.peer_cred() else {
                continue;
            };
            let peer = Peer::Process { uid: peer.uid() };
            let serving = connection::serve(stream, peer, router.clone(), drain.clone());
            let serving = abort.clone().run_until_cancelled_owned(serving);
            connections.spawn(async move {
                serving.await;
                drop(permit);
            });
        }
    };
    drain.run_until_cancelled(accepting).await;
}
