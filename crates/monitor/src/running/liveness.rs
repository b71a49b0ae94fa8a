//! The liveness of the monitor: its threads report regularly, and a caller learns which of
//! them has been silent for too long.
//!
//! State that cannot be written does not affect liveness: see
//! [`Monitor::state_problem`](super::Monitor::state_problem).

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The silence after which a thread counts as dead. Each thread reports several times a
/// second, and a machine under load may starve it for a while.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether the monitor's threads still work.
///
/// Each thread reports several times a second, by a clock that does not advance while the
/// machine sleeps. A thread that has been silent for 10 s counts as dead.
#[derive(Debug)]
pub struct Liveness {
    began: Instant,
    ticked: AtomicU64,
    intakes: Mutex<Vec<(SocketAddr, Arc<AtomicU64>)>>,
}

/// Reports the liveness of one thread that receives datagrams.
#[derive(Debug, Clone)]
pub(super) struct ThreadBeat {
    began: Instant,
    last: Arc<AtomicU64>,
}

impl Liveness {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            ticked: AtomicU64::new(0),
            intakes: Mutex::default(),
        }
    }

    /// Reports that the thread that advances time is alive.
    pub(super) fn beat(&self) {
        self.ticked.store(since(self.began), Ordering::Relaxed);
    }

    /// Registers a thread that receives datagrams at this address.
    pub(super) fn intake(&self, address: SocketAddr) -> ThreadBeat {
        let last = Arc::new(AtomicU64::new(since(self.began)));
        let mut intakes = self.intakes.lock().unwrap_or_else(PoisonError::into_inner);
        intakes.push((address, Arc::clone(&last)));
        ThreadBeat {
            began: self.began,
            last,
        }
    }

    /// Returns the addresses at which heartbeats are received.
    #[must_use]
    pub fn listening(&self) -> Vec<SocketAddr> {
        let intakes = self.intakes.lock().unwrap_or_else(PoisonError::into_inner);
        intakes.iter().map(|(address, _)| *address).collect()
    }

    /// Returns in one sentence why the monitor does not work; `None` if it does.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.problem_at(since(self.began))
    }

    fn problem_at(&self, now: u64) -> Option<String> {
        let silent = |last: &AtomicU64| {
            let silence = Duration::from_millis(now.saturating_sub(last.load(Ordering::Relaxed)));
            (silence > SILENCE_TIMEOUT).then_some(silence.as_secs())
        };
        if let Some(seconds) = silent(&self.ticked) {
            return Some(format!("no host was judged for {seconds} s"));
        }
        let intakes = self.intakes.lock().unwrap_or_else(PoisonError::into_inner);
        if intakes.is_empty() {
            return Some("no heartbeats are received yet".to_owned());
        }
        intakes.iter().find_map(|(address, last)| {
            let seconds = silent(last)?;
            Some(format!(
                "no heartbeat could be received at {address} for {seconds} s"
            ))
        })
    }
}

impl ThreadBeat {
    pub(super) fn beat(&self) {
        self.last.store(since(self.began), Ordering::Relaxed);
    }
}

fn since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn living() -> (Liveness, ThreadBeat) {
        let liveness = Liveness::new();
        liveness.beat();
        let sign = liveness.intake(SocketAddr::from(([127, 0, 0, 1], 9677)));
        (liveness, sign)
    }

    #[test]
    fn when_all_threads_give_signs() {
        let (liveness, _sign) = living();
        assert_eq!(liveness.problem(), None);
        assert_eq!(liveness.listening().len(), 1);
    }

    #[test]
    fn when_nothing_listens_yet() {
        let liveness = Liveness::new();
        assert_eq!(
            liveness.problem().unwrap(),
            "no heartbeats are received yet"
        );
    }

    #[test]
    fn when_time_stands_still() {
        let (liveness, sign) = living();
        sign.last.store(60_000, Ordering::Relaxed);
        let problem = liveness.problem_at(61_000).unwrap();
        assert!(problem.starts_with("no host was judged for "), "{problem}");
    }

    #[test]
    fn when_a_socket_is_dead() {
        let (liveness, _sign) = living();
        liveness.ticked.store(60_000, Ordering::Relaxed);
        let problem = liveness.problem_at(61_000).unwrap();
        assert!(
            problem.starts_with("no heartbeat could be received at 127.0.0.1:9677 for "),
            "{problem}"
        );
    }
}
