//! The deliveries, and the orders in which they are looked for.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    held::{Held, Note},
    over::{Incidents, Key},
};
use crate::{
    Kind, Severity,
    delivery::{DeliveryId, State},
    intake::Placed,
    record::Record,
};

/// Everything, in all orders.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    last_note: i64,
    last_delivery: i64,
    notes: BTreeMap<i64, Note>,
    held: BTreeMap<DeliveryId, Held>,
    /// What waits, by channel: the worst first, then the oldest.
    waiting: HashMap<Arc<str>, BTreeSet<(Reverse<Severity>, DeliveryId)>>,
    times: BTreeSet<(i64, DeliveryId)>,
    /// When what waits expires, by channel.
    expiring: HashMap<Arc<str>, BTreeSet<(i64, DeliveryId)>>,
    /// What is in flight, by channel: what its holder gives up first.
    pub(super) flying: HashMap<Arc<str>, BTreeSet<(i64, DeliveryId)>>,
    /// What has not ended of each lane, the oldest first.
    lanes: HashMap<Key, BTreeSet<DeliveryId>>,
    /// Notifications of which nothing is open, nor still to be told by a digest.
    ended: BTreeSet<i64>,
    /// Digests that wait, by channel and what they gather.
    pub(super) gathering: HashMap<Key, BTreeSet<DeliveryId>>,
    /// What each digest tells of.
    pub(super) digests: HashMap<DeliveryId, BTreeSet<DeliveryId>>,
    pub(super) incidents: Incidents,
}

impl Shelf {
    pub(super) fn note(&self, number: i64) -> Option<&Note> {
        self.notes.get(&number)
    }

    pub(super) fn delivery(&self, id: DeliveryId) -> Option<&Held> {
        self.held.get(&id)
    }

    pub(super) fn placed(&self, id: DeliveryId) -> Option<Placed> {
        let held = self.delivery(id)?;
        Some(Placed {
            delivery: id,
            channel: Arc::clone(&held.channel),
            state: held.state,
            why: held.why.clone(),
            fence: held.fence,
            step: held.step.clone(),
            proof: held.proof,
        })
    }

    pub(super) fn add_note(&mut self, note: Note) -> i64 {
        self.last_note += 1;
        self.notes.insert(self.last_note, note);
        // Until it has deliveries that have not ended.
        self.ended.insert(self.last_note);
        self.last_note
    }

    pub(super) fn add(&mut self, held: Held) -> DeliveryId {
        self.last_delivery += 1;
        let id = DeliveryId(self.last_delivery);
        if let Some(note) = self.notes.get_mut(&held.note) {
            note.deliveries.push(id);
            self.incidents.note(&held.channel, note, held.note);
        }
        self.held.insert(id, held);
        self.enter(id);
        id
    }

    /// Changes a delivery; the orders follow.
    pub(super) fn change<T>(
        &mut self,
        id: DeliveryId,
        change: impl FnOnce(&mut Held, &Note) -> T,
    ) -> Option<T> {
        self.leave(id);
        let changed = self.held.get_mut(&id).and_then(|held| {
            let note = self.notes.get(&held.note)?;
            Some(change(held, note))
        });
        self.enter(id);
        changed
    }

    /// Removes a notification with its deliveries; answers how those ended.
    pub(super) fn remove(&mut self, number: i64) -> Option<(Note, Vec<State>)> {
        let note = self.notes.remove(&number)?;
        self.ended.remove(&number);
        for held in note.deliveries.iter().filter_map(|id| self.held.get(id)) {
            if let Some(incident) = note.incident_on(&held.channel) {
                self.incidents.forget(&incident, number);
            }
        }
        let mut states = Vec::with_capacity(note.deliveries.len());
        for id in &note.deliveries {
            self.digests.remove(id);
            let Some(held) = self.held.remove(id) else {
                continue;
            };
            if let Some(digest) = held.digest {
                remove(&mut self.digests, &digest, id);
            }
            states.push(held.state);
        }
        Some((note, states))
    }

    /// Notifications whose deliveries have all ended, the oldest first.
    pub(super) fn ended_notes(&self) -> Vec<i64> {
        self.ended.iter().copied().collect()
    }

    /// Whether so many came after it.
    pub(super) fn is_beyond(&self, number: i64, most: u64) -> bool {
        let newer = u64::try_from(self.last_note - number).unwrap_or(0);
        newer >= most
    }

