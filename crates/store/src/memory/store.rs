//! The handle on a store in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{indexes::Indexes, key_value::KeyValues, windows::Windows};
use crate::{
    Accepted, Accounts, AcknowledgeRequest, Acknowledged, Answer, Attempt, Claim, ClaimRequest,
    DeliveryId, FeedPage, FeedQuery, IncidentQuery, Intake, OpenIncident, Proof, Prune, Query,
    Record, Settled, Settlement, Store, StoreError, Superseded,
};

/// The default number of notifications that are remembered after all of their deliveries have
/// ended: enough to see what happened last, in a few megabytes.
const MAX_REMEMBERED: usize = 1000;

/// A store in memory. Clones are handles on the same store, which ends with the last of them.
///
/// Its answers are ready at once. The only error is [`StoreError::Conflict`].
#[derive(Debug, Clone)]
pub struct MemoryStore(Arc<Mutex<Memory>>);

/// The data that the handles share.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) indexes: Indexes,
    /// Notifications by their idempotency keys.
    pub(super) keys: HashMap<String, i64>,
    /// Without the counts of states, which are counted when they are read.
    pub(super) accounts: Accounts,
    pub(super) windows: Windows,
    key_values: HashMap<Arc<str>, KeyValues>,
    pub(super) max_remembered: usize,
}

impl Default for MemoryStore {
    /// Creates a store that remembers 1000 notifications whose deliveries have all ended.
    fn default() -> Self {
        Self::remembering(MAX_REMEMBERED)
    }
}

impl MemoryStore {
    /// Creates a store that remembers this many notifications whose deliveries have all ended.
    /// Older ones are deleted without a call of [`prune`](Store::prune), and counted as pruned.
    #[must_use]
    pub fn remembering(notifications: usize) -> Self {
        Self(Arc::new(Mutex::new(Memory {
            indexes: Indexes::default(),
            keys: HashMap::new(),
            accounts: Accounts::default(),
            windows: Windows::default(),
            key_values: HashMap::new(),
            max_remembered: notifications,
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
        let accepted = self.lock().accept(&intake);
        Box::pin(std::future::ready(accepted))
    }

    fn known(&self, intake: Intake) -> Answer<Option<Accepted>> {
        let known = self.lock().known(&intake);
        Box::pin(std::future::ready(known))
    }

    fn claim(&self, request: ClaimRequest) -> Answer<Vec<Claim>> {
        at_once(self.lock().claim(&request))
    }

    fn settle(&self, settlement: Settlement) -> Answer<Settled> {
        at_once(self.lock().settle(&settlement))
    }

    fn next_due(&self, now_ms: i64) -> Answer<Option<i64>> {
        at_once(self.lock().indexes.next_due(now_ms))
    }

    fn next_expiry(&self, channel: String, now_ms: i64) -> Answer<Option<i64>> {
        at_once(self.lock().indexes.next_expiry(&channel, now_ms))
    }

    fn ready(&self, now_ms: i64) -> Answer<Vec<String>> {
        at_once(self.lock().indexes.ready(now_ms))
    }

    fn prove(&self, delivery: DeliveryId, proof: Proof, now_ms: i64) -> Answer<Vec<Superseded>> {
        at_once(self.lock().indexes.prove(delivery, proof, now_ms))
    }

    fn acknowledge(&self, request: AcknowledgeRequest) -> Answer<Acknowledged> {
        at_once(self.lock().acknowledge(&request))
    }

    fn withdraw(&self, incident: String, now_ms: i64) -> Answer<bool> {
        at_once(self.lock().indexes.withdraw(&incident, now_ms))
    }

    fn incidents(&self, query: IncidentQuery) -> Answer<Vec<OpenIncident>> {
        at_once(self.lock().indexes.open_incidents(&query))
    }

    fn retry(&self, deliveries: Vec<DeliveryId>, now_ms: i64) -> Answer<u64> {
        at_once(self.lock().retry(&deliveries, now_ms))
    }

    fn deliveries(&self, query: Query) -> Answer<Vec<Record>> {
        let memory = self.lock();
        let records = memory.indexes.newest_first(query.before);
        let asked_for = records.filter(|record| query.asks_for(record));
        at_once(asked_for.take(query.limit as usize).collect())
    }

    fn attempts(&self, delivery: DeliveryId) -> Answer<Vec<Attempt>> {
        let memory = self.lock();
        let stored = memory.indexes.delivery(delivery);
        at_once(
            stored
                .map(|stored| stored.tried.clone())
                .unwrap_or_default(),
        )
    }

    fn feed(&self, query: FeedQuery) -> Answer<FeedPage> {
        at_once(self.lock().indexes.feed(query))
    }

    fn accounts(&self) -> Answer<Accounts> {
        let mut memory = self.lock();
        memory.accounts.states = memory.indexes.count();
        at_once(memory.accounts.clone())
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn prune(&self, prune: Prune) -> Answer<u64> {
        at_once(self.lock().prune(&prune))
    }

    fn kv_put(&self, channel: Arc<str>, key: String, value: Option<Vec<u8>>) -> Answer<()> {
        let mut memory = self.lock();
        memory
            .key_values
            .entry(channel)
            .or_default()
            .set(key, value);
        at_once(())
    }

    fn kv_get(&self, channel: Arc<str>, key: String) -> Answer<Option<Vec<u8>>> {
        let memory = self.lock();
        let values = memory.key_values.get(&channel);
        at_once(values.and_then(|values| values.value(&key)))
    }
}
