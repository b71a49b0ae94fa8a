//! Receives datagrams from one socket, on a thread of its own.

use std::{
    io::{self, ErrorKind, IoSliceMut},
    net::{SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket},
    os::fd::AsRawFd as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use annunciator_protocol::{Datagram, Family, claimed_host, decode, limits};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg};

use super::{catch_panic, liveness::ThreadBeat, monitor::Monitor};

/// The maximum number of datagrams in a batch: those that arrive while the previous batch
/// is processed.
const MAX_BATCH: usize = 64;
/// One byte more than the maximum length of a datagram, to detect longer ones.
const BUFFER_BYTES: usize = limits::MAX_DATAGRAM_BYTES + 1;
/// The delay after an error of the socket.
const RETRY_DELAY: Duration = Duration::from_millis(50);

/// A thread that receives datagrams.
#[derive(Debug)]
pub(super) struct Intake {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    address: SocketAddr,
}

impl Intake {
    /// Starts a thread for a socket.
    ///
    /// # Errors
    /// Returns the operating system's error if it refuses a thread.
    pub(super) fn start(socket: UdpSocket, monitor: Arc<Monitor>) -> io::Result<Self> {
        let address = socket.local_addr()?;
        let alive = monitor.liveness().intake(address);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("monitor-intake".to_owned())
            .spawn(move || take(&socket, &monitor, &alive, &stopped))?;
        Ok(Self {
            stop,
            thread: Some(thread),
            address,
        })
    }

    /// Returns the address that the thread receives at.
    #[must_use]
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn take(socket: &UdpSocket, monitor: &Monitor, alive: &ThreadBeat, stop: &AtomicBool) {
    let mut receiver = Receiver::default();
    while !stop.load(Ordering::Relaxed) {
        // A bug that one datagram triggers must not stop the monitor.
        match catch_panic("processing a datagram", || {
            receiver.receive(socket, monitor)
        }) {
            Some(Err(error)) if !is_over(&error) => {
                // No such error is known. It must not turn into a busy loop.
                thread::sleep(RETRY_DELAY);
            }
            Some(_) => alive.beat(),
            None => {}
        }
    }
}

/// Returns whether the wait ended without a datagram.
fn is_over(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

/// A receiver of datagrams: reads a socket in batches, verifies the datagrams, and passes
/// them to a monitor.
///
/// The monitor's own threads use it, as may a program that owns its sockets.
#[derive(Debug)]
pub struct Receiver {
    buffers: Vec<[u8; BUFFER_BYTES]>,
    datagrams: Vec<(Family, Datagram, SocketAddr)>,
}

impl Default for Receiver {
    fn default() -> Self {
        Self {
            buffers: vec![[0; BUFFER_BYTES]; MAX_BATCH],
            datagrams: Vec::with_capacity(MAX_BATCH),
        }
    }
}

impl Receiver {
    /// Waits for a datagram, at most for the socket's read timeout. Passes it to the
    /// monitor, together with those that arrived behind it: up to 64.
    ///
    /// # Errors
    /// Returns the operating system's error, a timeout included.
    pub fn receive(&mut self, socket: &UdpSocket, monitor: &Monitor) -> io::Result<()> {
        let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(MAX_BATCH, None);
        let buffers = self.buffers.iter_mut();
        let mut slices: Vec<_> = buffers.map(|buffer| [IoSliceMut::new(buffer)]).collect();
        // One system call for all of them: it is the largest cost of a datagram.
        let received = recvmmsg(
            socket.as_raw_fd(),
            &mut headers,
            slices.iter_mut(),
            MsgFlags::MSG_WAITFORONE,
            None,
        );
        let received = received?;
        // The current keys, even after a long wait.
        let keys = monitor.keys();
        for message in received {
            let Some(from) = message.address.and_then(address) else {
                continue;
            };
            // An empty datagram has no slice.
            let bytes = message.iovs().next().unwrap_or_default();
            match decode(bytes, &keys) {
                Ok(datagram) => self.datagrams.push((Family::of(from.ip()), datagram, from)),
                Err(reason) => {
                    monitor.refused(reason, from, claimed_host(bytes).as_deref());
                }
            }
        }
        monitor.take(self.datagrams.drain(..));
        Ok(())
    }
}

fn address(from: SockaddrStorage) -> Option<SocketAddr> {
    let v4 = from.as_sockaddr_in().map(|from| SocketAddrV4::from(*from));
    let v6 = from.as_sockaddr_in6().map(|from| SocketAddrV6::from(*from));
    v4.map(SocketAddr::V4).or(v6.map(SocketAddr::V6))
}
