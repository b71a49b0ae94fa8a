//! A batch: the changes that one transaction writes. Batches merge, and the newer value
//! wins, so that changes that wait for the disk take no more memory than the state that
//! they describe.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use crate::{
    incidents::{IncidentChange, OutboundMessage},
    machine::{Entry, Globals, Held, HostRecord, LinkFamily, Moment, Seen, Silence, Step},
};

/// The maximum number of history lines that wait to be written; the newest are kept.
const MAX_HISTORY_LINES: usize = 10_000;
/// The maximum number of outbound messages that wait to be written; the oldest are kept.
/// The others are delivered, too, as long as the monitor runs.
const MAX_OUTBOUND: usize = 100_000;
/// The maximum number of forwarded messages that wait to be deleted. The rest is handed
/// over again, which is harmless: each message is accepted once.
const MAX_FORWARDED: usize = 1_000_000;

/// A checkpoint: when the monitor was last known to receive, by all clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockCheckpoint {
    /// The point on the monitor's timeline, with its wall time.
    pub at: Moment,
    /// The machine's uptime, in milliseconds.
    pub uptime_ms: u64,
    /// The machine's boot.
    pub kernel_boot: String,
}

/// The changes that one transaction writes.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) liveness: Option<ClockCheckpoint>,
    pub(super) globals: Option<Globals>,
    pub(super) hosts: HashMap<Arc<str>, HostRecord>,
    pub(super) seen: HashMap<(Arc<str>, LinkFamily), Seen>,
    pub(super) held: BTreeMap<u64, Held>,
    pub(super) released: Option<u64>,
    pub(super) silences: Option<Vec<Silence>>,
    pub(crate) history: Vec<Entry>,
    pub(crate) outbound: BTreeMap<u64, OutboundMessage>,
    pub(crate) forwarded: BTreeSet<u64>,
    pub(super) incidents: HashMap<(Arc<str>, Arc<str>), IncidentChange>,
}

impl Batch {
    /// Adds the changes of a step of the machine.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.merge(Self {
            globals: step.globals,
            hosts: step
                .hosts
                .into_iter()
                .map(|record| (Arc::clone(&record.host), record))
                .collect(),
            held: step
                .held
                .into_iter()
                .map(|held| (held.number, held))
                .collect(),
            released: step.released,
            silences: step.silences,
            history: step.history,
            ..Self::default()
        });
        self
    }

    /// Adds a checkpoint: when hosts were heard, and that the monitor was receiving until
    /// then.
    #[must_use]
    pub fn checkpoint(mut self, seen: Vec<Seen>, liveness: ClockCheckpoint) -> Self {
        let seen = seen.into_iter();
        self.seen
            .extend(seen.map(|seen| ((Arc::clone(&seen.host), seen.family), seen)));
        self.liveness = Some(liveness);
        self
    }

    /// Adds outbound messages, which the engine's store accepts in the same transaction.
    #[must_use]
    pub fn outbound(mut self, outbound: impl IntoIterator<Item = OutboundMessage>) -> Self {
        let outbound = outbound.into_iter();
        self.outbound
            .extend(outbound.map(|outbound| (outbound.id, outbound)));
        self
    }

    /// Adds the changes of the incident log.
    #[must_use]
    pub fn incidents(mut self, changes: impl IntoIterator<Item = IncidentChange>) -> Self {
        let changes = changes.into_iter();
        self.incidents.extend(changes.map(|change| {
            let key = (Arc::clone(&change.incident), Arc::clone(&change.name));
            (key, change)
        }));
        self
    }

    /// Merges a newer batch into this one.
    pub(crate) fn merge(&mut self, newer: Self) {
        self.liveness = newer.liveness.or(self.liveness.take());
        self.globals = newer.globals.or(self.globals.take());
        self.silences = newer.silences.or(self.silences.take());
        self.hosts.extend(newer.hosts);
        self.seen.extend(newer.seen);
        self.held.extend(newer.held);
        self.released = self.released.max(newer.released);
        if let Some(released) = self.released {
            self.held = self.held.split_off(&(released + 1));
        }
        self.history.extend(newer.history);
        let excess = self.history.len().saturating_sub(MAX_HISTORY_LINES);
        self.history.drain(..excess);
        self.outbound.extend(newer.outbound);
        for id in &newer.forwarded {
            self.outbound.remove(id);
        }
        self.forwarded.extend(newer.forwarded);
        while self.forwarded.len() > MAX_FORWARDED {
            self.forwarded.pop_last();
        }
        self.incidents.extend(newer.incidents);
    }

    /// Drops the newest outbound messages if there are too many to keep until the disk
    /// answers. They are delivered, too, as long as the monitor runs.
    pub(crate) fn limit_outbound(&mut self) {
        while self.outbound.len() > MAX_OUTBOUND {
            self.outbound.pop_last();
        }
    }

    /// Returns whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.liveness.is_none()
            && self.globals.is_none()
            && self.silences.is_none()
            && self.released.is_none()
            && self.hosts.is_empty()
            && self.seen.is_empty()
            && self.held.is_empty()
            && self.history.is_empty()
            && self.outbound.is_empty()
            && self.forwarded.is_empty()
            && self.incidents.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incidents::Message;

    fn outbound(id: u64) -> OutboundMessage {
        OutboundMessage {
            id,
            key: format!("k/{id}").into(),
            names: vec![Arc::from("c")],
            message: Arc::new(Message::about_monitor("x", 0)),
        }
    }

    #[test]
    fn when_nothing_is_written_for_very_long_what_waits_is_bounded() {
        let mut batch = Batch::default();
        let most = MAX_OUTBOUND as u64;
        for id in 0..most + 50 {
            batch.merge(Batch::default().outbound([outbound(id)]));
            batch.limit_outbound();
        }
        assert_eq!(batch.outbound.len(), MAX_OUTBOUND);
        assert!(batch.outbound.contains_key(&0));
    }

    #[test]
    fn what_was_handed_over_before_it_was_written_is_not_written() {
        let mut batch = Batch::default().outbound([outbound(1), outbound(2)]);
        batch.merge(Batch {
            forwarded: [1].into(),
            ..Batch::default()
        });
        assert_eq!(batch.outbound.keys().collect::<Vec<_>>(), [&2]);
        assert!(batch.forwarded.contains(&1), "it may be in the file");
    }
}
