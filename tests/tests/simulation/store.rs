//! A store that is watched: how many of its answers are outstanding, so that it is
//! known when nothing more happens by itself, and when each channel was last handed
//! something.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use annunciator::{
    Proof,
    store::{
        Accepted, Accounts, AcknowledgeRequest, Acknowledged, Answer, Attempt, Claim, ClaimRequest,
        DeliveryId, FeedPage, FeedQuery, IncidentQuery, Intake, MemoryStore, OpenIncident, Prune,
        Query, Record, Settled, Settlement, SqliteStore, Store, Superseded,
    },
};
use tempfile::TempDir;

#[derive(Debug)]
pub struct Watched {
    store: Arc<dyn Store>,
    _folder: Option<TempDir>,
    outstanding: Arc<AtomicUsize>,
    last_claims: Arc<Mutex<HashMap<String, i64>>>,
}

/// Which store an engine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Memory,
    File,
}

impl Watched {
    pub fn new(kind: Kind) -> Self {
        let (store, folder): (Arc<dyn Store>, _) = match kind {
            Kind::Memory => (Arc::new(MemoryStore::remembering(usize::MAX)), None),
            Kind::File => {
                let folder = tempfile::tempdir().unwrap();
                let file = folder.path().join("outbox.sqlite");
                (Arc::new(SqliteStore::open(&file).unwrap()), Some(folder))
            }
        };
        Self {
            store,
            _folder: folder,
            outstanding: Arc::default(),
            last_claims: Arc::default(),
        }
    }

    pub fn outstanding(&self) -> usize {
        self.outstanding.load(Ordering::SeqCst)
    }

    /// When something was last handed out to a channel.
    pub fn last_claim_ms(&self, channel: &str) -> Option<i64> {
        self.last_claims.lock().unwrap().get(channel).copied()
    }

    fn watch<T: Send + 'static>(&self, answer: Answer<T>) -> Answer<T> {
        let open = Open::new(&self.outstanding);
        Box::pin(async move {
            let answer = answer.await;
            drop(open);
            answer
        })
    }
}

/// An answer that somebody waits for.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(outstanding: &Arc<AtomicUsize>) -> Self {
        outstanding.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(outstanding))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Store for Watched {
    fn accept(&self, intake: Intake) -> Answer<Accepted> {
        self.watch(self.store.accept(intake))
    }
    fn known(&self, intake: Intake) -> Answer<Option<Accepted>> {
        self.watch(self.store.known(intake))
    }
    fn claim(&self, wanted: ClaimRequest) -> Answer<Vec<Claim>> {
        let (channel, now_ms) = (wanted.channel.to_string(), wanted.now_ms);
        let last_claims = Arc::clone(&self.last_claims);
        let is_handed_out = !wanted.only_expired;
        let claimed = self.store.claim(wanted);
        self.watch(Box::pin(async move {
            let claims = claimed.await?;
            if !claims.is_empty() && is_handed_out {
                last_claims.lock().unwrap().insert(channel, now_ms);
            }
            Ok(claims)
        }))
    }
    fn settle(&self, settlement: Settlement) -> Answer<Settled> {
        self.watch(self.store.settle(settlement))
    }
    fn next_due(&self, now_ms: i64) -> Answer<Option<i64>> {
        self.watch(self.store.next_due(now_ms))
    }
    fn next_expiry(&self, channel: String, now_ms: i64) -> Answer<Option<i64>> {
        self.watch(self.store.next_expiry(channel, now_ms))
    }
    fn ready(&self, now_ms: i64) -> Answer<Vec<String>> {
        self.watch(self.store.ready(now_ms))
    }
    fn prove(&self, delivery: DeliveryId, proof: Proof, now_ms: i64) -> Answer<Vec<Superseded>> {
        self.watch(self.store.prove(delivery, proof, now_ms))
    }
    fn acknowledge(&self, request: AcknowledgeRequest) -> Answer<Acknowledged> {
        self.watch(self.store.acknowledge(request))
    }
    fn withdraw(&self, incident: String, now_ms: i64) -> Answer<bool> {
        self.watch(self.store.withdraw(incident, now_ms))
    }
    fn incidents(&self, query: IncidentQuery) -> Answer<Vec<OpenIncident>> {
        self.watch(self.store.incidents(query))
    }
    fn retry(&self, deliveries: Vec<DeliveryId>, now_ms: i64) -> Answer<u64> {
        self.watch(self.store.retry(deliveries, now_ms))
    }
    fn deliveries(&self, query: Query) -> Answer<Vec<Record>> {
        self.watch(self.store.deliveries(query))
    }
    fn attempts(&self, delivery: DeliveryId) -> Answer<Vec<Attempt>> {
        self.watch(self.store.attempts(delivery))
    }
    fn feed(&self, query: FeedQuery) -> Answer<FeedPage> {
        self.watch(self.store.feed(query))
    }
    fn accounts(&self) -> Answer<Accounts> {
        self.watch(self.store.accounts())
    }
    /// Nobody else has it: a due time must be met without looking for it.
    fn is_shared(&self) -> bool {
        false
    }
    fn prune(&self, prune: Prune) -> Answer<u64> {
        self.watch(self.store.prune(prune))
    }
    fn kv_put(&self, channel: Arc<str>, key: String, value: Option<Vec<u8>>) -> Answer<()> {
        self.watch(self.store.kv_put(channel, key, value))
    }
    fn kv_get(&self, channel: Arc<str>, key: String) -> Answer<Option<Vec<u8>>> {
        self.watch(self.store.kv_get(channel, key))
    }
}
