//! Acceptance, claims, settlement and deletion: passes facts to the rules, and applies what they
//! decide.

use std::sync::Arc;

use super::{
    store::Memory,
    stored::{StoredDelivery, StoredNotification},
};
use crate::{
    Accepted, AcceptedDelivery, Claim, ClaimRequest, DeliveryId, Digest, Intake, Intent, Kind,
    Proof, Prune, Settled, Settlement, State, StoreError,
    rules::{
        FollowUp,
        accept::{self, Earlier, Facts},
        acknowledgement::OnAcceptance,
        claim,
        digest::{self, PendingDigest},
        idempotency,
        prune::{self, Candidate, Verdict},
        settle,
    },
};

impl Memory {
    /// Returns the answer of the first time; `None` if the idempotency key is not known.
    pub(super) fn known(&self, intake: &Intake) -> Result<Option<Accepted>, StoreError> {
        let known = intake.key.as_ref().and_then(|key| self.keys.get(key));
        let Some(first) = known.and_then(|number| self.indexes.notification(*number)) else {
            return Ok(None);
        };
        idempotency::check(&first.first(), intake)?;
        let deliveries = first.deliveries.iter();
        Ok(Some(Accepted {
            notification: first.name.clone(),
            repeated: true,
            deliveries: deliveries
                .filter_map(|id| self.indexes.accepted_delivery(*id))
                .collect(),
            superseded: Vec::new(),
        }))
    }

    pub(super) fn accept(&mut self, intake: &Intake) -> Result<Accepted, StoreError> {
        if let Some(before) = self.known(intake)? {
            return Ok(before);
        }
        let number = self.add_notification(intake);
        let on_acceptance = self.on_acceptance(intake);
        let acknowledged = match &on_acceptance {
            OnAcceptance::Suppresses(rule) => Some(rule.as_str()),
            OnAcceptance::Nothing | OnAcceptance::Ends => None,
        };
        let mut groups: Vec<(&Arc<str>, DeliveryId)> = Vec::new();
        let mut deliveries = Vec::with_capacity(intake.intents.len());
        let mut superseded = Vec::new();
        for intent in &intake.intents {
            let placed = self.add_delivery(number, intake, intent, acknowledged);
            let (id, now_ms) = (placed.delivery, intake.accepted_ms);
            superseded.extend(self.indexes.follow(FollowUp::ReviewIncident, id, now_ms));
            if let Some(step) = &intent.step
                && !groups.iter().any(|(group, _)| **group == step.group)
            {
                groups.push((&step.group, id));
            }
            deliveries.push(placed);
        }
        for (_, step) in groups {
            let now_ms = intake.accepted_ms;
            self.indexes.follow(FollowUp::ReviewGroup, step, now_ms);
        }
        let accepted = accept::answer(intake, deliveries, superseded);
        self.forget();
        Ok(accepted)
    }

    fn add_notification(&mut self, intake: &Intake) -> i64 {
        let stored = StoredNotification::of(intake);
        let number = self.indexes.add_notification(stored);
        if let Some(key) = &intake.key {
            self.keys.insert(key.clone(), number);
        }
        self.accounts.accepted += intake.intents.len() as u64;
        number
    }

