//! What each channel knows of each incident, the incident's open deliveries, and who has taken
//! it over.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::stored::OnChannel;
use crate::{
    Acknowledgement, DeliveryId,
    rules::{IncidentChange, incident::Incident},
};

/// The incidents.
#[derive(Debug, Default)]
pub(super) struct Incidents {
    /// By channel and name.
    on_channels: HashMap<OnChannel, Entry>,
    /// Those of which a channel knows, by name.
    known: BTreeMap<Arc<str>, Known>,
}

/// An incident of which at least one channel knows.
#[derive(Debug, Default)]
struct Known {
    channels: BTreeSet<Arc<str>>,
    /// The acknowledgement, in force or not.
    acknowledgement: Option<Acknowledgement>,
}

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
        self.on_channels.get(incident)?.known
    }

    /// Returns the incidents of which a channel knows.
    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.known.keys()
    }

    /// Returns the channels that know of an incident, by name.
    pub(super) fn channels(&self, incident: &str) -> impl Iterator<Item = &Arc<str>> {
        let known = self.known.get(incident).into_iter();
        known.flat_map(|known| &known.channels)
    }

    /// Returns the acknowledgement of an incident, in force or not.
    pub(super) fn acknowledgement(&self, incident: &str) -> Option<&Acknowledgement> {
        self.known.get(incident)?.acknowledgement.as_ref()
    }

    /// Replaces the acknowledgement of an incident of which a channel knows. Returns whether there
    /// is or was one.
    pub(super) fn acknowledge(&mut self, incident: &str, now: Option<Acknowledgement>) -> bool {
        let Some(known) = self.known.get_mut(incident) else {
            return false;
        };
        let is_set = now.is_some();
        std::mem::replace(&mut known.acknowledgement, now).is_some() || is_set
    }

    /// Returns the incident's deliveries that have not ended, the oldest first.
    pub(super) fn open(&self, incident: &OnChannel) -> impl Iterator<Item = DeliveryId> + '_ {
        let entry = self.on_channels.get(incident).into_iter();
        entry.flat_map(|entry| entry.open.iter().copied())
    }

    pub(super) fn change(&mut self, incident: &OnChannel, change: IncidentChange) {
        match change {
            IncidentChange::Keep => {}
            IncidentChange::Set(known) => {
                match self.on_channels.get_mut(incident) {
                    Some(entry) => entry.known = Some(known),
                    None => self.entry(incident.clone()).known = Some(known),
                }
                let (channel, name) = incident;
                let known = self.known.entry(Arc::clone(name)).or_default();
                known.channels.insert(Arc::clone(channel));
            }
            IncidentChange::Forget => {
                if let Some(entry) = self.on_channels.get_mut(incident) {
                    entry.known = None;
                    self.drop_empty(incident);
                }
                let (channel, name) = incident;
                if let Some(known) = self.known.get_mut(name) {
                    known.channels.remove(channel);
                    if known.channels.is_empty() {
                        self.known.remove(name);
                    }
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
        if let Some(entry) = self.on_channels.get_mut(incident) {
            entry.open.remove(&delivery);
            self.drop_empty(incident);
        }
    }

    fn entry(&mut self, incident: OnChannel) -> &mut Entry {
        self.on_channels.entry(incident).or_default()
    }

    fn drop_empty(&mut self, incident: &OnChannel) {
        let entry = self.on_channels.get(incident);
        if entry.is_some_and(|entry| entry.open.is_empty() && entry.known.is_none()) {
            self.on_channels.remove(incident);
        }
    }
}
