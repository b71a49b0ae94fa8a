//! The sockets that receive heartbeats.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};

/// The requested size of a socket's buffer: a second of heartbeats of some ten thousand
/// hosts. The system grants no more than `net.core.rmem_max`.
const BUFFER_BYTES: usize = 8 * 1024 * 1024;
/// The maximum time that a thread waits for a datagram before it checks whether it should
/// end.
pub(super) const RECEIVE_TIMEOUT: Duration = Duration::from_millis(250);

/// An error returned when a socket cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "heartbeats cannot be received at {address}: {source}{}",
    advice(source)
)]
pub struct BindError {
    /// The address.
    address: SocketAddr,
    /// The error of the operating system.
    source: io::Error,
}

/// Returns what to do, if the cause is known.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another monitor or program uses it: stop that one, or change `monitor.listen`"
        }
        _ => "",
    }
}

/// Opens the sockets. An address family that the machine lacks is not an error as long as
/// another socket could be opened.
///
/// # Errors
/// Returns [`BindError`] if an address cannot be bound.
pub(super) fn bind(addresses: &[SocketAddr]) -> Result<Vec<UdpSocket>, BindError> {
    let mut sockets = Vec::new();
    let mut missing = None;
    for address in addresses {
        match open(*address) {
            Ok(socket) => sockets.push(socket),
            Err(source) => {
                let error = BindError {
                    address: *address,
                    source,
                };
                if !is_missing_family(&error.source) {
                    return Err(error);
                }
                tracing::warn!("{error}; the other addresses are used");
                missing = Some(error);
            }
        }
    }
    match missing {
        Some(error) if sockets.is_empty() => Err(error),
        _ => Ok(sockets),
    }
}

fn is_missing_family(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let codes = [Errno::AFNOSUPPORT, Errno::ADDRNOTAVAIL].map(Errno::raw_os_error);
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        // IPv4 has a socket of its own.
        socket.set_only_v6(true)?;
    }
    let _ = socket.set_recv_buffer_size(BUFFER_BYTES);
    socket.bind(&address.into())?;
    socket.set_read_timeout(Some(RECEIVE_TIMEOUT))?;
    Ok(socket.into())
}
