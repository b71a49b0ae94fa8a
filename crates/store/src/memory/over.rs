//! Ends what is pointless: a recovery of what nobody was told, and a problem
//! that is over before anybody was told.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{held::Note, shelf::Shelf};
use crate::{
    Kind,
    delivery::{DeliveryId, State},
    reasons::{RECOVERED, UNTOLD},
    settle::Superseded,
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
    /// The first one after the last end.
    since: i64,
    /// What has not ended, the oldest first.
    open: BTreeSet<DeliveryId>,
}

impl Incidents {
    /// Takes note of a delivery that was accepted.
    pub(super) fn note(&mut self, channel: &Arc<str>, note: &Note, number: i64) {
        if note.kind == Kind::Problem && !note.incident.is_empty() {
            let key = (Arc::clone(channel), Arc::clone(&note.incident));
            let incident = self.0.entry(key).or_default();
            if !std::mem::replace(&mut incident.problem, true) {
                incident.since = number;
            }
            incident.newest = number;
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

    /// A notification told of the problem, unless that has ended since.
    fn told(&mut self, key: &Key, number: i64) {
        if let Some(incident) = self.0.get_mut(key) {
            incident.told |= incident.problem && incident.since <= number;
        }
    }

    /// Whether the problem of a notification has ended.
    pub(super) fn is_over(&self, key: &Key, number: i64) -> bool {
        let incident = self.0.get(key);
        !incident.is_some_and(|incident| incident.problem && incident.since <= number)
    }

    /// The problem is over; what came after a notification is another.
    fn over(&mut self, key: &Key, another_since: Option<i64>) {
        if let Some(incident) = self.0.get_mut(key) {
            // Where no problem is known, none becomes known by its end.
            let another = another_since.is_some();
            (incident.told, incident.problem) = (false, another && incident.problem);
            incident.since = another_since.unwrap_or_default();
            if incident.open.is_empty() && !incident.problem {
                self.0.remove(key);
            }
        }
    }
}

impl Shelf {
    fn incident(&self, id: DeliveryId) -> Option<(Key, Kind)> {
        let held = self.delivery(id)?;
        let note = self.note(held.note)?;
        Some((note.incident_on(&held.channel)?, note.kind))
    }

    /// Takes note of who was told what, or may have been.
    pub(super) fn remember_told(&mut self, id: DeliveryId, may_have_arrived: bool) {
        let Some(held) = self.delivery(id) else {
            return;
        };
        let (number, state) = (held.note, held.state);
        let may_have_arrived = may_have_arrived || state.may_have_arrived();
        if may_have_arrived {
            for (key, number) in self.told_by(id) {
                self.incidents.told(&key, number);
            }
        }
        match self.incident(id) {
            Some((key, Kind::Problem)) if may_have_arrived => self.incidents.told(&key, number),
            Some((key, Kind::Recovery)) if state.may_have_arrived() => {
                let is_open = |kind| !self.open(&key, kind).is_empty();
                let another = is_open(Kind::Problem)
                    || is_open(Kind::Recovery)
                    || self.came_later(&key, number);
                self.incidents.over(&key, another.then_some(number));
            }
            _ => {}
        }
    }

    /// Ends what is pointless of the incident of a delivery that was accepted
    /// or settled just now; answers what.
    pub(super) fn supersede(&mut self, id: DeliveryId, now_ms: i64) -> Vec<Superseded> {
        let incident = self.incident(id);
        incident.map_or_else(Vec::new, |(key, _)| self.supersede_of(&key, now_ms))
    }

    /// The same of an incident.
    pub(super) fn supersede_of(&mut self, key: &Key, now_ms: i64) -> Vec<Superseded> {
        let (recoveries, _) = self.split(self.open(key, Kind::Recovery));
        let Some(newest) = recoveries.last().copied() else {
            return Vec::new();
        };
        let problems = self.open(key, Kind::Problem);
        let (earlier, later): (Vec<_>, Vec<_>) = problems.into_iter().partition(|id| *id < newest);
        let (over, being_told) = self.split(earlier);
        let incident = self.incidents.0.get(key);
        let untold = incident.filter(|incident| incident.problem && !incident.told);
        let untold_since = untold.map(|incident| incident.since);
        let untold_since = untold_since.filter(|_| being_told.is_empty());
        let until_ms = untold_since.and_then(|since| self.being_told(key, since));
        let ends_untold = untold_since.is_some() && until_ms.is_none();
        if let Some(until_ms) = until_ms {
            for id in &recoveries {
                self.change(*id, |held, _| held.due_ms = until_ms);
            }
        }
        let mut superseded = self.end_waiting(over, RECOVERED, now_ms);
        if ends_untold {
            superseded.extend(self.end_waiting(recoveries, UNTOLD, now_ms));
            let number = self.delivery(newest).map_or(i64::MAX, |held| held.note);
            let another = !later.is_empty() || self.came_later(key, number);
            self.incidents.over(key, another.then_some(number));
        }
        superseded
    }

    /// Ends what waits as superseded.
    pub(super) fn end_waiting(
        &mut self,
        waiting: Vec<DeliveryId>,
        why: &str,
        now_ms: i64,
    ) -> Vec<Superseded> {
        let reason: Arc<str> = why.into();
        let end = |delivery| {
            self.change(delivery, |held, _| {
                held.end(State::Superseded, why.to_owned(), now_ms);
            });
            Superseded {
                delivery,
                why: Arc::clone(&reason),
            }
        };
        waiting.into_iter().map(end).collect()
    }

    /// Whether a problem came after a notification, be it that it was kept back.
    fn came_later(&self, key: &Key, note: i64) -> bool {
        let incident = self.incidents.0.get(key);
        incident.is_some_and(|incident| incident.problem && incident.newest > note)
    }

    /// What has not ended of an incident, the oldest first.
    pub(super) fn open(&self, key: &Key, kind: Kind) -> Vec<DeliveryId> {
        let incident = self.incidents.0.get(key);
        let open = incident.into_iter().flat_map(|incident| &incident.open);
        open.copied()
            .filter(|id| self.incident(*id).is_some_and(|(_, is)| is == kind))
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
