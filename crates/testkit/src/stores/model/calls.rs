//! The model's acceptance, claims, settlement and deletion.

use std::{cmp::Reverse, sync::Arc};

use annunciator_store::{
    Accepted, Begin, Claim, ClaimRequest, DeliveryId, Intake, Kind, Next, Proof, Prune, Settled,
    Settlement, State, StoreError, Superseded,
};

use super::lists::{Entry, Model, Sent};

impl Model {
    pub(super) fn accept(&mut self, mut intake: Intake) -> Result<Accepted, StoreError> {
        if let Some(before) = self.first(&intake)? {
            return Ok(before);
        }
        let now_ms = intake.accepted_ms;
        let intents = std::mem::take(&mut intake.intents);
        let added = self.add(intake);
        let (number, intake) = (added.0, Arc::clone(&added.1));
        let incident = &*intake.incident;
        let is_end = intake.kind == Kind::Recovery && !incident.is_empty();
        let taken = self.taken_meanwhile(&intake);
        let mut superseded = vec![];
        let mut own = vec![];
        for intent in intents {
            let channel = Arc::clone(&intent.channel);
            if is_end {
                let others = |it: &Sent| it.channel != channel || it.incident != incident;
                self.sent.retain(others);
            }
            let is_busy = self.entries.iter().any(|entry| {
                entry.channel == channel && entry.intake.lane == intake.lane && is_unended(entry)
            });
            let is_uncounted = !is_end && (intake.lane.is_empty() || !is_busy);
            let is_suppressed = matches!(intent.begin, Begin::Suppressed { .. });
            let once = intent.dedup.filter(|_| !is_suppressed);
            let same = once.as_ref().and_then(|once| {
                let mut sent = self.sent.iter();
                let it = sent.find(|it| {
                    it.channel == channel
                        && it.incident == incident
                        && it.fingerprint == once.fingerprint
                });
                let it = it.filter(|it| it.until_ms > now_ms)?;
                let may_be_read = [
                    State::Pending,
                    State::InFlight,
                    State::Delivered,
                    State::Unknown,
                ];
                let state = self.state(it.delivery)?;
                may_be_read.contains(&state).then(|| once.rule.clone())
            });
            let same = taken.clone().filter(|_| !is_suppressed).or(same);
            let digest = match &intent.begin {
                Begin::Suppressed { digest, .. } => digest.as_ref(),
                _ => None,
            };
            let digest = digest.map(|digest| self.gather(&channel, digest, now_ms));
            let entry = self.add_entry(&added, &channel, intent.expires_ms);
            entry.step = intent.step;
            entry.digest = digest;
            match (same, intent.begin) {
                (Some(rule), _) | (None, Begin::Suppressed { rule, .. }) => {
                    entry.end(State::Suppressed, &rule, now_ms);
                }
                (None, Begin::At(at_ms)) => entry.due_ms = at_ms,
                (None, Begin::Claimed { lease_until_ms }) if is_uncounted => {
                    entry.state = State::InFlight;
                    entry.lease_until_ms = lease_until_ms;
                    entry.fence = 1;
                }
                (None, Begin::Claimed { .. }) => {}
            }
            let (id, is_news) = (entry.id, !entry.state.has_ended());
            if let Some(once) = once.filter(|_| is_news) {
                self.sent.retain(|it| {
                    it.channel != channel
                        || it.incident != incident
                        || it.fingerprint != once.fingerprint
                });
                self.sent.push(Sent {
                    channel: Arc::clone(&channel),
                    incident: incident.to_owned(),
                    fingerprint: once.fingerprint,
                    delivery: id,
                    until_ms: once.until_ms,
                });
            }
            own.push(id);
            if intake.kind == Kind::Problem {
                self.problem_began(&channel, incident, number);
            }
            superseded.extend(self.end_pointless(&channel, incident, now_ms));
        }
        superseded.retain(|other| !own.contains(&other.delivery));
        for id in &own {
            self.go_on(*id, now_ms);
        }
        let entries = self.entries.iter().filter(|entry| own.contains(&entry.id));
        Ok(Accepted {
            notification: intake.notification.clone(),
            repeated: false,
            deliveries: entries.map(Entry::accepted_delivery).collect(),
            superseded,
        })
    }

