//! Sends datagrams on each family of which the monitor has an address.
//!
//! An error of one family does not affect the other. It is logged when it begins and when
//! it is over, not every time.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
};

use annunciator_protocol::Family;
use tracing::{debug, info, warn};

use super::addresses::Addresses;

/// The sockets to the monitor, one for each family.
#[derive(Debug)]
pub(super) struct Link {
    ways: [Way; 2],
}

impl Link {
    pub(super) fn new() -> Self {
        Self {
            ways: [Family::V4, Family::V6].map(Way::new),
        }
    }

    /// Returns whether there is an address to send to.
    pub(super) fn is_ready(&self) -> bool {
        self.ways.iter().any(|way| way.address.is_some())
    }

    /// Uses new addresses.
    pub(super) fn lead_to(&mut self, addresses: Addresses) {
        for way in &mut self.ways {
            let address = match way.family {
                Family::V4 => addresses.v4,
                Family::V6 => addresses.v6,
            };
            if way.address != address {
                way.address = address;
                if let Some(address) = address {
                    info!("sending to {address}");
                }
            }
        }
    }

    /// Sends the same bytes on each family.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Sent {
        let mut sent = Sent::default();
        for way in &mut self.ways {
            match way.send(bytes) {
                Some(Ok(())) => sent.any = true,
                Some(Err(error)) => sent.error = Some(error),
                None => {}
            }
        }
        sent
    }
}

/// The result of sending.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Whether at least one family sent the bytes.
    pub(super) any: bool,
    /// The error of another family.
    pub(super) error: Option<io::Error>,
}

#[derive(Debug)]
struct Way {
    family: Family,
    address: Option<SocketAddr>,
    /// Not connected, so that a monitor that is down for a while causes no error and each
    /// datagram is routed again.
    socket: Option<UdpSocket>,
    fails: bool,
}

impl Way {
    fn new(family: Family) -> Self {
        Self {
            family,
            address: None,
            socket: None,
            fails: false,
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Option<io::Result<()>> {
        let address = self.address?;
        let sent = self.try_send(bytes, address);
        match &sent {
            Ok(()) => {
                debug!("{} bytes to {address}", bytes.len());
                if self.fails {
                    warn!("sending to {address} works again");
                }
            }
            Err(error) => {
                // The next attempt opens a new socket: networks come and go.
                self.socket = None;
                if !self.fails {
                    warn!("cannot send to {address}: {error}; still trying");
                }
            }
        }
        self.fails = sent.is_err();
        Some(sent)
    }

    fn try_send(&mut self, bytes: &[u8], address: SocketAddr) -> io::Result<()> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => open(address)?,
        };
        socket.send_to(bytes, address)?;
        self.socket = Some(socket);
        Ok(())
    }
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    // A full buffer counts as an error: nothing may block the sender.
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Returns `None` if the machine lacks the address's family.
    fn monitor(address: &str) -> Option<(UdpSocket, SocketAddr)> {
        let socket = UdpSocket::bind(address).ok()?;
        let bound = Duration::from_secs(60);
        socket.set_read_timeout(Some(bound)).unwrap();
        let address = socket.local_addr().unwrap();
        Some((socket, address))
    }

    #[track_caller]
    fn check(monitor: &UdpSocket, expected: &[u8]) {
        let mut buffer = [0; 64];
        let length = monitor.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], expected);
    }

    #[test]
    fn when_the_monitor_has_both_families() {
        let (v4, v4_address) = monitor("127.0.0.1:0").unwrap();
        let Some((v6, v6_address)) = monitor("[::1]:0") else {
            return;
        };
        let mut link = Link::new();
        assert!(!link.is_ready() && !link.send(b"nobody").any);
        link.lead_to(Addresses {
            v4: Some(v4_address),
            v6: Some(v6_address),
        });
        assert!(link.is_ready());
        let sent = link.send(b"both");
        assert!(sent.any && sent.error.is_none());
        check(&v4, b"both");
        check(&v6, b"both");
    }

    #[test]
    fn when_one_family_fails() {
        let Some((v6, v6_address)) = monitor("[::1]:0") else {
            return;
        };
        let mut link = Link::new();
        // Sending to the broadcast address fails without a socket option.
        let refused = "255.255.255.255:1".parse().unwrap();
        link.lead_to(Addresses {
            v4: Some(refused),
            v6: Some(v6_address),
        });
        for _ in 0..2 {
            let sent = link.send(b"one");
            assert!(sent.any && sent.error.is_some());
            check(&v6, b"one");
        }
    }
}
