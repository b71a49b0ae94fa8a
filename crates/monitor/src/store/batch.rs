//! What one transaction writes. Batches merge, the newer one winning, so that
//! what could not be written for a while takes no more memory than its
//! subject.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use annunciator_protocol::Family;

use crate::{
    machine::{Entry, Globals, Held, HostRecord, Moment, Seen, Silence, Step},
    tell::{LedgerChange, Telling},
};

/// Lines of history that wait to be written; of more, the newest are kept.
const MOST_HISTORY: usize = 10_000;
/// Tellings that wait to be written; of more, the oldest are kept: the newest
/// are told, too, as long as the monitor lives.
const MOST_TELLINGS: usize = 100_000;
/// Tellings that wait to be struck out. Of more, some are left to be handed
/// over again, which harms nothing: each is accepted once.
const MOST_STRUCK_OUT: usize = 1_000_000;

/// When the monitor was last known to see, and by which clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Liveness {
    /// On the monitor's timeline, and on the wall.
    pub at: Moment,
    /// How long the machine had been up, in milliseconds.
    pub uptime_ms: u64,
    /// Which boot of the machine that was.
    pub kernel_boot: String,
}

/// What one transaction writes.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) liveness: Option<Liveness>,
    pub(super) globals: Option<Globals>,
    pub(super) hosts: HashMap<Arc<str>, HostRecord>,
    pub(super) seen: HashMap<(Arc<str>, Family), Seen>,
    pub(super) held: BTreeMap<u64, Held>,
    pub(super) released: Option<u64>,
    pub(super) silences: Option<Vec<Silence>>,
    pub(super) history: Vec<Entry>,
    pub(super) tellings: BTreeMap<u64, Telling>,
    pub(super) struck_out: BTreeSet<u64>,
    pub(super) told: HashMap<(Arc<str>, Arc<str>), LedgerChange>,
}

impl Batch {
    /// Adds what came of a step of the machine.
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

    /// Adds a checkpoint: who was heard, and that the monitor saw until then.
    #[must_use]
    pub fn checkpoint(mut self, seen: Vec<Seen>, liveness: Liveness) -> Self {
        let seen = seen.into_iter();
        self.seen
            .extend(seen.map(|seen| ((Arc::clone(&seen.host), seen.family), seen)));
        self.liveness = Some(liveness);
        self
    }

    /// Adds a line of a host's history.
    #[must_use]
    pub fn line(mut self, entry: Entry) -> Self {
        self.history.push(entry);
        self
    }

    /// Adds tellings that are to be handed over.
    #[must_use]
    pub fn tellings(mut self, tellings: impl IntoIterator<Item = Telling>) -> Self {
        let tellings = tellings.into_iter();
        self.tellings
            .extend(tellings.map(|telling| (telling.id, telling)));
        self
    }

    /// Strikes out a telling that was handed over.
    #[must_use]
    pub fn struck_out(mut self, telling: u64) -> Self {
        self.struck_out.insert(telling);
        self
    }

    /// Adds what changed in the ledger.
    #[must_use]
    pub fn told(mut self, changes: impl IntoIterator<Item = LedgerChange>) -> Self {
        let changes = changes.into_iter();
        self.told.extend(changes.map(|change| {
            let key = (Arc::clone(&change.incident), Arc::clone(&change.name));
            (key, change)
        }));
        self
    }

    /// Takes in a newer batch.
    pub(super) fn merge(&mut self, newer: Self) {
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
        let excess = self.history.len().saturating_sub(MOST_HISTORY);
        self.history.drain(..excess);
        self.tellings.extend(newer.tellings);
        while self.tellings.len() > MOST_TELLINGS {
            self.tellings.pop_last();
        }
        for id in &newer.struck_out {
            self.tellings.remove(id);
        }
        self.struck_out.extend(newer.struck_out);
        while self.struck_out.len() > MOST_STRUCK_OUT {
            self.struck_out.pop_last();
        }
        self.told.extend(newer.told);
    }

    /// Whether there is nothing to write.
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
            && self.tellings.is_empty()
            && self.struck_out.is_empty()
            && self.told.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tell::Message;

    fn telling(id: u64) -> Telling {
        Telling {
            id,
            key: format!("k/{id}").into(),
            names: vec![Arc::from("c")],
            message: Arc::new(Message::own_trouble("x", 0)),
        }
    }

    #[test]
    fn when_nothing_is_written_for_very_long_what_waits_is_bounded() {
        let mut batch = Batch::default();
        let most = MOST_TELLINGS as u64;
        for id in 0..most + 50 {
            batch.merge(Batch::default().tellings([telling(id)]));
        }
        assert_eq!(batch.tellings.len(), MOST_TELLINGS);
        assert!(batch.tellings.contains_key(&0));
    }

    #[test]
    fn what_was_handed_over_before_it_was_written_is_not_written() {
        let mut batch = Batch::default().tellings([telling(1), telling(2)]);
        batch.merge(Batch::default().struck_out(1));
        assert_eq!(batch.tellings.keys().collect::<Vec<_>>(), [&2]);
        assert!(batch.struck_out.contains(&1), "it may be in the file");
    }
}
