//! A store in memory, for tests and for programs that want none: what it
//! holds ends with the process.
//!
//! Decides how much of what has ended is remembered. `shelf` keeps the
//! deliveries in the orders in which they are looked for, `over` ends what is
//! pointless.

mod digest;
mod held;
mod kept;
mod keys;
mod once;
mod over;
mod shelf;
mod step;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::proof::Proof;

use super::{
    Answer, Store,
    accounts::Accounts,
    delivery::{Claim, DeliveryId, State, Wanted},
    error::StoreError,
    intake::{Accepted, Begin, Intake},
    record::{Attempt, Prune, Query, Record},
    settle::{Next, Settled, Settlement, Superseded},
};
use held::{Held, Note};
use kept::Kept;
use once::Recent;
use shelf::Shelf;

/// Notifications that are remembered when all of their deliveries have ended,
/// unless another number is said.
const REMEMBERED: usize = 1000;

/// A store in memory.
#[derive(Debug, Clone)]
pub struct MemoryStore(Arc<Mutex<Memory>>);

#[derive(Debug)]
struct Memory {
    shelf: Shelf,
    keys: HashMap<String, i64>,
    accounts: Accounts,
    recent: Recent,
    kept: HashMap<Arc<str>, Kept>,
    remembered: usize,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::remembering(REMEMBERED)
    }
}

