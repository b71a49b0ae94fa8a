//! How many connections a client holds and uses at the same time.
//!
//! Only counts; whether a number breaks a service's rule is the stand-in's to
//! say.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Counters over a server's life.
#[derive(Debug, Default)]
pub struct Connections {
    open: Gauge,
    in_use: Gauge,
    accepted: AtomicUsize,
}

impl Connections {
    /// Connections that carry a request at this moment.
    pub fn in_use(&self) -> usize {
        self.in_use.now.load(Ordering::SeqCst)
    }

    /// The most connections that carried a request at the same time.
    pub fn peak_in_use(&self) -> usize {
        self.in_use.peak.load(Ordering::SeqCst)
    }

    /// The most connections that were open at the same time, idle ones too.
    pub fn peak_open(&self) -> usize {
        self.open.peak.load(Ordering::SeqCst)
    }

    /// Connections accepted since the start; 1 after many requests shows that
    /// the client keeps its connection.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(super) fn opened(&self) -> Held<'_> {
        self.accepted.fetch_add(1, Ordering::SeqCst);
        self.open.hold()
    }

    pub(super) fn used(&self) -> Held<'_> {
        self.in_use.hold()
    }
}

#[derive(Debug, Default)]
struct Gauge {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Gauge {
    fn hold(&self) -> Held<'_> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(now, Ordering::SeqCst);
        Held(self)
    }
}

/// Counts down when dropped, also when its task is ended.
pub(super) struct Held<'a>(&'a Gauge);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}
