//! The TCP socket.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// How many connections wait to be accepted: with the usual 128, a client of a crowd waits for a
/// second, until its first packet is sent again.
const BACKLOG: u32 = 1024;

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
pub(super) fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), AddressError> {
    let failed = |source| AddressError { address, source };
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let listening = socket.and_then(|socket| {
        // So that a program that starts again need not wait for connections of before.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    });
    let listener = listening.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
