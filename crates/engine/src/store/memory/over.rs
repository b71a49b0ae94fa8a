//! Ends what is pointless: a recovery of what nobody was told, and a problem
//! that is over before anybody was told.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::shelf::{Note, Shelf};
use crate::{
    event::Kind,
    store::{
        OVER,
        delivery::{DeliveryId, State},
    },
};

pub(super) type Key = (Arc<str>, Arc<str>);

/// What each channel knows of each incident.
#[derive(Debug, Default)]
pub(super) struct Incidents(HashMap<Key, Incident>);

#[derive(Debug, Default)]
struct Incident {
    /// The channel was to be told of a problem.
    problem: bool,
    /// It was told.
    told: bool,
    /// The newest notification of a problem.
    newest: i64,
    /// What has not ended, the oldest first.
    open: BTreeSet<DeliveryId>,
}

impl Incidents {
    /// Takes note of a delivery that was accepted.
    pub(super) fn note(&mut self, channel: &Arc<str>, note: &Note, number: i64) {
        if note.kind == Kind::Problem && !note.incident.is_empty() {
            let key = (Arc::clone(channel), Arc::clone(&note.incident));
            let incident = self.0.entry(key).or_default();
            (incident.problem, incident.newest) = (true, number);
        }
    }

    /// Forgets what was known by a notification that is dropped.
    pub(super) fn forget(&mut self, key: &Key, number: i64) {
        let known = self.0.get(key);
        if known.is_some_and(|known| known.newest == number && known.open.is_empty()) {
            self.0.remove(key);
        }
    }

    pub(super) fn enter(&mut self, key: Key, id: DeliveryId) {
        self.0.entry(key).or_default().open.insert(id);
    }

    pub(super) fn leave(&mut self, key: &Key, id: DeliveryId) {
        if let Some(incident) = self.0.get_mut(key) {
            incident.open.remove(&id);
            if incident.open.is_empty() && !incident.problem {
                self.0.remove(key);
            }
        }
    }

    fn told(&mut self, key: &Key) {
        if let Some(incident) = self.0.get_mut(key) {
            incident.told = true;
        }
    }

    /// The problem is over, and what is open besides is another.
    fn over(&mut self, key: &Key, another: bool) {
        if let Some(incident) = self.0.get_mut(key) {
            // Where no problem is known, none becomes known by its end.
            (incident.told, incident.problem) = (false, another && incident.problem);
            if incident.open.is_empty() && !incident.problem {
                self.0.remove(key);
            }
        }
    }
}

impl Shelf {
    fn incident(&self, id: DeliveryId) -> Option<(Key, Kind, State)> {
        let held = self.delivery(id)?;
        let note = self.note(held.note)?;
        Some((note.incident_on(&held.channel)?, note.kind, held.state))
    }

    /// Takes note of who was told what, or may have been.
    pub(super) fn remember_told(&mut self, id: DeliveryId, may_have_arrived: bool) {
        let Some((key, kind, state)) = self.incident(id) else {
            return;
        };
        match kind {
            Kind::Problem if may_have_arrived || state.may_have_arrived() => {
                self.incidents.told(&key);
            }
            Kind::Recovery if state.may_have_arrived() => {
                let is_open = |kind| !self.open(&key, kind).is_empty();
                let another =
                    is_open(Kind::Problem) || is_open(Kind::Recovery) || self.came_later(&key, id);
                self.incidents.over(&key, another);
            }
            _ => {}
        }
    }

    /// Ends what is pointless of the incident of a delivery that was accepted
    /// or settled just now; answers what.
    pub(super) fn supersede(&mut self, id: DeliveryId, now_ms: i64) -> Vec<DeliveryId> {
        let Some((key, ..)) = self.incident(id) else {
            return Vec::new();
        };
        let (recoveries, _) = self.split(self.open(&key, Kind::Recovery));
        let Some(newest) = recoveries.last().copied() else {
            return Vec::new();
        };
        let problems = self.open(&key, Kind::Problem);
        let (earlier, later): (Vec<_>, Vec<_>) = problems.into_iter().partition(|id| *id < newest);
        let (mut over, being_told) = self.split(earlier);
        let incident = self.incidents.0.get(&key);
        let untold = incident.is_some_and(|incident| incident.problem && !incident.told);
        if untold && being_told.is_empty() {
            over.extend(recoveries);
        }
        for id in &over {
            self.change(*id, |held, _| {
                held.end(State::Superseded, OVER.to_owned(), now_ms);
            });
        }
        if untold && being_told.is_empty() {
            let another = !later.is_empty() || self.came_later(&key, newest);
            self.incidents.over(&key, another);
        }
        over
    }

    /// Whether a problem came after a delivery, be it that it was kept back.
    fn came_later(&self, key: &Key, delivery: DeliveryId) -> bool {
        let note = self.delivery(delivery).map_or(i64::MAX, |held| held.note);
        let incident = self.incidents.0.get(key);
        incident.is_some_and(|incident| incident.problem && incident.newest > note)
    }

    /// What has not ended of an incident, the oldest first.
    fn open(&self, key: &Key, kind: Kind) -> Vec<DeliveryId> {
        let incident = self.incidents.0.get(key);
        let open = incident.into_iter().flat_map(|incident| &incident.open);
        open.copied()
            .filter(|id| self.incident(*id).is_some_and(|(_, is, _)| is == kind))
            .collect()
    }

    /// Those that wait, and those that are being sent.
    fn split(&self, open: Vec<DeliveryId>) -> (Vec<DeliveryId>, Vec<DeliveryId>) {
        let waits = |id: &DeliveryId| {
            self.delivery(*id)
                .is_some_and(|held| held.state == State::Pending)
        };
        open.into_iter().partition(waits)
    }
}
