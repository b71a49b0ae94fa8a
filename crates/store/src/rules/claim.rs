//! Claims: which deliveries may be handed out, in which order, and what a claim changes.
//!
//! A store on SQL expresses these rules by its statements and indexes; a store that holds
//! everything in memory calls them.

use std::cmp::Reverse;

use crate::{DeliveryId, Severity, State};

/// Returns whether a pending delivery is due. To be handed out, it must also be the first of its
/// lane that has not ended.
#[must_use]
pub fn is_due(due_ms: i64, now_ms: i64) -> bool {
    due_ms <= now_ms
}

/// Returns whether a delivery has expired: it may then be claimed only to be ended.
#[must_use]
pub fn is_expired(expires_ms: Option<i64>, now_ms: i64) -> bool {
    expires_ms.is_some_and(|expires_ms| expires_ms <= now_ms)
}

/// Returns whether a delivery in flight was abandoned, judged by its lease: its holder had longer
/// than an attempt may take, so that it is considered dead or lost. A store that knows that a
/// holder is gone need not wait for the lease to run out.
#[must_use]
pub fn is_abandoned(lease_until_ms: i64, now_ms: i64) -> bool {
    lease_until_ms < now_ms
}

/// Returns the sort key by which the deliveries of a channel are handed out, abandoned ones
/// before all others: the most severe first, so that the backlog of an outage does not delay
/// urgent messages, then the oldest.
#[must_use]
pub fn order(severity: Severity, delivery: DeliveryId) -> (Reverse<Severity>, DeliveryId) {
    (Reverse(severity), delivery)
}

/// What a claim changes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The fence from now on; earlier holders have a smaller one.
    pub fence: i64,
    /// How often it was claimed after its holder had abandoned it, including this time.
    pub reclaims: u32,
    /// Whether its last holder abandoned it: the message may have been sent, and the claim counts
    /// as a reclaim. The follow-ups of
    /// [`Subject::may_have_arrived`](super::Subject::may_have_arrived) apply.
    pub is_abandoned: bool,
}

/// Returns what a claim changes of a delivery with this state, this fence and this number of
/// reclaims.
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