    fn add_delivery(
        &mut self,
        number: i64,
        intake: &Intake,
        intent: &Intent,
        acknowledged: Option<&str>,
    ) -> AcceptedDelivery {
        let (channel, incident) = (&intent.channel, &*intake.incident);
        if accept::closes_windows(intake) {
            self.windows.close(channel, incident);
        }
        let facts = Facts {
            acknowledged,
            is_lane_busy: accept::is_lane_needed(intake, intent)
                && self.indexes.is_busy(channel, &intake.lane),
            earlier: self.earlier(intake, intent),
        };
        let begins = accept::begin(intake, intent, &facts);
        let digest = begins
            .digest
            .map(|digest| self.digest_for(channel, digest, intake.accepted_ms));
        let id = self.indexes.add(StoredDelivery {
            state: begins.state,
            why: begins.why.to_owned(),
            ended_ms: begins.ended_ms,
            lease_until_ms: begins.lease_until_ms.unwrap_or_default(),
            fence: begins.fence,
            step: intent.step.clone(),
            digest,
            ..StoredDelivery::pending(
                number,
                Arc::clone(channel),
                begins.due_ms,
                intent.expires_ms,
            )
        });
        if let Some(window) = begins.opens {
            self.windows.open(channel, incident, window, id);
        }
        let notification = self.indexes.notification(number);
        let problem = notification.filter(|one| one.kind == Kind::Problem);
        if let Some(key) = problem.and_then(|one| one.incident_on(channel)) {
            self.indexes.problem_accepted(&key, number);
        }
        AcceptedDelivery {
            delivery: id,
            channel: Arc::clone(channel),
            state: begins.state,
            why: begins.why.to_owned(),
            fence: begins.fence,
            step: intent.step.clone(),
            proof: None,
        }
    }

    fn earlier(&self, intake: &Intake, intent: &Intent) -> Option<Earlier> {
        let window = accept::window_to_look_up(intake, intent)?;
        let opened = self
            .windows
            .opened(&intent.channel, &intake.incident, window);
        let (delivery, until_ms) = opened?;
        let state = self.indexes.delivery(delivery)?.state;
        Some(Earlier { state, until_ms })
    }

    /// Returns the digest that a delivery joins that is suppressed now.
    fn digest_for(&mut self, channel: &Arc<str>, digest: &Digest, now_ms: i64) -> DeliveryId {
        let key = (Arc::clone(channel), Arc::from(&*digest.batch_key));
        let pending = self.indexes.digests(&key).filter_map(|delivery| {
            let stored = self.indexes.delivery(delivery)?;
            Some(PendingDigest {
                delivery,
                attempts: stored.attempts,
                due_ms: stored.due_ms,
            })
        });
        if let Some(gathering) = digest::gathering(pending, now_ms) {
            return gathering;
        }
        let number = self.add_notification(&digest::intake(digest, channel, now_ms));
        self.indexes.add(StoredDelivery {
            batch_key: Some(key.1),
            ..StoredDelivery::pending(number, key.0, digest.due_ms, digest.expires_ms)
        })
    }

    pub(super) fn claim(&mut self, request: &ClaimRequest) -> Vec<Claim> {
        let (channel, now_ms) = (&*request.channel, request.now_ms);
        let is_wanted = |id: &DeliveryId| {
            let stored = self.indexes.delivery(*id);
            let is_expired =
                stored.is_some_and(|stored| claim::is_expired(stored.expires_ms, now_ms));
            !request.in_flight.contains(id) && (is_expired || !request.only_expired)
        };
        let mut abandoned = self.indexes.abandoned(channel, now_ms);
        abandoned.retain(is_wanted);
        let mut abandoned = abandoned.into_iter();
        let mut claims = Vec::new();
        while claims.len() < request.limit as usize {
            let due = || self.indexes.due(channel, now_ms, request.only_expired);
            let Some(id) = abandoned.next().or_else(due) else {
                break;
            };
            claims.extend(self.take(id, request));
        }
        claims
    }

    fn take(&mut self, id: DeliveryId, request: &ClaimRequest) -> Option<Claim> {
        let (claim, subject) = self.indexes.change(id, |stored, notification| {
            let taken = claim::take(stored.state, stored.fence, stored.reclaims);
            stored.state = State::InFlight;
            stored.lease_until_ms = request.lease_until_ms;
            (stored.fence, stored.reclaims) = (taken.fence, taken.reclaims);
            let claim = Claim {
                delivery: id,
                fence: taken.fence,
                attempts: stored.attempts - stored.uncounted,
                abandoned: taken.is_abandoned,
                reclaims: taken.reclaims,
                targets: stored.targets.clone(),
                accepted_ms: notification.accepted_ms,
                expires_ms: stored.expires_ms,
                step: stored.step.as_ref().map_or(0, |step| step.number),
                content: Arc::clone(&notification.content),
            };
            (claim, stored.subject(notification))
        })?;
        if claim.abandoned {
            self.accounts.reclaims += 1;
            if let Some(follow_up) = subject.may_have_arrived() {
                self.indexes.follow(follow_up, id, request.now_ms);
            }
        }
        Some(claim)
    }

