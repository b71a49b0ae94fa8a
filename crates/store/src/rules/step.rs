//! Escalation groups: channels that are tried one after the other until one of them has proven
//! enough.
//!
//! Each channel of a group is a step with its own time to begin. Two things change that time. A
//! step that has given the proof that the group wants ends the pending ones, since the person
//! knows. And when no step that has begun can give it any more, the next one begins at once
//! instead of at its time, and those behind it are brought forward by as much.

use std::sync::Arc;

use super::change::Change;
use crate::{DeliveryId, Proof, State};

/// Facts: one step of a group of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepDelivery {
    /// The step's delivery.
    pub delivery: DeliveryId,
    /// The number of the step, from 1.
    pub number: u32,
    /// The proof that suffices.
    pub until: Proof,
    /// The channel's name.
    pub channel: Arc<str>,
    /// The delivery's state.
    pub state: State,
    /// The highest proof so far.
    pub proof: Option<Proof>,
    /// The number of attempts.
    pub attempts: u32,
    /// When it may first be claimed, if it is pending, in milliseconds since the Unix epoch.
    pub due_ms: i64,
}

impl StepDelivery {
    fn is_pending(&self) -> bool {
        self.state == State::Pending
    }

    /// Returns whether the step may still give more proof; one that was delivered may, since a
    /// receipt can follow.
    fn may_prove_more(&self) -> bool {
        !self.state.has_ended() || self.state == State::Delivered
    }
}

/// Decides whether the steps that are not needed any more end, or the next one begins. `steps`
/// lists all steps of one group of a notification, in their order. A store calls it whenever one
/// of them was accepted, settled or proven.
#[must_use]
pub fn review(group: &str, steps: &[StepDelivery], now_ms: i64) -> Vec<Change> {
    let pending = steps.iter().filter(|step| step.is_pending());
    if let Some(reached) = steps.iter().find(|step| step.proof >= Some(step.until)) {
        return Change::supersede(pending.map(|step| step.delivery), &enough(group, reached));
    }
    let Some(next) = pending.clone().find(|step| step.attempts == 0) else {
        return Vec::new();
    };
    let early_ms = next.due_ms - now_ms;
    let before = |step: &&StepDelivery| step.number < next.number;
    let is_hopeless = !steps
        .iter()
        .filter(before)
        .any(StepDelivery::may_prove_more);
    if early_ms <= 0 || !is_hopeless {
        return Vec::new();
    }
    let later = pending.filter(|step| step.number >= next.number);
    later
        .map(|step| Change::Reschedule {
            delivery: step.delivery,
            due_ms: step.due_ms - early_ms,
        })
        .collect()
}

/// Returns the reason for which the other steps of a group are not needed.
fn enough(group: &str, reached: &StepDelivery) -> String {
    let (number, channel) = (reached.number, &reached.channel);
    let proof = reached.proof.unwrap_or(reached.until).name();
    format!("group {group}: step {number} ({channel}) was {proof}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Superseded;

    const NOW: i64 = 1_000;

    /// Steps 1, 2 … that are due at `NOW`, 100 ms later, and so on.
    fn steps(states: &[State]) -> Vec<StepDelivery> {
        let numbered = states.iter().zip(1_u32..);
        numbered
            .map(|(state, number)| StepDelivery {
                delivery: DeliveryId(number.into()),
                number,
                until: Proof::Delivered,
                channel: format!("c{number}").into(),
                state: *state,
                proof: None,
                attempts: u32::from(*state != State::Pending),
                due_ms: NOW + 100 * (i64::from(number) - 1),
            })
            .collect()
    }

    fn due(delivery: i64, due_ms: i64) -> Change {
        Change::Reschedule {
            delivery: DeliveryId(delivery),
            due_ms,
        }
    }

    #[test]
    fn a_step_that_is_enough_ends_those_that_wait() {
        let mut group = steps(&[State::Delivered, State::InFlight, State::Pending]);
        group[0].proof = Some(Proof::Acknowledged);
        let ended = Change::Supersede(Superseded {
            delivery: DeliveryId(3),
            why: "group g: step 1 (c1) was acknowledged".into(),
        });
        assert_eq!(review("g", &group, NOW), [ended]);
    }

    #[test]
    fn less_proof_than_is_wanted_ends_nothing() {
        let mut group = steps(&[State::Delivered, State::Pending]);
        group[0].proof = Some(Proof::Accepted);
        assert_eq!(review("g", &group, NOW), []);
    }

    #[test]
    fn the_next_step_begins_at_once_where_none_before_it_can_be_enough() {
        let group = steps(&[State::Failed, State::Pending, State::Pending]);
        assert_eq!(review("g", &group, NOW), [due(2, NOW), due(3, NOW + 100)]);
    }

    #[test]
    fn the_next_step_has_its_time_while_one_before_it_may_be_enough() {
        for state in [State::Pending, State::InFlight, State::Delivered] {
            let mut group = steps(&[state, State::Pending]);
            group[0].attempts = 1;
            assert_eq!(review("g", &group, NOW), [], "{state}");
        }
    }

    #[test]
    fn a_step_that_was_tried_is_not_the_next_and_keeps_its_backoff() {
        let mut group = steps(&[State::Failed, State::Pending]);
        group[1].attempts = 1;
        assert_eq!(review("g", &group, NOW), []);
    }

    #[test]
    fn a_step_whose_time_has_come_is_left_alone() {
        let group = steps(&[State::Failed, State::Pending]);
        assert_eq!(review("g", &group, NOW + 100), []);
    }
}
