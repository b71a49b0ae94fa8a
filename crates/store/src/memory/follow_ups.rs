//! Incidents, digests and groups: fetches the facts that their rules need, and applies what they
//! decide.

use std::collections::BTreeMap;

use super::{
    indexes::Indexes,
    stored::{OnChannel, StoredDelivery},
};
use crate::{
    DeliveryId, Kind, Proof, State, Step, Superseded,
    rules::{
        Change, FollowUp, IncidentChange, acknowledgement,
        incident::{self, Incident, OpenDelivery},
        review::Review,
        step::{self, StepDelivery},
    },
};

impl Indexes {
    /// Does what follows after a delivery changed, and returns the deliveries that this
    /// superseded.
    pub(super) fn follow(
        &mut self,
        follow_up: FollowUp,
        delivery: DeliveryId,
        now_ms: i64,
    ) -> Vec<Superseded> {
        let own = self.incident_of(delivery);
        match (follow_up, own) {
            (FollowUp::ProblemNotified, Some((key, notification))) => {
                self.change_incident(&key, |known| {
                    incident::problem_notified(known, notification)
                });
            }
            (FollowUp::DigestNotified, _) => {
                for (key, newest) in self.problems_in(delivery) {
                    self.change_incident(&key, |known| incident::problem_notified(known, newest));
                }
            }
            (FollowUp::RecoveryNotified, Some((key, notification))) => {
                let open = self.open_of(&key);
                self.change_incident(&key, |known| {
                    incident::recovery_notified(known, &open, notification)
                });
            }
            (FollowUp::ReviewIncident, Some((key, _))) => return self.review(&key, now_ms),
            (FollowUp::ReviewDigest, _) => {
                let mut superseded = Vec::new();
                for (key, _) in self.problems_in(delivery) {
                    let review = Review::after_digest(&self.open_of(&key), now_ms);
                    superseded.extend(self.decide(review, &key, now_ms));
                }
                return superseded;
            }
            (FollowUp::ReviewGroup, _) => return self.review_group(delivery, now_ms),
            (_, None) => {}
        }
        Vec::new()
    }

    /// Reviews an incident on a channel, and returns the deliveries that this superseded.
    pub(super) fn review(&mut self, key: &OnChannel, now_ms: i64) -> Vec<Superseded> {
        let review = Review::of(&self.open_of(key));
        self.decide(review, key, now_ms)
    }

    /// Applies what the review of an incident decides, and then what its acknowledgement does.
    fn decide(&mut self, review: Option<Review>, key: &OnChannel, now_ms: i64) -> Vec<Superseded> {
        let mut superseded = Vec::new();
        if let Some(review) = review {
            let known = self.incidents.known(key);
            let since = review.digests_since(known);
            let until_ms = since.and_then(|since| self.digest_lease(key, since));
            let decision = review.decide(known, until_ms);
            self.incidents.change(key, decision.incident);
            superseded = self.apply(decision.changes, now_ms);
        }
        if self.incidents.acknowledgement(&key.1).is_none() {
            return superseded;
        }
        let valid = self.acknowledgement_in_force(&key.1, now_ms);
        let (known, open) = (self.incidents.known(key), self.open_of(key));
        let changes = acknowledgement::review(valid.as_ref(), known, &open);
        superseded.extend(self.apply(changes, now_ms));
        superseded
    }

    fn review_group(&mut self, delivery: DeliveryId, now_ms: i64) -> Vec<Superseded> {
        let stored = self.delivery(delivery);
        let Some(group) = stored.and_then(|stored| Some(&stored.step.as_ref()?.group)) else {
            return Vec::new();
        };
        let changes = step::review(group, &self.steps_beside(delivery), now_ms);
        self.apply(changes, now_ms)
    }

    /// Records that a delivery has given this proof.
    pub(super) fn prove(
        &mut self,
        delivery: DeliveryId,
        proof: Proof,
        now_ms: i64,
    ) -> Vec<Superseded> {
        self.change(delivery, |stored, _| {
            stored.proof = Proof::strongest(stored.proof, Some(proof));
        });
        self.review_group(delivery, now_ms)
    }