    /// The oldest of them, when there are more than so many.
    pub(super) fn ended_beyond(&self, most: usize) -> Option<i64> {
        let first = self.ended.first().copied();
        first.filter(|_| self.ended.len() > most)
    }

    /// Whether anything of a lane has not ended.
    pub(super) fn is_busy(&self, channel: &Arc<str>, lane: &str) -> bool {
        let key = (Arc::clone(channel), Arc::from(lane));
        !lane.is_empty() && self.lanes.contains_key(&key)
    }

    /// What its holder has had for too long.
    pub(super) fn left_behind(&self, channel: &str, now_ms: i64) -> Vec<DeliveryId> {
        let flying = self.flying.get(channel).into_iter().flatten();
        let run_out = flying.take_while(|(until, _)| *until < now_ms);
        let mut run_out: Vec<DeliveryId> = run_out.map(|(_, id)| *id).collect();
        run_out.sort_by_key(|id| {
            let note = self.delivery(*id).and_then(|held| self.note(held.note));
            (Reverse(note.map(|note| note.severity)), *id)
        });
        run_out
    }

    /// What is due next.
    pub(super) fn due(&self, channel: &str, now_ms: i64, late: bool) -> Option<DeliveryId> {
        let waiting = self.waiting.get(channel)?.iter().map(|(_, id)| *id);
        let mut due = waiting.filter(|id| {
            let held = self.delivery(*id);
            held.is_some_and(|held| held.due_ms <= now_ms && self.is_first(*id, held))
                && (!late || self.is_late(*id, now_ms))
        });
        due.next()
    }

    /// Whether it has come too late.
    pub(super) fn is_late(&self, id: DeliveryId, now_ms: i64) -> bool {
        let expires_ms = self.delivery(id).and_then(|held| held.expires_ms);
        expires_ms.is_some_and(|at_ms| at_ms <= now_ms)
    }

    fn is_first(&self, id: DeliveryId, held: &Held) -> bool {
        let Some(lane) = self.lane(held) else {
            return true;
        };
        let first = self.lanes.get(&lane).and_then(BTreeSet::first);
        first.is_none_or(|first| *first == id)
    }

    pub(super) fn next_due(&self, now_ms: i64) -> Option<i64> {
        let after = (now_ms.saturating_add(1), DeliveryId(i64::MIN));
        self.times.range(after..).next().map(|(due, _)| *due)
    }

    pub(super) fn next_expiry(&self, channel: &str, now_ms: i64) -> Option<i64> {
        let after = (now_ms.saturating_add(1), DeliveryId(i64::MIN));
        let mut expiring = self.expiring.get(channel)?.range(after..);
        expiring.next().map(|(expires, _)| *expires)
    }

    pub(super) fn ready(&self, now_ms: i64) -> Vec<String> {
        let channels: BTreeSet<&Arc<str>> = self.waiting.keys().chain(self.flying.keys()).collect();
        let ready = channels.into_iter();
        ready
            .filter(|channel| {
                let due = || self.due(channel, now_ms, false).is_some();
                !self.left_behind(channel, now_ms).is_empty() || due()
            })
            .map(|channel| channel.to_string())
            .collect()
    }

    pub(super) fn count(&self) -> BTreeMap<State, u64> {
        let mut count: BTreeMap<_, _> = State::ALL.into_iter().map(|state| (state, 0)).collect();
        for held in self.held.values() {
            *count.entry(held.state).or_default() += 1;
        }
        count
    }

