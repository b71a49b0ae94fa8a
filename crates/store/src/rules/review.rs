//! Reviews of incidents: which messages of a problem and of its end have become pointless.
//!
//! A problem that ends before anybody was notified of it is not worth a message, and neither is
//! its end: after an outage, people would read of what was wrong hours ago, or of the end of a
//! problem of which they never heard. A store makes a [`Review`] whenever a delivery of an
//! incident was accepted or settled:
//!
//! 1. If an end is pending, earlier pending messages of the problem are superseded.
//! 2. The end itself is superseded if the channel was not notified of the problem and is not
//!    being notified, neither by a message in flight nor by a digest in flight.
//! 3. While a digest that reports the problem is in flight, the end waits until that is settled,
//!    or its holder is considered dead. Of several, it waits for the first that arrives, or else
//!    for the last.

use super::{
    change::{Change, IncidentChange},
    incident::{Incident, OpenDelivery, over},
};
use crate::{DeliveryId, Kind, State};

/// The reason for which a message of a problem is superseded by the problem's end: a first
/// message, a reminder or a step of a group.
const RECOVERED: &str = "the problem was over before this was sent";

/// The reason for which the end of a problem is superseded.
const NOT_NOTIFIED: &str = "this channel was not notified of the problem that is over";

/// The decision of a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Changes of pending deliveries.
    pub changes: Vec<Change>,
    /// The change of the incident.
    pub incident: IncidentChange,
}

/// A review of an incident on a channel. It is made from the open deliveries, and says which
/// further facts it needs.
#[derive(Debug)]
pub struct Review {
    /// Pending ends of problems, the oldest first.
    recoveries: Vec<OpenDelivery>,
    /// The notification of the newest of them.
    ended_by: i64,
    /// Pending messages of the problem that it ends.
    pointless: Vec<DeliveryId>,
    /// Whether a message of that problem is in flight.
    is_being_notified: bool,
    /// Whether a delivery of a later problem is pending or in flight.
    is_another_open: bool,
    /// When a digest that reports the problem was settled, if the review is made for that.
    digest_settled_ms: Option<i64>,
}

impl Review {
    /// Makes a review from all deliveries of an incident on a channel that have not ended, the
    /// oldest first. Returns `None` if no end is pending, since there is nothing to decide then.
    #[must_use]
    pub fn of(open: &[OpenDelivery]) -> Option<Self> {
        let recoveries = open.iter().filter(|one| one.is_pending(Kind::Recovery));
        let newest = recoveries.clone().next_back()?;
        let problems = open.iter().filter(|one| one.kind == Kind::Problem);
        let earlier = problems
            .clone()
            .filter(|one| one.delivery < newest.delivery);
        let mut later = problems.filter(|one| one.delivery > newest.delivery);
        let pending = |one: &&OpenDelivery| one.state == State::Pending;
        Some(Self {
            recoveries: recoveries.copied().collect(),
            ended_by: newest.notification,
            is_being_notified: !earlier.clone().all(|one| one.state == State::Pending),
            pointless: earlier.filter(pending).map(|one| one.delivery).collect(),
            is_another_open: later.next().is_some(),
            digest_settled_ms: None,
        })
    }

    /// Makes the review after a digest was settled that reports the incident: ends that waited for
    /// it wait no longer, unless another digest holds them up. An end that was tried before keeps
    /// its backoff.
    #[must_use]
    pub fn after_digest(open: &[OpenDelivery], now_ms: i64) -> Option<Self> {
        let review = Self::of(open)?;
        Some(Self {
            digest_settled_ms: Some(now_ms),
            ..review
        })
    }

    /// Returns the notification from which on digests matter, if they do: a store then fetches
    /// the latest lease of those in flight that report this notification or a later one of the
    /// incident on this channel.
    #[must_use]
    pub fn digests_since(&self, known: Option<Incident>) -> Option<i64> {
        let unnotified = known.filter(|known| !known.is_notified && !self.is_being_notified);
        unnotified.map(|known| known.since)
    }

    /// Decides. `digest_until_ms` is the latest lease of a digest that reports the problem, if
    /// [`digests_since`](Self::digests_since) asks for it and there is one.
    #[must_use]
    pub fn decide(self, known: Option<Incident>, digest_until_ms: Option<i64>) -> Decision {
        let is_unnotified = self.digests_since(known).is_some();
        let waiting = self.waiting();
        let recoveries = self.recoveries.into_iter().map(|one| one.delivery);
        let mut changes = Change::supersede(self.pointless, RECOVERED);
        let mut incident = IncidentChange::Keep;
        match digest_until_ms.filter(|_| is_unnotified) {
            Some(until_ms) => changes.extend(Change::reschedule(recoveries, until_ms)),
            None if is_unnotified => {
                changes.extend(Change::supersede(recoveries, NOT_NOTIFIED));
                incident = over(known, self.is_another_open, self.ended_by);
            }
            None => changes.extend(waiting),
        }
        Decision { changes, incident }
    }

    /// Returns the changes by which ends that waited for the settled digest are due.
    fn waiting(&self) -> Vec<Change> {
        let Some(now_ms) = self.digest_settled_ms else {
            return Vec::new();
        };
        let waits = |one: &&OpenDelivery| one.attempts == 0 && one.due_ms > now_ms;
        let waiting = self.recoveries.iter().filter(waits);
        Change::reschedule(waiting.map(|one| one.delivery), now_ms).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Superseded,
        rules::incident::tests::{known, open},
    };