    pub(super) fn claim(&mut self, wanted: &ClaimRequest) -> Vec<Claim> {
        let mut claims = vec![];
        let abandoned = self.claimable(&wanted.channel, wanted.now_ms, State::InFlight);
        for id in abandoned {
            if !wanted.in_flight.contains(&id) {
                self.take(id, wanted, &mut claims);
            }
        }
        loop {
            let before = claims.len();
            for id in self.claimable(&wanted.channel, wanted.now_ms, State::Pending) {
                self.take(id, wanted, &mut claims);
            }
            if claims.len() == before {
                return claims;
            }
        }
    }

    /// Returns the deliveries of a channel in this state that may be claimed, in their order.
    fn claimable(&self, channel: &str, now_ms: i64, state: State) -> Vec<DeliveryId> {
        let of_channel = self
            .entries
            .iter()
            .filter(|entry| *entry.channel == *channel);
        let mut found: Vec<&Entry> = of_channel
            .filter(|entry| entry.state == state)
            .filter(|entry| match state {
                State::InFlight => entry.lease_until_ms < now_ms,
                _ => entry.due_ms <= now_ms && self.is_first_of_lane(entry),
            })
            .collect();
        found.sort_by_key(|entry| (Reverse(entry.intake.severity), entry.id));
        found.into_iter().map(|entry| entry.id).collect()
    }

    fn is_first_of_lane(&self, entry: &Entry) -> bool {
        let earlier = self.entries.iter().filter(|other| other.id < entry.id);
        let mut in_lane = earlier.filter(|other| {
            other.channel == entry.channel && other.intake.lane == entry.intake.lane
        });
        entry.intake.lane.is_empty() || !in_lane.any(is_unended)
    }

    pub(super) fn ready(&self, now_ms: i64) -> Vec<String> {
        let mut channels: Vec<&str> = self.entries.iter().map(|entry| &*entry.channel).collect();
        channels.sort_unstable();
        channels.dedup();
        let is_ready = |channel: &&str| {
            let is_any = |state| !self.claimable(channel, now_ms, state).is_empty();
            is_any(State::Pending) || is_any(State::InFlight)
        };
        let ready = channels.into_iter().filter(is_ready);
        ready.map(str::to_owned).collect()
    }

    fn take(&mut self, id: DeliveryId, wanted: &ClaimRequest, claims: &mut Vec<Claim>) {
        let is_full = claims.len() >= wanted.limit as usize;
        let Some(entry) = self.entry(id).filter(|_| !is_full) else {
            return;
        };
        let is_late = entry.expires_ms.is_some_and(|at_ms| at_ms <= wanted.now_ms);
        if wanted.only_expired && !is_late {
            return;
        }
        let abandoned = entry.state == State::InFlight;
        entry.state = State::InFlight;
        entry.lease_until_ms = wanted.lease_until_ms;
        entry.fence += 1;
        if abandoned {
            entry.reclaims += 1;
        }
        claims.push(Claim {
            delivery: id,
            fence: entry.fence,
            attempts: entry.attempts - entry.uncounted,
            abandoned,
            reclaims: entry.reclaims,
            targets: entry.targets.clone(),
            accepted_ms: entry.intake.accepted_ms,
            expires_ms: entry.expires_ms,
            step: entry.step.as_ref().map_or(0, |step| step.number),
            content: Arc::clone(&entry.intake.content),
        });
        if abandoned {
            self.accounts.reclaims += 1;
            self.people_may_know(id);
        }
    }