    pub(super) fn newest_first(
        &self,
        before: Option<DeliveryId>,
    ) -> impl Iterator<Item = Record> + '_ {
        let end = before.unwrap_or(DeliveryId(i64::MAX));
        let held = self.held.range(..end).rev();
        held.filter_map(|(id, held)| self.record(*id, held))
    }

    fn record(&self, id: DeliveryId, held: &Held) -> Option<Record> {
        let note = self.notes.get(&held.note)?;
        Some(Record {
            delivery: id,
            notification: note.notification.clone(),
            channel: held.channel.to_string(),
            host: note.host.clone(),
            incident: note.incident.to_string(),
            severity: note.severity,
            state: held.state,
            why: held.why.clone(),
            accepted_ms: note.accepted_ms,
            due_ms: (held.state == State::Pending).then_some(held.due_ms),
            expires_ms: held.expires_ms,
            ended_ms: held.ended_ms,
            attempts: held.attempts,
            again: held.again,
            proof: held.proof,
            group: held.step.as_ref().map(|step| step.group.to_string()),
            step: held.step.as_ref().map_or(0, |step| step.number),
            digest: held.digest,
            is_over: note.kind == Kind::Problem
                && note
                    .incident_on(&held.channel)
                    .is_some_and(|key| self.incidents.is_over(&key, held.note)),
            content: note.content.to_string(),
        })
    }

    fn lane(&self, held: &Held) -> Option<Key> {
        let lane = &self.notes.get(&held.note)?.lane;
        (!lane.is_empty()).then(|| (Arc::clone(&held.channel), Arc::clone(lane)))
    }

    fn enter(&mut self, id: DeliveryId) {
        let Some(held) = self.held.get(&id) else {
            return;
        };
        let (channel, state) = (Arc::clone(&held.channel), held.state);
        let (due, until) = (held.due_ms, held.lease_until_ms);
        let lane = self.lane(held);
        let is_open = self.is_open(held);
        let gathers = held.gathers.clone();
        if let Some(digest) = held.digest {
            self.digests.entry(digest).or_default().insert(id);
        }
        let Some(note) = self.notes.get_mut(&held.note) else {
            return;
        };
        if is_open {
            note.open += 1;
            self.ended.remove(&held.note);
        }
        if state.has_ended() {
            return;
        }
        let severity = Reverse(note.severity);
        if let Some(incident) = note.incident_on(&channel) {
            self.incidents.enter(incident, id);
        }
        if let Some(lane) = lane {
            self.lanes.entry(lane).or_default().insert(id);
        }
        if state == State::Pending {
            self.times.insert((due, id));
            if let Some(expires) = held.expires_ms {
                let expiring = self.expiring.entry(Arc::clone(&channel));
                expiring.or_default().insert((expires, id));
            }
            let waiting = self.waiting.entry(channel).or_default();
            waiting.insert((severity, id));
            if let Some(gathers) = gathers {
                let gathering = self.gathering.entry((held.channel.clone(), gathers));
                gathering.or_default().insert(id);
            }
        } else {
            self.flying.entry(channel).or_default().insert((until, id));
        }
        for number in self.kept_for(id) {
            if let Some(note) = self.notes.get_mut(&number) {
                note.open += 1;
                self.ended.remove(&number);
            }
        }
    }

    /// Whether something is to happen to it, or a digest to tell of it.
    fn is_open(&self, held: &Held) -> bool {
        let digest = held.digest.and_then(|digest| self.delivery(digest));
        !held.state.has_ended() || digest.is_some_and(|digest| !digest.state.has_ended())
    }

    /// The notifications of what has ended and a digest tells of.
    fn kept_for(&self, digest: DeliveryId) -> Vec<i64> {
        let tells_of = self.digests.get(&digest).into_iter().flatten();
        let held = tells_of.filter_map(|id| self.delivery(*id));
        let ended = held.filter(|held| held.state.has_ended());
        ended.map(|held| held.note).collect()
    }

    fn leave(&mut self, id: DeliveryId) {
        let Some(held) = self.held.get(&id).filter(|held| self.is_open(held)) else {
            return;
        };
        let lane = self.lane(held);
        let kept = self.kept_for(id);
        let has_ended = held.state.has_ended();
        for number in kept.into_iter().filter(|_| !has_ended).chain([held.note]) {
            if let Some(note) = self.notes.get_mut(&number) {
                note.open -= 1;
                if note.open == 0 {
                    self.ended.insert(number);
                }
            }
        }
        let Some(note) = self.notes.get(&held.note).filter(|_| !has_ended) else {
            return;
        };
        if let Some(incident) = note.incident_on(&held.channel) {
            self.incidents.leave(&incident, id);
        }
        remove(
            &mut self.waiting,
            &held.channel,
            &(Reverse(note.severity), id),
        );
        remove(&mut self.flying, &held.channel, &(held.lease_until_ms, id));
        self.times.remove(&(held.due_ms, id));
        if let Some(expires) = held.expires_ms {
            remove(&mut self.expiring, &held.channel, &(expires, id));
        }
        if let Some(gathers) = &held.gathers {
            let key = (Arc::clone(&held.channel), Arc::clone(gathers));
            remove(&mut self.gathering, &key, &id);
        }
        if let Some(lane) = lane {
            remove(&mut self.lanes, &lane, &id);
        }
    }
}

/// Removes an entry, and its set when nothing else is in it.
fn remove<K: std::hash::Hash + Eq, V: Ord>(sets: &mut HashMap<K, BTreeSet<V>>, key: &K, entry: &V) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(entry);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}
