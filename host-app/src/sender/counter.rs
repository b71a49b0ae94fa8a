//! The counter of datagrams: microseconds since boot, so that it increases over restarts
//! and over several senders without a file.

use rustix::time::{ClockId, clock_gettime};

/// Numbers the datagrams of this boot.
#[derive(Debug, Default)]
pub(super) struct Counter {
    last: u64,
}

impl Counter {
    /// Returns a number greater than all before.
    pub(super) fn next(&mut self) -> u64 {
        // This clock continues while the machine is suspended.
        let now = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
        let micros = u64::try_from(now.tv_nsec / 1000).unwrap_or_default();
        self.last = (seconds * 1_000_000 + micros).max(self.last + 1);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_many_are_counted_at_once() {
        let mut counter = Counter::default();
        let counted: Vec<u64> = (0..10_000).map(|_| counter.next()).collect();
        assert!(counted.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn when_another_sender_starts_later() {
        let first = Counter::default().next();
        let next = (0..1_000_000).map(|_| Counter::default().next());
        assert!(next.into_iter().any(|next| next > first));
    }
}
