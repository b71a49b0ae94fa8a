//! Where a server listens over TCP, and within which bounds.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use crate::tls::Tls;

/// The bounds of a server's connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The maximum number of connections that are served at once.
    pub(super) max_connections: usize,
    /// Whether others wait until one has ended; else each takes the place of the connection that
    /// has been idle longest, or is closed if none is idle.
    pub(super) others_wait: bool,
    /// The maximum length of a head, in bytes.
    pub(super) max_head_length: usize,
    /// Whether a connection stays open for further requests.
    pub(super) is_kept_alive: bool,
    /// The maximum lifetime of a connection; none for those whose answers may go on.
    pub(super) max_age: Option<Duration>,
    /// How long a client may take to agree on the encryption, and to send a head, and how long a
    /// connection may be idle.
    pub(super) head_timeout: Duration,
    /// How long a client may read nothing of what is sent to it. An event stream sends something
    /// every 5 seconds, so that one that nobody reads ends soon after its buffers are full.
    pub(super) write_timeout: Duration,
}

impl Limits {
    /// The bounds of a Unix socket: 64 connections, others wait.
    pub const LOCAL: Self = Self {
        max_connections: 64,
        others_wait: true,
        max_head_length: 16 * 1024,
        is_kept_alive: true,
        max_age: None,
        head_timeout: Duration::from_secs(5),
        write_timeout: Duration::from_secs(30),
    };
    /// The bounds of a TCP address: 512 connections. Another takes the place of the one that has
    /// been idle longest, since whoever opened that may be anybody.
    pub const REMOTE: Self = Self {
        max_connections: 512,
        others_wait: false,
        ..Self::LOCAL
    };
    /// The bounds of an address for programs that ask for a number every few seconds, and that
    /// anybody may ask: 16 connections, others wait; each has one small request and 10 s.
    pub const SCRAPES: Self = Self {
        max_connections: 16,
        others_wait: true,
        // The smallest that hyper accepts.
        max_head_length: 8 * 1024,
        // A client that asks every few seconds should not occupy a connection in between.
        is_kept_alive: false,
        max_age: Some(Duration::from_secs(10)),
        ..Self::LOCAL
    };

    /// Sets how long a client may take to agree on the encryption, and to send a head, and how long
    /// a connection may be idle. The default is 5 s.
    #[must_use]
    pub const fn head_timeout(mut self, timeout: Duration) -> Self {
        self.head_timeout = timeout;
        self
    }

    /// Sets how long a client may read nothing of what is sent to it. The default is 30 s.
    #[must_use]
    pub const fn write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }
}

/// Where a server listens over TCP, and within which bounds.
#[derive(Debug, Clone)]
#[must_use]
pub struct Bind {
    pub(super) address: SocketAddr,
    pub(super) limits: Limits,
    pub(super) tls: Option<Arc<Tls>>,
}

impl Bind {
    /// Listens at an address, within [`Limits::REMOTE`].
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            limits: Limits::REMOTE,
            tls: None,
        }
    }

    /// Serves through TLS, and nobody else.
    pub fn tls(mut self, tls: Arc<Tls>) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Sets the bounds.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

impl From<SocketAddr> for Bind {
    fn from(address: SocketAddr) -> Self {
        Self::new(address)
    }
}
