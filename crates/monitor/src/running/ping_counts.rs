//! Counts pings: those that were accepted, and those that were refused.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::ping::PingRefusal;

/// How many pings were accepted, and how many were refused by their keys.
#[derive(Debug, Default)]
pub struct PingCounts {
    accepted: AtomicU64,
    wrong_key: AtomicU64,
    wrong_host: AtomicU64,
}

impl PingCounts {
    pub(super) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self, refusal: PingRefusal) {
        let count = match refusal {
            PingRefusal::WrongKey => &self.wrong_key,
            PingRefusal::NoHost | PingRefusal::OtherHost => &self.wrong_host,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many pings were accepted since the start.
    #[must_use]
    pub fn accepted_count(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Returns how many pings were refused since the start, by the reason as metrics name it.
    #[must_use]
    pub fn refused_counts(&self) -> [(&'static str, u64); 2] {
        let counts = [
            ("wrong_key", &self.wrong_key),
            ("wrong_host", &self.wrong_host),
        ];
        counts.map(|(reason, count)| (reason, count.load(Ordering::Relaxed)))
    }
}
