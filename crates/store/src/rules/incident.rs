//! Incidents: what a channel knows of a problem.
//!
//! Whoever may have read of a problem must be notified of its end, and nobody else. A store
//! therefore records for each channel and incident whether a problem is open there, and whether
//! people may have been notified of it. A problem is *open* from the acceptance of its first
//! message until its end was delivered or superseded ([`review`](super::review)); what is
//! accepted after the end belongs to another problem.

use super::change::IncidentChange;
use crate::{DeliveryId, Kind, State};

/// What a channel knows of an open problem. A store holds one for each channel and incident, from
/// the first message of a problem until the rules forget it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incident {
    /// Whether people may have been notified of the problem on this channel.
    pub is_notified: bool,
    /// The newest notification of the problem that was accepted for this channel.
    pub newest: i64,
    /// The first notification of this problem; earlier ones belong to a problem that has ended.
    pub since: i64,
}

impl Incident {
    /// Returns whether a notification belongs to this problem, and not to one that has ended.
    #[must_use]
    pub fn has(&self, notification: i64) -> bool {
        self.since <= notification
    }
}

/// Facts: a delivery of an incident that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenDelivery {
    /// The delivery's number.
    pub delivery: DeliveryId,
    /// The number of its notification.
    pub notification: i64,
    /// The notification's place in the incident.
    pub kind: Kind,
    /// Pending or in flight.
    pub state: State,
    /// The number of attempts.
    pub attempts: u32,
    /// When it may be claimed, if it is pending, in milliseconds since the Unix epoch.
    pub due_ms: i64,
    /// Whether it is a step of a group.
    pub is_step: bool,
}

impl OpenDelivery {
    pub(super) fn is_pending(&self, kind: Kind) -> bool {
        self.kind == kind && self.state == State::Pending
    }
}

/// Decides the change after a notification of a problem was accepted for a channel, suppressed
/// ones included.
#[must_use]
pub fn problem_accepted(known: Option<Incident>, notification: i64) -> IncidentChange {
    let first = Incident {
        is_notified: false,
        newest: notification,
        since: notification,
    };
    IncidentChange::Set(known.map_or(first, |known| Incident {
        newest: notification,
        ..known
    }))
}

/// Decides the change after a notification of a problem has reached its channel, or may have. A
/// notification of a problem that has ended since says nothing about the one that is open now.
#[must_use]
pub fn problem_notified(known: Option<Incident>, notification: i64) -> IncidentChange {
    let now = known.map(|known| Incident {
        is_notified: known.is_notified || known.has(notification),
        ..known
    });
    IncidentChange::between(known, now)
}

/// Decides the change after the end of a problem has reached its channel, or may have. `open`
/// lists the other deliveries of the incident that have not ended. Problems that are open then,
/// or were accepted later, are different ones; people need no other pending end, since this one
/// notified them.
#[must_use]
pub fn recovery_notified(
    known: Option<Incident>,
    open: &[OpenDelivery],
    notification: i64,
) -> IncidentChange {
    let waits = |one: &OpenDelivery| matches!(one.kind, Kind::Problem | Kind::Recovery);
    over(known, open.iter().any(waits), notification)
}

/// Decides the change when a notification ends a problem: another problem goes on if a message of
/// one is open or came later.
pub(super) fn over(
    known: Option<Incident>,
    is_another_open: bool,
    notification: i64,
) -> IncidentChange {
    let another = known.filter(|known| is_another_open || known.newest > notification);
    let now = another.map(|known| Incident {
        is_notified: false,
        since: notification,
        ..known
    });
    IncidentChange::between(known, now)
}

/// Returns whether an incident can be forgotten when a notification is deleted: the notification
/// was the newest of its problem, and no delivery of the incident is open.
#[must_use]
pub fn is_forgotten_with(known: Incident, deleted: i64, is_open: bool) -> bool {
    known.newest == deleted && !is_open
}

/// Returns whether the problem that a notification reports has ended, by the notifications that
/// were accepted for its channel.
#[must_use]
pub fn is_over(known: Option<Incident>, notification: i64) -> bool {
    !known.is_some_and(|known| known.has(notification))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const PROBLEM: Kind = Kind::Problem;

    /// Deliveries 1, 2 … of notifications 11, 12 …
    pub(in crate::rules) fn open(of: &[(Kind, State)]) -> Vec<OpenDelivery> {
        let numbered = of.iter().zip(1..);
        numbered
            .map(|((kind, state), number)| OpenDelivery {
                delivery: DeliveryId(number),
                notification: number + 10,
                kind: *kind,
                state: *state,
                attempts: 0,
                due_ms: 0,
                is_step: false,
            })
            .collect()
    }

    pub(in crate::rules) fn known(is_notified: bool) -> Option<Incident> {
        Some(Incident {
            is_notified,
            newest: 11,
            since: 11,
        })
    }

    #[test]
    fn a_message_of_a_problem_that_has_ended_says_nothing_of_the_next() {
        let next = Some(Incident {
            is_notified: false,
            newest: 30,
            since: 20,
        });
        assert_eq!(problem_notified(next, 19), IncidentChange::Keep);
        assert!(is_over(next, 19) && !is_over(next, 20));
        let notified = problem_notified(next, 20).applied_to(next).unwrap();
        assert!(notified.is_notified);
        assert_eq!(problem_notified(None, 20), IncidentChange::Keep);
    }

    #[test]
    fn the_first_message_of_a_problem_opens_it_and_reminders_belong_to_it() {
        let first = problem_accepted(None, 5).applied_to(None);
        assert_eq!(
            first,
            Some(Incident {
                is_notified: false,
                newest: 5,
                since: 5
            })
        );
        let notified = problem_notified(first, 5).applied_to(first);
        let reminded = problem_accepted(notified, 6).applied_to(notified).unwrap();
        assert_eq!((reminded.since, reminded.newest), (5, 6));
        assert!(reminded.is_notified);
    }

    #[test]
    fn an_end_that_arrived_closes_the_problem_unless_another_goes_on() {
        let known = known(true);
        assert_eq!(recovery_notified(known, &[], 12), IncidentChange::Forget);
        let waits = open(&[(PROBLEM, State::Pending)]);
        let another = recovery_notified(known, &waits, 12).applied_to(known);
        let another = another.unwrap();
        assert_eq!((another.is_notified, another.since), (false, 12));
        // A message is not part of a problem.
        let message = open(&[(Kind::Message, State::Pending)]);
        let forgotten = recovery_notified(known, &message, 12);
        assert_eq!(forgotten, IncidentChange::Forget);
        // The end of a problem does not make it known.
        assert_eq!(recovery_notified(None, &waits, 12), IncidentChange::Keep);
    }

    #[test]
    fn what_is_known_goes_with_the_newest_message_unless_something_is_open() {
        let known = known(true).unwrap();
        assert!(is_forgotten_with(known, 11, false));
        assert!(!is_forgotten_with(known, 11, true));
        assert!(!is_forgotten_with(known, 10, false));
    }
}
