//! Takes datagrams from one socket, on a thread of its own.

use std::{
    io::{self, ErrorKind},
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::net::{RecvFlags, recvfrom};

use super::{core::Core, vitals::Sign};
use crate::protocol::{self, Datagram, Family, limits};

/// Datagrams that are looked at together: as many as come while the ones
/// before are looked at, up to this.
const MOST: usize = 64;
/// One byte more than a datagram may have shows that it has more.
const ROOM: usize = limits::LONGEST_DATAGRAM + 1;
/// How long a socket that fails is left alone.
const PAUSE: Duration = Duration::from_millis(50);

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
    pub fn start(socket: UdpSocket, core: Arc<Core>) -> io::Result<Self> {
        let address = socket.local_addr()?;
        let sign = core.vitals().intake(address);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("hbd-intake".to_owned())
            .spawn(move || take(&socket, &core, &sign, &stopped))?;
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

fn take(socket: &UdpSocket, core: &Core, sign: &Sign, stop: &AtomicBool) {
    let mut buffer = [0; ROOM];
    let mut datagrams: Vec<(Datagram, SocketAddr)> = Vec::with_capacity(MOST);
    while !stop.load(Ordering::Relaxed) {
        // The first is waited for, up to a bound.
        let (length, from) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(error) => {
                if is_over(&error) {
                    sign.give();
                } else {
                    // Nothing of the kind is known. It must not turn into a
                    // loop that takes all of a processor.
                    thread::sleep(PAUSE);
                }
                continue;
            }
        };
        sign.give();
        let keys = core.keys();
        let mut read = |bytes: &[u8], from: SocketAddr| match protocol::decode(bytes, &keys) {
            Ok(datagram) => datagrams.push((datagram, from)),
            Err(reason) => core.refusals().refused(reason, from),
        };
        read(&buffer[..length], from);
        for _ in 1..MOST {
            let more = recvfrom(socket, &mut buffer, RecvFlags::DONTWAIT);
            let Ok((_, length, Some(from))) = more else {
                break;
            };
            let Ok(from) = SocketAddr::try_from(from) else {
                continue;
            };
            read(&buffer[..length.min(ROOM)], from);
        }
        core.take(
            datagrams
                .drain(..)
                .map(|(datagram, from)| (Family::of(from.ip()), datagram, from)),
        );
    }
}

/// Whether nothing came while it was waited for.
fn is_over(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}
