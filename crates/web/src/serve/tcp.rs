//! The TCP socket.

use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

/// An error returned when an address cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("nothing can be served at {address}: {source}")]
pub struct AddressError {
    /// The address.
    pub address: SocketAddr,
    /// The error of the operating system.
    pub source: io::Error,
}

/// Listens at an address, and returns the address with its port.
pub(super) async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), AddressError> {
    let failed = |source| AddressError { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
