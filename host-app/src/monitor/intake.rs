//! Takes datagrams from one socket, on a thread of its own.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use rustix::net::{RecvFlags, recvfrom};

use super::{core::Core, unless_it_breaks};
use crate::protocol::{self, Datagram, Family, Keyring, limits};

/// Datagrams that are looked at together: as many as come while the ones
/// before are looked at, up to this.
const MOST: usize = 64;
/// One byte more than a datagram may have shows that it has more.
const ROOM: usize = limits::LONGEST_DATAGRAM + 1;

/// A thread that takes datagrams.
#[derive(Debug)]
pub struct Intake {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    address: SocketAddr,
}

impl Intake {
    /// Starts a thread for a socket.
    ///
    /// # Errors
    /// The system's error when there can be no thread.
    pub fn start(socket: UdpSocket, core: Arc<Core>) -> std::io::Result<Self> {
        let address = socket.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("hbd-intake".to_owned())
            .spawn(move || take(&socket, &core, &stopped))?;
        Ok(Self {
            stop,
            thread: Some(thread),
            address,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn take(socket: &UdpSocket, core: &Core, stop: &AtomicBool) {
    let mut receiver = Receiver::default();
    while !stop.load(Ordering::Relaxed) {
        // What breaks on one datagram must not end the watch.
        unless_it_breaks("taking a datagram", || receiver.receive(socket, core));
    }
}

/// Takes what has come at a socket, a batch at a time.
#[derive(Debug)]
pub struct Receiver {
    buffer: [u8; ROOM],
    datagrams: Vec<(Family, Datagram, SocketAddr)>,
}

impl Default for Receiver {
    fn default() -> Self {
        Self {
            buffer: [0; ROOM],
            datagrams: Vec::with_capacity(MOST),
        }
    }
}

impl Receiver {
    /// Waits for a datagram, as long as the socket is set to, and hands it
    /// and those that have come behind it to the monitor.
    pub fn receive(&mut self, socket: &UdpSocket, core: &Core) {
        // An error is of the wait that is over: nothing was ever sent.
        let Ok((length, from)) = socket.recv_from(&mut self.buffer) else {
            return;
        };
        let keys = core.keys();
        self.read(length, from, &keys, core);
        for _ in 1..MOST {
            let more = recvfrom(socket, &mut self.buffer, RecvFlags::DONTWAIT);
            let Ok((_, length, Some(from))) = more else {
                break;
            };
            if let Ok(from) = SocketAddr::try_from(from) {
                self.read(length.min(ROOM), from, &keys, core);
            }
        }
        core.take(self.datagrams.drain(..));
    }

    fn read(&mut self, length: usize, from: SocketAddr, keys: &Keyring, core: &Core) {
        match protocol::decode(&self.buffer[..length], keys) {
            Ok(datagram) => self.datagrams.push((Family::of(from.ip()), datagram, from)),
            Err(reason) => core.refusals().refused(reason, from),
        }
    }
}
