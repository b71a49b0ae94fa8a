//! What each channel knows of each incident, and the incident's open deliveries.

use std::collections::{BTreeSet, HashMap};

use super::stored::OnChannel;
use crate::{
    DeliveryId,
    rules::{IncidentChange, incident::Incident},
};

/// The incidents, by channel and name.
#[derive(Debug, Default)]
pub(super) struct Incidents(HashMap<OnChannel, Entry>);

/// An incident on a channel. It is stored as long as any of it is.
#[derive(Debug, Default)]
struct Entry {
    known: Option<Incident>,
    /// The deliveries that have not ended, the oldest first.
    open: BTreeSet<DeliveryId>,
}

impl Incidents {
    /// Returns what is known of the incident's problem.
    pub(super) fn known(&self, incident: &OnChannel) -> Option<Incident> {
        self.0.get(incident)?.known
    }

    /// Returns the incident's deliveries that have not ended, the oldest first.
    pub(super) fn open(&self, incident: &OnChannel) -> impl Iterator<Item = DeliveryId> + '_ {
        let entry = self.0.get(incident).into_iter();
        entry.flat_map(|entry| entry.open.iter().copied())
    }

    pub(super) fn change(&mut self, incident: &OnChannel, change: IncidentChange) {
        match change {
            IncidentChange::Keep => {}
            IncidentChange::Set(known) => match self.0.get_mut(incident) {
                Some(entry) => entry.known = Some(known),
                None => self.entry(incident.clone()).known = Some(known),
            },
            IncidentChange::Forget => {
                if let Some(entry) = self.0.get_mut(incident) {
                    entry.known = None;
                    self.drop_empty(incident);
                }
            }
        }
    }

    /// Records that a delivery of the incident is open.
    pub(super) fn enter(&mut self, incident: OnChannel, delivery: DeliveryId) {
        self.entry(incident).open.insert(delivery);
    }

    /// Records that a delivery of the incident is not open any more.
    pub(super) fn leave(&mut self, incident: &OnChannel, delivery: DeliveryId) {
        if let Some(entry) = self.0.get_mut(incident) {
            entry.open.remove(&delivery);
            self.drop_empty(incident);
        }
    }

    fn entry(&mut self, incident: OnChannel) -> &mut Entry {
        self.0.entry(incident).or_default()
    }

    fn drop_empty(&mut self, incident: &OnChannel) {
        let entry = self.0.get(incident);
        if entry.is_some_and(|entry| entry.open.is_empty() && entry.known.is_none()) {
            self.0.remove(incident);
        }
    }
}
