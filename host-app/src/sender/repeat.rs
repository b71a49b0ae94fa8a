//! Repetitions of datagrams, because UDP may lose them: the same bytes, a few moments
//! later.

use std::time::{Duration, Instant};

/// When a boot or a message is sent again, after the first time.
pub(super) const AFTER_NEWS: [Duration; 2] =
    [Duration::from_millis(300), Duration::from_millis(1000)];

/// When a shutdown is sent again: sooner, since the machine does not wait long.
pub(super) const AFTER_SHUTDOWN: [Duration; 2] =
    [Duration::from_millis(250), Duration::from_millis(700)];

/// The pending repetitions.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    waiting: Vec<(Instant, Vec<u8>)>,
}

impl Repeats {
    /// Plans repetitions of a datagram that is sent now.
    pub(super) fn plan(&mut self, bytes: &[u8], after: &[Duration], now: Instant) {
        let times = after.iter().map(|after| (now + *after, bytes.to_vec()));
        self.waiting.extend(times);
        self.waiting.sort_by_key(|(due, _)| *due);
    }

    /// Returns when the next one is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.first().map(|(due, _)| *due)
    }

    /// Removes and returns the next one that is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.due()
            .filter(|due| *due <= now)
            .map(|_| self.waiting.remove(0).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_two_are_repeated_at_once() {
        let now = Instant::now();
        let at = |ms| now + Duration::from_millis(ms);
        let mut repeats = Repeats::default();
        assert_eq!(repeats.due(), None);
        repeats.plan(b"a", &AFTER_NEWS, now);
        repeats.plan(b"b", &AFTER_NEWS, at(100));
        assert_eq!(repeats.take(at(299)), None);
        assert_eq!(repeats.due(), Some(at(300)));
        let taken: Vec<_> = std::iter::from_fn(|| repeats.take(at(5000))).collect();
        assert_eq!(taken, [b"a", b"b", b"a", b"b"]);
        assert_eq!(repeats.due(), None);
    }
}