    const PROBLEM: Kind = Kind::Problem;
    const RECOVERY: Kind = Kind::Recovery;

    fn superseded(delivery: i64, why: &str) -> Change {
        Change::Supersede(Superseded {
            delivery: DeliveryId(delivery),
            why: why.into(),
        })
    }

    fn decide(of: &[(Kind, State)], known: Option<Incident>, digest: Option<i64>) -> Decision {
        Review::of(&open(of)).unwrap().decide(known, digest)
    }

    #[test]
    fn nothing_is_reviewed_while_no_end_waits() {
        assert!(Review::of(&[]).is_none());
        let without = [(PROBLEM, State::Pending), (RECOVERY, State::InFlight)];
        assert!(Review::of(&open(&without)).is_none());
    }

    #[test]
    fn a_problem_that_is_over_before_anybody_was_notified_ends_with_its_end() {
        let waits = [(PROBLEM, State::Pending), (RECOVERY, State::Pending)];
        let decision = decide(&waits, known(false), None);
        assert_eq!(
            decision.changes,
            [superseded(1, RECOVERED), superseded(2, NOT_NOTIFIED)]
        );
        assert_eq!(decision.incident, IncidentChange::Forget);
    }

    #[test]
    fn the_end_of_what_people_know_is_sent_and_reminders_are_not() {
        let waits = [(PROBLEM, State::Pending), (RECOVERY, State::Pending)];
        let decision = decide(&waits, known(true), None);
        assert_eq!(decision.changes, [superseded(1, RECOVERED)]);
        assert_eq!(decision.incident, IncidentChange::Keep);
    }

    #[test]
    fn an_end_waits_while_the_problem_is_in_flight() {
        let flies = [
            (PROBLEM, State::InFlight),
            (PROBLEM, State::Pending),
            (RECOVERY, State::Pending),
        ];
        let review = Review::of(&open(&flies)).unwrap();
        assert_eq!(review.digests_since(known(false)), None);
        let decision = review.decide(known(false), Some(5));
        assert_eq!(decision.changes, [superseded(2, RECOVERED)]);
        assert_eq!(decision.incident, IncidentChange::Keep);
    }

    #[test]
    fn an_end_waits_until_a_digest_that_has_the_problem_is_settled() {
        let waits = [(RECOVERY, State::Pending)];
        let review = Review::of(&open(&waits)).unwrap();
        assert_eq!(review.digests_since(known(true)), None);
        assert_eq!(review.digests_since(known(false)), Some(11));
        let decision = review.decide(known(false), Some(77));
        let waits = Change::Reschedule {
            delivery: DeliveryId(1),
            due_ms: 77,
        };
        assert_eq!(decision.changes, [waits]);
        assert_eq!(decision.incident, IncidentChange::Keep);
    }

    #[test]
    fn the_end_of_what_is_not_known_here_is_sent() {
        let waits = [(RECOVERY, State::Pending)];
        let decision = decide(&waits, None, None);
        assert_eq!(decision.changes, []);
        assert_eq!(decision.incident, IncidentChange::Keep);
    }

    #[test]
    fn a_problem_after_the_end_is_another_one() {
        let again = [(RECOVERY, State::Pending), (PROBLEM, State::Pending)];
        let decision = decide(&again, known(false), None);
        assert_eq!(decision.changes, [superseded(1, NOT_NOTIFIED)]);
        let another = Incident {
            is_notified: false,
            newest: 11,
            since: 11,
        };
        assert_eq!(
            decision.incident.applied_to(known(false)),
            Some(another),
            "what came later goes on"
        );
        // A notification that was suppressed is not open, and was accepted later all the same.
        let later = Incident {
            newest: 12,
            ..another
        };
        let decision = decide(&[(RECOVERY, State::Pending)], Some(later), None);
        let since_then = decision.incident.applied_to(Some(later));
        assert_eq!(since_then.unwrap().newest, 12);
    }

    #[test]
    fn ends_that_waited_for_a_digest_are_due_and_those_that_were_tried_keep_their_backoff() {
        let mut waits = open(&[(RECOVERY, State::Pending); 3]);
        for one in &mut waits {
            one.due_ms = 50;
        }
        waits[1].attempts = 1;
        waits[2].due_ms = 9;
        let due = Change::Reschedule {
            delivery: DeliveryId(1),
            due_ms: 10,
        };
        let settled = Review::after_digest(&waits, 10).unwrap();
        assert_eq!(settled.decide(known(true), None).changes, [due]);
    }

    #[test]
    fn ends_that_another_digest_holds_up_wait_on() {
        let mut waits = open(&[(RECOVERY, State::Pending)]);
        waits[0].due_ms = 50;
        let after = |digest_until_ms| {
            let review = Review::after_digest(&waits, 10).unwrap();
            review.decide(known(false), digest_until_ms).changes
        };
        let on = Change::Reschedule {
            delivery: DeliveryId(1),
            due_ms: 77,
        };
        assert_eq!(after(Some(77)), [on]);
        assert_eq!(after(None), [superseded(1, NOT_NOTIFIED)]);
    }
}