    pub(super) fn settle(&mut self, settlement: &Settlement) -> Settled {
        let (id, now_ms) = (settlement.delivery, settlement.now_ms);
        let stored = self.indexes.delivery(id);
        let held = stored.filter(|held| settle::holds(held.state, held.fence, settlement));
        let Some(channel) = held.map(|held| Arc::clone(&held.channel)) else {
            self.accounts.stale += 1;
            return Settled::Stale;
        };
        let outcome = settle::outcome(settlement);
        let digest = outcome.digest;
        let digest = digest.map(|digest| self.digest_for(&channel, digest, now_ms));
        let subject = self.indexes.change(id, |stored, notification| {
            stored.state = outcome.state;
            stored.why = outcome.why.to_owned();
            stored.due_ms = outcome.due_ms.unwrap_or(stored.due_ms);
            stored.ended_ms = outcome.ended_ms;
            stored.targets = outcome.targets.to_vec();
            stored.digest = digest;
            stored.attempts += outcome.attempts;
            stored.uncounted += outcome.uncounted;
            stored.tried.extend(settlement.attempt.clone());
            stored.proof = Proof::strongest(stored.proof, outcome.proof);
            stored.subject(notification)
        });
        let mut superseded = Vec::new();
        let follow_ups =
            subject.map(|subject| settle::follow_ups(subject, outcome.state, settlement));
        for follow_up in follow_ups.into_iter().flatten() {
            superseded.extend(self.indexes.follow(follow_up, id, now_ms));
        }
        self.forget();
        Settled::Recorded { superseded }
    }

    pub(super) fn retry(&mut self, deliveries: &[DeliveryId], now_ms: i64) -> u64 {
        let mut count = 0;
        for id in deliveries {
            let stored = self.indexes.delivery(*id);
            let retried =
                stored.and_then(|stored| settle::retried(stored.state, stored.attempts, now_ms));
            let Some(retried) = retried else {
                continue;
            };
            self.indexes.change(*id, |stored, _| {
                stored.state = retried.state;
                stored.why = retried.why.to_owned();
                stored.due_ms = retried.due_ms;
                stored.ended_ms = retried.ended_ms;
                stored.expires_ms = retried.expires_ms;
                stored.uncounted = retried.uncounted;
            });
            count += 1;
        }
        count
    }

    pub(super) fn prune(&mut self, prune: &Prune) -> u64 {
        self.windows.prune(prune.now_ms);
        let newest = self.indexes.newest();
        let mut deleted = Vec::new();
        // None of these is open; the open ones stay in any case.
        for (notification, stored) in self.indexes.ended() {
            let candidate = Candidate {
                notification,
                accepted_ms: stored.accepted_ms,
                is_open: false,
            };
            match prune::judge(candidate, newest, deleted.len() as u64, prune) {
                Verdict::Delete => deleted.push(notification),
                Verdict::Keep => {}
                Verdict::Stop => break,
            }
        }
        for notification in &deleted {
            self.delete(*notification);
        }
        deleted.len() as u64
    }

    /// Deletes the oldest ended notifications beyond the number that is remembered.
    fn forget(&mut self) {
        while let Some(number) = self.indexes.ended_beyond(self.max_remembered) {
            self.delete(number);
        }
    }

    fn delete(&mut self, number: i64) {
        let Some((notification, states)) = self.indexes.remove(number) else {
            return;
        };
        if let Some(key) = notification.key {
            self.keys.remove(&key);
        }
        for state in states {
            *self.accounts.pruned.entry(state).or_default() += 1;
        }
    }
}
