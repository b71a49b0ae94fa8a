//! Settlement: what is recorded of a claim, and what follows from it.
//!
//! Only its holder can settle a claim: a holder that was considered dead shows an old fence, and
//! its settlement is refused and counted, since the delivery is in other hands. What was settled
//! may have been the first message that people received of a problem, the problem's end, or the
//! step of a group that sufficed, so that the delivery's incident, the problems in a digest, or
//! its group may have to change with it: the [`FollowUp`]s say which rules to call next, in this
//! order.

use crate::{Digest, Kind, Next, Proof, Settlement, State};

/// The states from which a person may retry a delivery: nothing else will happen to it, and
/// people were not reached or may not have been.
const RETRIABLE: [State; 2] = [State::Failed, State::Unknown];

/// What is recorded of a delivery that a person retries: all of these fields, and no others. Times
/// are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retried {
    /// The new state.
    pub state: State,
    /// The reason for its state: none.
    pub why: &'static str,
    /// When it is due: at once.
    pub due_ms: i64,
    /// When it ended: it has not.
    pub ended_ms: Option<i64>,
    /// When it expires: never, since a person wants it sent.
    pub expires_ms: Option<i64>,
    /// The attempts that do not count against the limit: all so far, so that the whole limit is
    /// left.
    pub uncounted: u32,
}

/// Decides what is recorded when a person retries a delivery in this state, after this number of
/// attempts; `None` if it cannot be retried. It keeps its proof, and the targets that remain.
#[must_use]
pub fn retried(state: State, attempts: u32, now_ms: i64) -> Option<Retried> {
    RETRIABLE.contains(&state).then_some(Retried {
        state: State::Pending,
        why: "",
        due_ms: now_ms,
        ended_ms: None,
        expires_ms: None,
        uncounted: attempts,
    })
}

/// Returns whether a claim still holds: the delivery is in flight with the claim's fence.
#[must_use]
pub fn holds(state: State, fence: i64, settlement: &Settlement) -> bool {
    state == State::InFlight && fence == settlement.fence
}

/// What is recorded of a delivery. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// The new state: pending if it is tried again, else one that has ended.
    pub state: State,
    /// The reason for which it ended, if a rule or a person decided it; else empty.
    pub why: &'a str,
    /// When it is due, if it is tried again.
    pub due_ms: Option<i64>,
    /// When it ended, if it has.
    pub ended_ms: Option<i64>,
    /// The targets that remain; empty for all.
    pub targets: &'a [String],
    /// The digest that is to report it: a pending one, or else a new one
    /// ([`digest::gathering`](super::digest::gathering)).
    pub digest: Option<&'a Digest>,
    /// The attempts to add: 0 or 1.
    pub attempts: u32,
    /// How many of them do not count against the limit of attempts.
    pub uncounted: u32,
    /// The proof that the attempt gave. The store records it by
    /// [`Proof::strongest`].
    pub proof: Option<Proof>,
}

/// Decides what is recorded when a claim that holds is settled.
#[must_use]
pub fn outcome(settlement: &Settlement) -> Outcome<'_> {
    let attempts = u32::from(settlement.attempt.is_some());
    let ended = Outcome {
        state: State::Suppressed,
        why: "",
        due_ms: None,
        ended_ms: Some(settlement.now_ms),
        targets: &[],
        digest: None,
        attempts,
        uncounted: attempts * u32::from(settlement.is_uncounted),
        proof: settlement.proof,
    };
    match &settlement.next {
        Next::End {
            state,
            why,
            targets,
        } => Outcome {
            state: *state,
            why,
            targets,
            ..ended
        },
        Next::Suppressed { rule, digest } => Outcome {
            why: rule,
            digest: digest.as_ref(),
            ..ended
        },
        Next::Retry { at_ms, targets } => Outcome {
            state: State::Pending,
            due_ms: Some(*at_ms),
            ended_ms: None,
            targets,
            ..ended
        },
    }
}

/// Returns the follow-ups of a settlement into this state. A store does them in this order, each
/// on what it holds after the one before.
pub fn follow_ups(
    subject: Subject,
    state: State,
    settlement: &Settlement,
) -> impl Iterator<Item = FollowUp> {
    let may_have_arrived = settlement.may_have_arrived || state.may_have_arrived();
    let notified = match subject.kind {
        Kind::Recovery if subject.has_incident => state
            .may_have_arrived()
            .then_some(FollowUp::RecoveryNotified),
        _ if may_have_arrived => subject.may_have_arrived(),
        _ => None,
    };
    [
        notified,
        subject.is_digest.then_some(FollowUp::ReviewDigest),
        subject.has_incident.then_some(FollowUp::ReviewIncident),
        subject.is_step.then_some(FollowUp::ReviewGroup),
    ]
    .into_iter()
    .flatten()
}