    /// Records that a notification of a problem was accepted.
    pub(super) fn problem_accepted(&mut self, key: &OnChannel, notification: i64) {
        self.change_incident(key, |known| incident::problem_accepted(known, notification));
    }

    fn change_incident(
        &mut self,
        key: &OnChannel,
        rule: impl FnOnce(Option<Incident>) -> IncidentChange,
    ) {
        let change = rule(self.incidents.known(key));
        self.incidents.change(key, change);
    }

    /// Applies changes of deliveries, and returns those that were superseded.
    fn apply(&mut self, changes: Vec<Change>, now_ms: i64) -> Vec<Superseded> {
        let mut all = Vec::new();
        for change in changes {
            match change {
                Change::Supersede(superseded) => {
                    self.change(superseded.delivery, |stored, _| {
                        stored.state = State::Superseded;
                        stored.why = superseded.why.to_string();
                        stored.ended_ms = Some(now_ms);
                    });
                    all.push(superseded);
                }
                Change::Reschedule { delivery, due_ms } => {
                    self.change(delivery, |stored, _| stored.due_ms = due_ms);
                }
            }
        }
        all
    }

    /// Returns the incident of a delivery on its channel, and its notification's number.
    pub(super) fn incident_of(&self, delivery: DeliveryId) -> Option<(OnChannel, i64)> {
        let stored = self.delivery(delivery)?;
        let notification = self.notification(stored.notification)?;
        let key = notification.incident_on(&stored.channel)?;
        Some((key, stored.notification))
    }

    /// Returns the deliveries of an incident that have not ended, the oldest first.
    pub(super) fn open_of(&self, key: &OnChannel) -> Vec<OpenDelivery> {
        let open = self.incidents.open(key);
        open.filter_map(|delivery| {
            let stored = self.delivery(delivery)?;
            Some(OpenDelivery {
                delivery,
                notification: stored.notification,
                kind: self.notification(stored.notification)?.kind,
                state: stored.state,
                attempts: stored.attempts,
                due_ms: stored.due_ms,
                is_step: stored.step.is_some(),
            })
        })
        .collect()
    }

    /// Returns the problems that a digest reports: their incidents, with the newest notification
    /// of each.
    fn problems_in(&self, digest: DeliveryId) -> BTreeMap<OnChannel, i64> {
        let mut problems = BTreeMap::new();
        for delivery in self.suppressed_for(digest) {
            let Some(stored) = self.delivery(delivery) else {
                continue;
            };
            let notification = self.notification(stored.notification);
            let problem = notification.filter(|one| one.kind == Kind::Problem);
            if let Some(key) = problem.and_then(|one| one.incident_on(&stored.channel)) {
                let newest = problems.entry(key).or_insert(stored.notification);
                *newest = stored.notification.max(*newest);
            }
        }
        problems
    }

    /// Returns the latest lease of digests in flight that report an incident's problem, by this
    /// notification or a later one.
    fn digest_lease(&self, key: &OnChannel, since: i64) -> Option<i64> {
        let digest_of = |digest| {
            let newest = self.problems_in(digest).get(key).copied();
            newest.is_some_and(|newest| newest >= since)
        };
        let in_flight = self.in_flight(&key.0);
        let digest = in_flight.filter(|(_, delivery)| digest_of(*delivery));
        digest.map(|(until_ms, _)| until_ms).max()
    }

    /// Returns all steps of the group to which a delivery belongs, in order.
    fn steps_beside(&self, delivery: DeliveryId) -> Vec<StepDelivery> {
        let step = |delivery| -> Option<(&StoredDelivery, &Step)> {
            let stored = self.delivery(delivery)?;
            Some((stored, stored.step.as_ref()?))
        };
        let Some((stored, own)) = step(delivery) else {
            return Vec::new();
        };
        let notification = self.notification(stored.notification);
        let beside = notification.into_iter().flat_map(|one| &one.deliveries);
        let of_group = beside.filter_map(|id| {
            let (stored, of) = step(*id).filter(|(_, of)| of.group == own.group)?;
            Some(StepDelivery {
                delivery: *id,
                number: of.number,
                until: of.until,
                channel: stored.channel.clone(),
                state: stored.state,
                proof: stored.proof,
                attempts: stored.attempts,
                due_ms: stored.due_ms,
            })
        });
        of_group.collect()
    }
}
