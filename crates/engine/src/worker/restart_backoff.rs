//! The exponential backoff before a worker that keeps crashing is restarted.

use std::{collections::VecDeque, time::Duration};

/// The number of crashes within [`CRASH_WINDOW`] that are followed by an immediate restart.
const MAX_IMMEDIATE_RESTARTS: usize = 2;
const CRASH_WINDOW: Duration = Duration::from_secs(600);
/// The first backoff after more crashes. It doubles each time.
const MIN_RESTART_BACKOFF: Duration = Duration::from_secs(30);
const MAX_RESTART_BACKOFF: Duration = Duration::from_secs(3600);
/// The time without a crash after which the backoff is reset.
const RESET_AFTER: Duration = Duration::from_secs(2 * 3600);

/// The recent crashes of one channel's workers.
#[derive(Debug, Default)]
pub(super) struct RestartBackoff {
    recent: VecDeque<i64>,
    /// The number of backoffs so far.
    backoffs: u32,
}

impl RestartBackoff {
    /// Records a crash. Returns the backoff before the next start, or `None` to restart at once.
    pub(super) fn note(&mut self, now_ms: i64) -> Option<Duration> {
        let since = |then_ms: i64| {
            let ms = u64::try_from(now_ms.saturating_sub(then_ms)).unwrap_or_default();
            Duration::from_millis(ms)
        };
        if self
            .recent
            .back()
            .is_some_and(|last| since(*last) > RESET_AFTER)
        {
            *self = Self::default();
        }
        self.recent.retain(|then| since(*then) <= CRASH_WINDOW);
        self.recent.push_back(now_ms);
        while self.recent.len() > MAX_IMMEDIATE_RESTARTS + 1 {
            self.recent.pop_front();
        }
        if self.backoffs == 0 && self.recent.len() <= MAX_IMMEDIATE_RESTARTS {
            return None;
        }
        let doubled = MIN_RESTART_BACKOFF.saturating_mul(2_u32.saturating_pow(self.backoffs));
        self.backoffs = self.backoffs.saturating_add(1);
        Some(doubled.min(MAX_RESTART_BACKOFF))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(backoff: Option<Duration>) -> u64 {
        backoff.map_or(0, |backoff| backoff.as_secs())
    }

    #[test]
    fn a_worker_that_keeps_crashing_backs_off_longer_each_time() {
        let mut crashes = RestartBackoff::default();
        let mut now_ms = 0;
        let backoffs: Vec<_> = (0..11)
            .map(|_| {
                let rest = seconds(crashes.note(now_ms));
                now_ms += i64::try_from(rest).unwrap() * 1000;
                rest
            })
            .collect();
        assert_eq!(
            backoffs,
            [0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
        );
    }

    #[test]
    fn one_that_crashes_now_and_then_is_restarted_at_once() {
        let mut crashes = RestartBackoff::default();
        for hour in 0..100 {
            assert_eq!(crashes.note(hour * 3_600_000), None);
        }
    }

    #[test]
    fn what_was_long_ago_is_forgotten() {
        let mut crashes = RestartBackoff::default();
        let rest = (0..3).map(|_| crashes.note(0)).last().flatten();
        assert_eq!(seconds(rest), 30);
        assert_eq!(crashes.note(7_300_000), None);
    }
}