/// Facts: the properties of a delivery that matter to what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// The notification's place in its incident.
    pub kind: Kind,
    /// Whether it belongs to an incident.
    pub has_incident: bool,
    /// Whether it is a digest.
    pub is_digest: bool,
    /// Whether it is a step of a group.
    pub is_step: bool,
}

/// The rule that a store calls next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUp {
    /// [`incident::problem_notified`](super::incident::problem_notified), for the delivery's own
    /// notification.
    ProblemNotified,
    /// The same, for each problem that the delivery, a digest, reports: with the newest
    /// notification of the problem in the digest.
    DigestNotified,
    /// [`incident::recovery_notified`](super::incident::recovery_notified).
    RecoveryNotified,
    /// [`Review`](super::review::Review) of the delivery's incident.
    ReviewIncident,
    /// For each problem that the delivery, a digest, reports: a [`Review`](super::review::Review)
    /// [after a digest](super::review::Review::after_digest).
    ReviewDigest,
    /// [`step::review`](super::step::review) of the delivery's group.
    ReviewGroup,
}

impl Subject {
    /// Returns the follow-ups of a delivery that may have arrived, by an attempt or through a
    /// holder that died: people may know of the problems that it reports. For the end of a
    /// problem there are none, since it may be sent once more.
    #[must_use]
    pub fn may_have_arrived(&self) -> Option<FollowUp> {
        match self.kind {
            _ if self.is_digest => Some(FollowUp::DigestNotified),
            Kind::Problem if self.has_incident => Some(FollowUp::ProblemNotified),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attempt, DeliveryId};

    const NOW: i64 = 1_000;

    fn settlement(next: Next) -> Settlement {
        Settlement {
            delivery: DeliveryId(1),
            fence: 3,
            now_ms: NOW,
            attempt: None,
            is_uncounted: false,
            proof: None,
            may_have_arrived: false,
            next,
        }
    }

    fn ends(state: State) -> Settlement {
        settlement(Next::End {
            state,
            why: "why".to_owned(),
            targets: vec!["t".to_owned()],
        })
    }

    fn again() -> Settlement {
        settlement(Next::Retry {
            at_ms: NOW + 9,
            targets: vec!["t".to_owned()],
        })
    }

    const PROBLEM: Subject = Subject {
        kind: Kind::Problem,
        has_incident: true,
        is_digest: false,
        is_step: false,
    };

    fn after(subject: Subject, settlement: &Settlement) -> Vec<FollowUp> {
        follow_ups(subject, outcome(settlement).state, settlement).collect()
    }

    #[test]
    fn a_claim_holds_only_for_its_own_fence_and_in_flight() {
        let settlement = again();
        assert!(holds(State::InFlight, 3, &settlement));
        assert!(!holds(State::InFlight, 4, &settlement));
        assert!(!holds(State::Pending, 3, &settlement));
    }

    #[test]
    fn what_is_tried_again_is_due_later_and_keeps_the_targets_that_are_left() {
        let settlement = again();
        let outcome = outcome(&settlement);
        assert_eq!((outcome.state, outcome.ended_ms), (State::Pending, None));
        assert_eq!((outcome.due_ms, outcome.why), (Some(NOW + 9), ""));
        assert_eq!(outcome.targets, ["t"]);
    }

    #[test]
    fn what_ends_has_ended_now_and_says_why() {
        let settlement = ends(State::Failed);
        let outcome = outcome(&settlement);
        assert_eq!(
            (outcome.state, outcome.ended_ms, outcome.why),
            (State::Failed, Some(NOW), "why")
        );
        assert_eq!((outcome.due_ms, outcome.digest), (None, None));
    }

    #[test]
    fn what_a_rule_suppresses_ends_so_and_goes_into_its_digest() {
        let digest = Digest {
            batch_key: "g".to_owned(),
            notification: "d".to_owned(),
            content: "{}".into(),
            due_ms: NOW + 100,
            expires_ms: None,
        };
        let settlement = settlement(Next::Suppressed {
            rule: "rate".to_owned(),
            digest: Some(digest.clone()),
        });
        let outcome = outcome(&settlement);
        assert_eq!((outcome.state, outcome.why), (State::Suppressed, "rate"));
        assert_eq!(outcome.digest, Some(&digest));
    }

    #[test]
    fn an_attempt_counts_unless_it_was_made_to_see_whether_the_remote_is_back() {
        let counted = |attempt: bool, is_uncounted| {
            let attempt = attempt.then(|| Attempt {
                began_ms: NOW,
                ended_ms: NOW,
                outcome: String::new(),
            });
            let settlement = Settlement {
                attempt,
                is_uncounted,
                ..again()
            };
            let outcome = outcome(&settlement);
            (outcome.attempts, outcome.uncounted)
        };
        assert_eq!(counted(true, false), (1, 0));
        assert_eq!(counted(true, true), (1, 1));
        assert_eq!(counted(false, true), (0, 0));
    }

    #[test]
    fn a_problem_that_may_have_arrived_is_notified_before_its_incident_is_reviewed() {
        let both = [FollowUp::ProblemNotified, FollowUp::ReviewIncident];
        for state in [State::Delivered, State::Unknown] {
            assert_eq!(after(PROBLEM, &ends(state)), both, "{state}");
        }
        assert_eq!(
            after(PROBLEM, &ends(State::Failed)),
            [FollowUp::ReviewIncident]
        );
        let perhaps = Settlement {
            may_have_arrived: true,
            ..again()
        };
        assert_eq!(after(PROBLEM, &perhaps), both);
    }

    #[test]
    fn an_end_counts_as_notified_only_when_it_is_not_tried_again() {
        let recovery = Subject {
            kind: Kind::Recovery,
            ..PROBLEM
        };
        let perhaps = Settlement {
            may_have_arrived: true,
            ..again()
        };
        assert_eq!(after(recovery, &perhaps), [FollowUp::ReviewIncident]);
        assert_eq!(
            after(recovery, &ends(State::Delivered)),
            [FollowUp::RecoveryNotified, FollowUp::ReviewIncident]
        );
    }

    #[test]
    fn a_digest_that_was_settled_is_followed_whatever_came_of_it() {
        let digest = Subject {
            kind: Kind::Message,
            has_incident: false,
            is_digest: true,
            is_step: false,
        };
        assert_eq!(
            after(digest, &ends(State::Failed)),
            [FollowUp::ReviewDigest]
        );
        assert_eq!(
            after(digest, &ends(State::Delivered)),
            [FollowUp::DigestNotified, FollowUp::ReviewDigest]
        );
    }

    #[test]
    fn a_step_that_was_settled_has_its_group_reviewed_last() {
        let step = Subject {
            is_step: true,
            ..PROBLEM
        };
        assert_eq!(
            after(step, &ends(State::Failed)),
            [FollowUp::ReviewIncident, FollowUp::ReviewGroup]
        );
    }

    #[test]
    fn what_failed_or_is_unknown_can_be_had_tried_again_and_nothing_else() {
        let can_be = |state: &State| retried(*state, 3, NOW).is_some();
        let states: Vec<State> = State::ALL.into_iter().filter(can_be).collect();
        assert_eq!(states, [State::Failed, State::Unknown]);
    }

    #[test]
    fn what_a_person_retries_is_due_at_once_with_all_of_its_attempts_left() {
        let retried = retried(State::Failed, 3, NOW).unwrap();
        assert_eq!((retried.state, retried.due_ms), (State::Pending, NOW));
        assert_eq!((retried.ended_ms, retried.expires_ms), (None, None));
        assert_eq!((retried.uncounted, retried.why), (3, ""));
    }

    #[test]
    fn what_may_have_arrived_notifies_of_its_problem_and_a_digest_of_all_of_its() {
        let subject = |kind, has_incident, is_digest| Subject {
            kind,
            has_incident,
            is_digest,
            is_step: false,
        };
        for (subject, expected) in [
            (
                subject(Kind::Problem, true, false),
                Some(FollowUp::ProblemNotified),
            ),
            (
                subject(Kind::Message, false, true),
                Some(FollowUp::DigestNotified),
            ),
            (subject(Kind::Problem, false, false), None),
            (subject(Kind::Recovery, true, false), None),
            (subject(Kind::Message, true, false), None),
        ] {
            assert_eq!(subject.may_have_arrived(), expected, "{subject:?}");
        }
    }
}
