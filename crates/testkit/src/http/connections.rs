//! Counts of the connections that a client holds and uses at once.
//!
//! Whether a number breaks a service's rule is for the stand-in to decide.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Connection counts over a server's lifetime.
#[derive(Debug, Default)]
pub struct Connections {
    open: Gauge,
    in_use: Gauge,
    accepted: AtomicUsize,
}

impl Connections {
    /// Returns the number of connections that carry a request now.
    pub fn in_use(&self) -> usize {
        self.in_use.now.load(Ordering::SeqCst)
    }

    /// Returns the maximum number of connections that carried a request at once.
    pub fn peak_in_use(&self) -> usize {
        self.in_use.peak.load(Ordering::SeqCst)
    }

    /// Returns the maximum number of connections that were open at once, idle ones included.
    pub fn peak_open(&self) -> usize {
        self.open.peak.load(Ordering::SeqCst)
    }

    /// Returns the number of connections accepted since the start; 1 after many requests shows
    /// that the client keeps its connection.
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

/// A guard that decrements its count when dropped, also when its task is aborted.
pub(super) struct Held<'a>(&'a Gauge);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}
