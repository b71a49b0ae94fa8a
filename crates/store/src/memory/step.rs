//! Groups of channels that are tried one after the other: what one of them has
//! proven, and when the next begins.

use super::{held::Held, shelf::Shelf};
use crate::{
    Proof,
    delivery::{DeliveryId, State},
    intake::Step,
    reasons::enough,
    settle::Superseded,
};

impl Shelf {
    /// A delivery that has been proven more of.
    pub(super) fn prove(
        &mut self,
        delivery: DeliveryId,
        proof: Proof,
        now_ms: i64,
    ) -> Vec<Superseded> {
        self.change(delivery, |held, _| held.proof = held.proof.max(Some(proof)));
        self.go_on(delivery, now_ms)
    }

    /// Ends the steps that are not needed any more of the group that a delivery
    /// belongs to, and answers which; or has the next begin, when none that has
    /// begun can reach what is wanted.
    pub(super) fn go_on(&mut self, delivery: DeliveryId, now_ms: i64) -> Vec<Superseded> {
        let steps = self.steps(delivery);
        let reached = steps
            .iter()
            .find(|(_, held, step)| held.proof >= Some(step.until));
        let waiting = |(_, held, _): &&(DeliveryId, &Held, &Step)| held.state == State::Pending;
        if let Some((_, held, step)) = reached {
            let why = enough(&step.group, step.number, &held.channel, held.proof);
            let over: Vec<DeliveryId> = steps.iter().filter(waiting).map(|(id, ..)| *id).collect();
            return self.end_waiting(over, &why, now_ms);
        }
        let untried = |(_, held, _): &&(DeliveryId, &Held, &Step)| held.attempts == 0;
        let Some((_, held, next)) = steps.iter().filter(waiting).find(untried) else {
            return Vec::new();
        };
        let (next, early) = (next.number, held.due_ms - now_ms);
        let is_open = steps
            .iter()
            // Of what was delivered, more may be proven.
            .filter(|(.., step)| step.number < next)
            .any(|(_, held, _)| !held.state.has_ended() || held.state == State::Delivered);
        if early > 0 && !is_open {
            let later = steps.iter().filter(waiting);
            let later = later.filter(|(.., step)| step.number >= next);
            let sooner: Vec<DeliveryId> = later.map(|(id, ..)| *id).collect();
            for id in sooner {
                self.change(id, |held, _| held.due_ms -= early);
            }
        }
        Vec::new()
    }

    /// All steps of the group that a delivery belongs to, in their order.
    fn steps(&self, delivery: DeliveryId) -> Vec<(DeliveryId, &Held, &Step)> {
        let held = self.delivery(delivery);
        let Some((held, step)) = held.and_then(|held| Some((held, held.step.as_ref()?))) else {
            return Vec::new();
        };
        let note = self.note(held.note);
        let deliveries = note.into_iter().flat_map(|note| &note.deliveries);
        let mut steps: Vec<_> = deliveries
            .filter_map(|id| {
                let held = self.delivery(*id)?;
                Some((*id, held, held.step.as_ref()?))
            })
            .filter(|(.., of)| of.group == step.group)
            .collect();
        steps.sort_by_key(|(.., step)| step.number);
        steps
    }
}
