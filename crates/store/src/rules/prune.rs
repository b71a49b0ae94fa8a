//! Pruning: which notifications are deleted.
//!
//! The history of a store is bounded by age and by number, and only what has ended counts as
//! history: a notification is deleted with all of its deliveries, and only when none of them is
//! open. A delivery that a digest has yet to report is open too, since the digest's text is
//! written from it when the digest is sent.

use crate::{Prune, State};

/// Facts: a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The notification's number.
    pub notification: i64,
    /// When it was accepted, in milliseconds since the Unix epoch.
    pub accepted_ms: i64,
    /// Whether any of its deliveries is open: see [`is_open`].
    pub is_open: bool,
}

/// The verdict on a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The notification is deleted with its deliveries, which are counted as pruned by their
    /// states.
    Delete,
    /// The notification stays.
    Keep,
    /// The notification stays, and so does everything that was accepted after it.
    Stop,
}

/// Returns whether a delivery is open: it has not ended, or it was suppressed for a digest that
/// has not ended.
#[must_use]
pub fn is_open(state: State, digest: Option<State>) -> bool {
    !state.has_ended() || digest.is_some_and(|digest| !digest.has_ended())
}

/// Judges a notification. Candidates come in the order of their acceptance, the oldest first;
/// `newest` is the number of the last accepted notification, whether it is still stored or not,
/// and `deleted` how many this call has deleted so far.
///
/// Numbers grow by one and times do not fall, so that nothing after a candidate that is neither
/// too old nor beyond the number has to be looked at.
#[must_use]
pub fn judge(candidate: Candidate, newest: i64, deleted: u64, prune: &Prune) -> Verdict {
    let is_old = candidate.accepted_ms < prune.accepted_before_ms;
    if deleted >= u64::from(prune.limit) || !(is_old || is_beyond(candidate, newest, prune)) {
        return Verdict::Stop;
    }
    match candidate.is_open {
        true => Verdict::Keep,
        false => Verdict::Delete,
    }
}

/// Returns whether at least as many notifications came after it as are kept.
fn is_beyond(candidate: Candidate, newest: i64, prune: &Prune) -> bool {
    let newer = newest.saturating_sub(candidate.notification);
    u64::try_from(newer).is_ok_and(|newer| newer >= prune.beyond)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRUNE: Prune = Prune {
        now_ms: 1_000,
        accepted_before_ms: 100,
        beyond: 10,
        limit: 5,
    };

    fn candidate(notification: i64, accepted_ms: i64) -> Candidate {
        Candidate {
            notification,
            accepted_ms,
            is_open: false,
        }
    }

    #[test]
    fn what_is_old_is_deleted_and_what_is_open_stays() {
        assert_eq!(judge(candidate(5, 99), 5, 0, &PRUNE), Verdict::Delete);
        let open = Candidate {
            is_open: true,
            ..candidate(5, 99)
        };
        assert_eq!(judge(open, 5, 0, &PRUNE), Verdict::Keep);
    }

    #[test]
    fn what_is_beyond_the_newest_is_deleted_however_young() {
        assert_eq!(judge(candidate(5, 100), 15, 0, &PRUNE), Verdict::Delete);
        assert_eq!(judge(candidate(6, 100), 15, 0, &PRUNE), Verdict::Stop);
    }

    #[test]
    fn no_more_are_deleted_at_once_than_was_said() {
        assert_eq!(judge(candidate(1, 0), 100, 4, &PRUNE), Verdict::Delete);
        assert_eq!(judge(candidate(1, 0), 100, 5, &PRUNE), Verdict::Stop);
    }

    #[test]
    fn a_number_of_all_there_can_be_deletes_none() {
        let all = Prune {
            beyond: u64::MAX,
            ..PRUNE
        };
        assert_eq!(judge(candidate(1, 100), i64::MAX, 0, &all), Verdict::Stop);
    }

    #[test]
    fn what_a_digest_is_to_summarise_is_open_though_it_has_ended() {
        assert!(is_open(State::Pending, None));
        assert!(!is_open(State::Suppressed, None));
        assert!(is_open(State::Suppressed, Some(State::InFlight)));
        assert!(!is_open(State::Suppressed, Some(State::Delivered)));
    }
}