impl MemoryStore {
    /// A store that remembers so many notifications whose deliveries have all
    /// ended; older ones are forgotten.
    #[must_use]
    pub fn remembering(notifications: usize) -> Self {
        Self(Arc::new(Mutex::new(Memory {
            shelf: Shelf::default(),
            keys: HashMap::new(),
            accounts: Accounts::default(),
            recent: Recent::default(),
            kept: HashMap::new(),
            remembered: notifications,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn at_once<T: Send + 'static>(answer: T) -> Answer<T> {
    Box::pin(std::future::ready(Ok::<T, StoreError>(answer)))
}

impl Store for MemoryStore {
    fn accept(&self, intake: Intake) -> Answer<Accepted> {
        let accepted = self.lock().accept(intake);
        Box::pin(std::future::ready(accepted))
    }

    fn known(&self, intake: Intake) -> Answer<Option<Accepted>> {
        let known = self.lock().known(&intake);
        Box::pin(std::future::ready(known))
    }

    fn claim(&self, wanted: Wanted) -> Answer<Vec<Claim>> {
        at_once(self.lock().claim(&wanted))
    }

    fn settle(&self, settlement: Settlement) -> Answer<Settled> {
        at_once(self.lock().settle(settlement))
    }

    fn next_due(&self, now_ms: i64) -> Answer<Option<i64>> {
        at_once(self.lock().shelf.next_due(now_ms))
    }

    fn next_expiry(&self, channel: String, now_ms: i64) -> Answer<Option<i64>> {
        at_once(self.lock().shelf.next_expiry(&channel, now_ms))
    }

    fn ready(&self, now_ms: i64) -> Answer<Vec<String>> {
        at_once(self.lock().shelf.ready(now_ms))
    }

    fn prove(&self, delivery: DeliveryId, proof: Proof, now_ms: i64) -> Answer<Vec<Superseded>> {
        at_once(self.lock().shelf.prove(delivery, proof, now_ms))
    }

    fn retry(&self, deliveries: Vec<DeliveryId>, now_ms: i64) -> Answer<u64> {
        at_once(self.lock().retry(&deliveries, now_ms))
    }

    fn deliveries(&self, query: Query) -> Answer<Vec<Record>> {
        at_once(self.lock().deliveries(&query))
    }

    fn attempts(&self, delivery: DeliveryId) -> Answer<Vec<Attempt>> {
        let memory = self.lock();
        let held = memory.shelf.delivery(delivery);
        at_once(held.map(|held| held.tried.clone()).unwrap_or_default())
    }

    fn accounts(&self) -> Answer<Accounts> {
        let mut memory = self.lock();
        memory.accounts.states = memory.shelf.count();
        at_once(memory.accounts.clone())
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn prune(&self, prune: Prune) -> Answer<u64> {
        at_once(self.lock().prune(&prune))
    }

    fn keep(&self, channel: Arc<str>, key: String, value: Option<Vec<u8>>) -> Answer<()> {
        let mut memory = self.lock();
        memory.kept.entry(channel).or_default().set(key, value);
        at_once(())
    }

    fn kept(&self, channel: Arc<str>, key: String) -> Answer<Option<Vec<u8>>> {
        let memory = self.lock();
        let kept = memory.kept.get(&channel);
        at_once(kept.and_then(|kept| kept.value(&key)))
    }
}

impl Memory {
    fn accept(&mut self, intake: Intake) -> Result<Accepted, StoreError> {
        if let Some(before) = self.known(&intake)? {
            return Ok(before);
        }
        let may_wait = intake.ends_a_problem();
        let number = self.shelf.add_note(Note::of(&intake));
        if let Some(key) = intake.key {
            self.keys.insert(key, number);
        }
        self.accounts.accepted += intake.intents.len() as u64;
        let mut ids = Vec::with_capacity(intake.intents.len());
        let mut superseded = Vec::new();
        for intent in intake.intents {
            let free = !may_wait && !self.shelf.is_busy(&intent.channel, &intake.lane);
            let channel = Arc::clone(&intent.channel);
            let mut held = Held::new(number, Arc::clone(&channel), intent.expires_ms);
            held.step = intent.step;
            if may_wait {
                self.recent.forget(&intent.channel, &intake.incident);
            }
            let suppressed = matches!(intent.begin, Begin::Suppressed { .. });
            let once = intent.once.filter(|_| !suppressed);
            let begin = match &once {
                Some(once)
                    if self.is_known(
                        &intent.channel,
                        &intake.incident,
                        once,
                        intake.accepted_ms,
                    ) =>
                {
                    let rule = once.rule.clone();
                    Begin::Suppressed { rule, digest: None }
                }
                _ => intent.begin,
            };
            let news = once.filter(|_| !matches!(begin, Begin::Suppressed { .. }));
            match begin {
                Begin::At(at_ms) => held.due_ms = at_ms,
                Begin::Claimed { lease_until_ms } if free => held.begin(lease_until_ms),
                Begin::Claimed { .. } => held.due_ms = intake.accepted_ms,
                Begin::Suppressed { rule, digest } => {
                    held.end(State::Suppressed, rule, intake.accepted_ms);
                    held.digest =
                        digest.map(|digest| self.gather(&channel, digest, intake.accepted_ms));
                }
            }
            let id = self.shelf.add(held);
            ids.push(id);
            if let Some(once) = news {
                self.recent
                    .note(&intent.channel, &intake.incident, &once, id);
            }
            superseded.extend(self.shelf.supersede(id, intake.accepted_ms));
        }
        superseded.retain(|other| !ids.contains(&other.delivery));
        for id in &ids {
            self.shelf.go_on(*id, intake.accepted_ms);
        }
        let placed = ids.into_iter().filter_map(|id| self.shelf.placed(id));
        let accepted = Accepted {
            notification: intake.notification,
            repeated: false,
            deliveries: placed.collect(),
            superseded,
        };
        self.forget();
        Ok(accepted)
    }

    fn claim(&mut self, wanted: &Wanted) -> Vec<Claim> {
        let mut claims = Vec::new();
        let mut left_behind = self
            .shelf
            .left_behind(&wanted.channel, wanted.now_ms)
            .into_iter()
            .filter(|id| !wanted.holding.contains(id))
            .filter(|id| !wanted.only_expired || self.shelf.is_late(*id, wanted.now_ms))
            .collect::<Vec<_>>()
            .into_iter();
        while claims.len() < wanted.most as usize {
            let late = wanted.only_expired;
            let due = || self.shelf.due(&wanted.channel, wanted.now_ms, late);
            let Some(id) = left_behind.next().or_else(due) else {
                break;
            };
            let claim = self.shelf.change(id, |held, note| {
                let left_behind = held.state == State::InFlight;
                held.begin(wanted.lease_until_ms);
                held.again += u32::from(left_behind);
                Claim {
                    delivery: id,
                    fence: held.fence,
                    attempts: held.attempts - held.attempts_before,
                    left_behind,
                    again: held.again,
                    targets: held.targets.clone(),
                    accepted_ms: note.accepted_ms,
                    expires_ms: held.expires_ms,
                    step: held.step.as_ref().map_or(0, |step| step.number),
                    content: Arc::clone(&note.content),
                }
            });
            let Some(claim) = claim else { break };
            if claim.left_behind {
                // Whoever held it may have sent it.
                self.shelf.remember_told(id, true);
                self.accounts.again += 1;
            }
            claims.push(claim);
        }
        claims
    }

    fn settle(&mut self, settlement: Settlement) -> Settled {
        let id = settlement.delivery;
        let held = self.shelf.delivery(id);
        let is_held = held
            .is_some_and(|held| held.state == State::InFlight && held.fence == settlement.fence);
        if !is_held {
            self.accounts.stale += 1;
            return Settled::Stale;
        }
        let now_ms = settlement.now_ms;
        let channel = held.map(|held| Arc::clone(&held.channel));
        let told_by = match &settlement.next {
            Next::KeptBack { digest, .. } => digest.clone().zip(channel),
            Next::End { .. } | Next::Again { .. } => None,
        };
        let told_by = told_by.map(|(digest, channel)| self.gather(&channel, digest, now_ms));
        self.shelf.change(id, |held, _| {
            held.proof = held.proof.max(settlement.proof);
            if let Some(attempt) = settlement.attempt {
                held.attempts += 1;
                held.attempts_before += u32::from(settlement.is_free);
                held.tried.push(attempt);
            }
            match settlement.next {
                Next::End {
                    state,
                    why,
                    targets,
                } => {
                    held.end(state, why, now_ms);
                    held.targets = targets;
                }
                Next::KeptBack { rule, .. } => {
                    held.end(State::Suppressed, rule, now_ms);
                    held.targets = Vec::new();
                    held.digest = told_by;
                }
                Next::Again { at_ms, targets } => {
                    held.state = State::Pending;
                    held.due_ms = at_ms;
                    held.targets = targets;
                }
            }
        });
        self.shelf.remember_told(id, settlement.may_have_arrived);
        let mut superseded = self.shelf.supersede(id, now_ms);
        superseded.extend(self.shelf.digest_settled(id, now_ms));
        superseded.extend(self.shelf.go_on(id, now_ms));
        self.forget();
        Settled::Recorded { superseded }
    }

    fn retry(&mut self, deliveries: &[DeliveryId], now_ms: i64) -> u64 {
        let mut count = 0;
        for id in deliveries {
            self.shelf.change(*id, |held, _| {
                if matches!(held.state, State::Failed | State::Unknown) {
                    held.state = State::Pending;
                    held.due_ms = now_ms;
                    held.ended_ms = None;
                    held.expires_ms = None;
                    held.attempts_before = held.attempts;
                    held.why.clear();
                    count += 1;
                }
            });
        }
        count
    }

    fn deliveries(&self, query: &Query) -> Vec<Record> {
        let records = self.shelf.newest_first(query.before);
        records
            .filter(|record| query.asks_for(record))
            .take(query.most as usize)
            .collect()
    }

    fn prune(&mut self, prune: &Prune) -> u64 {
        self.recent.prune(prune.now_ms);
        let mut pruned = 0;
        for number in self.shelf.ended_notes() {
            let note = self.shelf.note(number);
            let old = note.is_some_and(|note| note.accepted_ms < prune.accepted_before_ms);
            if pruned == u64::from(prune.most) {
                break;
            }
            if !old && !self.shelf.is_beyond(number, prune.beyond) {
                continue;
            }
            self.drop_note(number);
            pruned += 1;
        }
        pruned
    }

    /// Drops the oldest of what has ended, beyond what is remembered.
    fn forget(&mut self) {
        while let Some(number) = self.shelf.ended_beyond(self.remembered) {
            self.drop_note(number);
        }
    }

    fn drop_note(&mut self, number: i64) {
        let Some((note, states)) = self.shelf.remove(number) else {
            return;
        };
        if let Some(key) = note.key {
            self.keys.remove(&key);
        }
        for state in states {
            *self.accounts.pruned.entry(state).or_default() += 1;
        }
    }
}
