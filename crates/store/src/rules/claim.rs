//! Claims: what may be handed out, in which order, and what a claim changes.
//!
//! A store on SQL finds these by its indexes, in statements that say the same; a store
//! that holds everything in memory asks them directly.

use std::cmp::Reverse;

use crate::{DeliveryId, Severity, State};

/// Whether a pending delivery may be handed out, as far as its time goes; it must also be
/// the first of its lane that has not ended.
#[must_use]
pub fn is_due(due_ms: i64, now_ms: i64) -> bool {
    due_ms <= now_ms
}

/// Whether its time to live has passed: it may only be claimed to be ended.
#[must_use]
pub fn is_expired(expires_ms: Option<i64>, now_ms: i64) -> bool {
    expires_ms.is_some_and(|expires_ms| expires_ms <= now_ms)
}

/// Whether a delivery in flight was abandoned, by its lease: its holder had longer than an
/// attempt may take, so that it is taken for dead, or lost. Where a store knows that a holder
/// is gone, it needs no lease to run out.
#[must_use]
pub fn is_abandoned(lease_until_ms: i64, now_ms: i64) -> bool {
    lease_until_ms < now_ms
}

/// The order in which deliveries of a channel are handed out, those that were abandoned
/// before all others: the worst first, so that an outage's backlog does not hold up what
/// matters, then the oldest.
#[must_use]
pub fn order(severity: Severity, delivery: DeliveryId) -> (Reverse<Severity>, DeliveryId) {
    (Reverse(severity), delivery)
}

/// What a claim changes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Its fence from now on; whoever held it before has a smaller one.
    pub fence: i64,
    /// How often it was claimed since its holder had abandoned it, this time included.
    pub reclaims: u32,
    /// Whether that is so this time: it may have been sent, and is counted. What
    /// [`Subject::may_have_arrived`](super::Subject::may_have_arrived) answers follows.
    pub is_abandoned: bool,
}

/// What a claim changes of a delivery in this state, with this fence and so many claims
/// after it was abandoned.
#[must_use]
pub fn take(state: State, fence: i64, reclaims: u32) -> Taken {
    let is_abandoned = state == State::InFlight;
    Taken {
        fence: fence + 1,
        reclaims: reclaims + u32::from(is_abandoned),
        is_abandoned,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_may_be_claimed_from_its_time_on_and_expires_at_its_own() {
        assert!(is_due(5, 5) && !is_due(6, 5));
        assert!(is_expired(Some(5), 5) && !is_expired(Some(6), 5));
        assert!(!is_expired(None, i64::MAX));
    }

    #[test]
    fn a_lease_holds_to_its_last_moment() {
        assert!(!is_abandoned(5, 5) && is_abandoned(5, 6));
    }

    #[test]
    fn the_worst_come_first_then_the_oldest() {
        let mut claims = [
            order(Severity::Info, DeliveryId(1)),
            order(Severity::Critical, DeliveryId(3)),
            order(Severity::Critical, DeliveryId(2)),
        ];
        claims.sort_unstable();
        assert_eq!(claims.map(|(_, DeliveryId(id))| id), [2, 3, 1]);
    }

    #[test]
    fn each_claim_has_a_greater_fence_and_only_reclaims_are_counted() {
        let first = take(State::Pending, 0, 0);
        assert_eq!(
            (first.fence, first.reclaims, first.is_abandoned),
            (1, 0, false)
        );
        let again = take(State::InFlight, first.fence, first.reclaims);
        assert_eq!(
            (again.fence, again.reclaims, again.is_abandoned),
            (2, 1, true)
        );
    }
}
