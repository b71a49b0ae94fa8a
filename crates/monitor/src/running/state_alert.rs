//! Decides when people are notified that the state cannot be written: at once when it
//! begins, and after a healthy period when it is over. A state that fails again and again
//! is reported at a limited rate.

use std::time::{Duration, Instant};

/// How long writes must succeed before the problem is over.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);
/// The minimum time between two reports of a problem that comes and goes.
const REPEAT_AFTER: Duration = Duration::from_secs(3600);

/// What was reported, and since when writes have succeeded.
#[derive(Debug, Default)]
pub(super) struct StateAlert {
    notified: bool,
    notified_at: Option<Instant>,
    healthy_since: Option<Instant>,
}

impl StateAlert {
    /// Returns the text to report, given why the state cannot be written. A new reason for
    /// the same problem is not reported.
    pub(super) fn news(&mut self, reason: Option<String>, now: Instant) -> Option<String> {
        let Some(reason) = reason else {
            let since = *self.healthy_since.get_or_insert(now);
            if !self.notified || now.saturating_duration_since(since) < HEALTHY_AFTER {
                return None;
            }
            self.notified = false;
            return Some("the heartbeat monitor's state is written again".to_owned());
        };
        self.healthy_since = None;
        let lately = |at: Instant| now.saturating_duration_since(at) < REPEAT_AFTER;
        if self.notified || self.notified_at.is_some_and(lately) {
            return None;
        }
        (self.notified, self.notified_at) = (true, Some(now));
        Some(format!(
            "the heartbeat monitor continues, but its state would not survive a restart: {reason}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passes a problem or none at each second, and compares when the beginning (`true`)
    /// and the end (`false`) were reported.
    fn check(looks: &[(u64, &str)], expected: &[(u64, bool)]) {
        let mut problem = StateAlert::default();
        let start = Instant::now();
        let mut notified = Vec::new();
        for (second, reason) in looks {
            let reason = (!reason.is_empty()).then(|| (*reason).to_owned());
            let now = start + Duration::from_secs(*second);
            if let Some(text) = problem.news(reason, now) {
                notified.push((*second, text.contains("would not survive")));
            }
        }
        assert_eq!(notified, expected);
    }

    #[test]
    fn when_it_begins_it_is_reported_at_once_and_its_end_when_it_lasts() {
        let looks = [(0, ""), (5, "full"), (9, ""), (68, ""), (69, ""), (200, "")];
        check(&looks, &[(5, true), (69, false)]);
    }

    #[test]
    fn when_only_the_words_change() {
        check(&[(0, "full"), (5, "read-only"), (9, "full")], &[(0, true)]);
    }

    #[test]
    fn when_it_comes_and_goes() {
        let looks = [
            (0, "full"),
            (10, ""),
            (60, "full"),
            (70, ""),
            (130, ""),
            (140, "full"),
            (3599, "full"),
            (3600, "full"),
        ];
        check(&looks, &[(0, true), (130, false), (3600, true)]);
    }

    #[test]
    fn when_all_is_well_there_is_nothing_to_tell() {
        check(&[(0, ""), (100, ""), (10_000, "")], &[]);
    }
}