    pub(super) fn settle(&mut self, settlement: Settlement) -> Settled {
        let (id, now_ms) = (settlement.delivery, settlement.now_ms);
        let held = self.entry(id);
        let held =
            held.filter(|entry| entry.state == State::InFlight && entry.fence == settlement.fence);
        let Some(channel) = held.map(|entry| Arc::clone(&entry.channel)) else {
            self.accounts.stale += 1;
            return Settled::Stale;
        };
        let digest = match &settlement.next {
            Next::Suppressed { digest, .. } => digest.as_ref(),
            _ => None,
        };
        let digest = digest.map(|digest| self.gather(&channel, digest, now_ms));
        let Some(entry) = self.entry(id) else {
            return Settled::Stale;
        };
        entry.proof = entry.proof.max(settlement.proof);
        if let Some(attempt) = settlement.attempt {
            entry.tried.push(attempt);
            entry.attempts += 1;
            entry.uncounted += u32::from(settlement.is_uncounted);
        }
        entry.targets = vec![];
        match settlement.next {
            Next::End {
                state,
                why,
                targets,
            } => {
                entry.end(state, &why, now_ms);
                entry.targets = targets;
            }
            Next::Suppressed { rule, .. } => {
                entry.end(State::Suppressed, &rule, now_ms);
                entry.digest = digest;
            }
            Next::Retry { at_ms, targets } => {
                entry.state = State::Pending;
                entry.due_ms = at_ms;
                entry.targets = targets;
            }
        }
        let superseded = self.after(id, settlement.may_have_arrived, now_ms);
        Settled::Recorded { superseded }
    }

    pub(super) fn prove(
        &mut self,
        delivery: DeliveryId,
        proof: Proof,
        now_ms: i64,
    ) -> Vec<Superseded> {
        if let Some(entry) = self.entry(delivery) {
            entry.proof = entry.proof.max(Some(proof));
        }
        self.go_on(delivery, now_ms)
    }

    pub(super) fn retry(&mut self, deliveries: &[DeliveryId], now_ms: i64) -> u64 {
        let mut count = 0;
        for entry in &mut self.entries {
            let is_over = [State::Failed, State::Unknown].contains(&entry.state);
            if deliveries.contains(&entry.id) && is_over {
                entry.state = State::Pending;
                entry.due_ms = now_ms;
                entry.why = String::new();
                (entry.ended_ms, entry.expires_ms) = (None, None);
                entry.uncounted = entry.attempts;
                count += 1;
            }
        }
        count
    }

    pub(super) fn prune(&mut self, prune: &Prune) -> u64 {
        self.sent.retain(|it| it.until_ms >= prune.now_ms);
        let mut deleted = 0;
        let newest = self.last_number;
        for (number, intake) in self.notifications.clone() {
            let is_old = intake.accepted_ms < prune.accepted_before_ms;
            let is_beyond = i128::from(newest - number) >= i128::from(prune.beyond);
            let of_it = self.entries.iter().filter(|entry| entry.number == number);
            let is_open = of_it.clone().any(|entry| {
                let digest = entry.digest.and_then(|digest| self.state(digest));
                is_unended(entry) || digest.is_some_and(|state| !state.has_ended())
            });
            if deleted == u64::from(prune.limit) || is_open || !(is_old || is_beyond) {
                continue;
            }
            deleted += 1;
            for entry in of_it {
                *self.accounts.pruned.entry(entry.state).or_default() += 1;
            }
            self.entries.retain(|entry| entry.number != number);
            self.notifications.retain(|(other, _)| *other != number);
            let entries = &self.entries;
            self.problems.retain(|problem| {
                let mut of_incident = entries.iter().filter(|entry| {
                    entry.channel == problem.channel && entry.intake.incident == problem.incident
                });
                problem.newest != number || of_incident.any(is_unended)
            });
            self.drop_taken();
        }
        deleted
    }
}

impl Entry {
    pub(super) fn end(&mut self, state: State, why: &str, now_ms: i64) {
        self.state = state;
        self.why = why.to_owned();
        self.ended_ms = Some(now_ms);
    }
}

fn is_unended(entry: &Entry) -> bool {
    !entry.state.has_ended()
}
