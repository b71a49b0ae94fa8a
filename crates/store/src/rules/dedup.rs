//! Deduplication: what people are notified of once within a time.
//!
//! A channel is not sent the same twice within its window, but only as long as people know of the
//! first or will know of it: a first message that failed, expired or was suppressed has informed
//! nobody, and must not silence the next one. The end of a problem closes the window, since the
//! same problem once more is news.

use crate::{DedupWindow, Intake, Intent, State};

/// Facts: the last delivery that was accepted with a fingerprint, on one channel and in one
/// incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earlier {
    /// The state of that delivery.
    pub state: State,
    /// When its window closes, in milliseconds since the Unix epoch.
    pub until_ms: i64,
}

/// Returns whether the acceptance of a notification closes the windows of its incident on each of
/// its channels: it does if it ends a problem.
#[must_use]
pub fn closes_windows(intake: &Intake) -> bool {
    intake.ends_a_problem()
}

/// Returns the window for which a store fetches [`Earlier`] before it accepts an intent, or
/// `None` if that makes no difference.
#[must_use]
pub fn window_to_look_up<'a>(intake: &Intake, intent: &'a Intent) -> Option<&'a DedupWindow> {
    let window = intent.dedup.as_ref()?;
    (!intent.begin.is_suppressed() && !closes_windows(intake)).then_some(window)
}

/// Returns whether a delivery that is accepted now is a duplicate of the earlier one. A window
/// that closes at this very moment is closed.
#[must_use]
pub fn is_duplicate(earlier: Earlier, now_ms: i64) -> bool {
    let is_known = !earlier.state.has_ended() || earlier.state.may_have_arrived();
    earlier.until_ms > now_ms && is_known
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000;

    fn earlier(state: State) -> Earlier {
        Earlier {
            state,
            until_ms: NOW + 1,
        }
    }

    #[test]
    fn what_is_on_its_way_or_may_have_arrived_keeps_back_the_same() {
        for state in State::ALL {
            let expected = matches!(
                state,
                State::Pending | State::InFlight | State::Delivered | State::Unknown
            );
            assert_eq!(is_duplicate(earlier(state), NOW), expected, "{state}");
        }
    }

    #[test]
    fn a_window_that_ends_now_is_over() {
        let over = Earlier {
            until_ms: NOW,
            ..earlier(State::Delivered)
        };
        assert!(!is_duplicate(over, NOW));
    }
}
