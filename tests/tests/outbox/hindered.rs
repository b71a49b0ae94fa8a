//! A store that does what it is asked, but not at once or not always.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use annunciator::{
    Proof,
    store::{
        Accepted, Accounts, AcknowledgeRequest, Acknowledged, Answer, Attempt, Claim, ClaimRequest,
        DeliveryId, FeedPage, FeedQuery, IncidentQuery, Intake, MemoryStore, OpenIncident, Prune,
        Query, Record, Settled, Settlement, Store, Superseded,
    },
};
use tokio::sync::Notify;

use crate::store_alerts::full;

/// A store in memory that is hindered.
#[derive(Debug, Default)]
pub struct Hindered {
    store: MemoryStore,
    /// It has no room for so many of the next proofs.
    pub refuses: AtomicU32,
    /// Where there is one, claims are made, and answered only when it is let go.
    pub brake: Option<Arc<Brake>>,
}

/// Holds up what has been done.
#[derive(Debug, Default)]
pub struct Brake {
    /// Something was claimed.
    pub has_claimed: Notify,
    /// The next claim is answered.
    pub let_go: Notify,
}

impl Hindered {
    fn refuses_once_more(&self) -> bool {
        let order = Ordering::SeqCst;
        let refuses = |left: u32| left.checked_sub(1);
        self.refuses.fetch_update(order, order, refuses).is_ok()
    }
}

impl Store for Hindered {
    fn prove(&self, delivery: DeliveryId, proof: Proof, now_ms: i64) -> Answer<Vec<Superseded>> {
        if self.refuses_once_more() {
            return full();
        }
        self.store.prove(delivery, proof, now_ms)
    }
    fn accept(&self, intake: Intake) -> Answer<Accepted> {
        self.store.accept(intake)
    }
    fn known(&self, intake: Intake) -> Answer<Option<Accepted>> {
        self.store.known(intake)
    }
    fn claim(&self, wanted: ClaimRequest) -> Answer<Vec<Claim>> {
        let (claiming, brake) = (self.store.claim(wanted), self.brake.clone());
        Box::pin(async move {
            let claims = claiming.await?;
            if let Some(brake) = brake.filter(|_| !claims.is_empty()) {
                brake.has_claimed.notify_one();
                brake.let_go.notified().await;
            }
            Ok(claims)
        })
    }
    fn settle(&self, settlement: Settlement) -> Answer<Settled> {
        self.store.settle(settlement)
    }
    fn next_due(&self, now_ms: i64) -> Answer<Option<i64>> {
        self.store.next_due(now_ms)
    }
    fn next_expiry(&self, channel: String, now_ms: i64) -> Answer<Option<i64>> {
        self.store.next_expiry(channel, now_ms)
    }
    fn ready(&self, now_ms: i64) -> Answer<Vec<String>> {
        self.store.ready(now_ms)
    }
    fn acknowledge(&self, request: AcknowledgeRequest) -> Answer<Acknowledged> {
        if self.refuses_once_more() {
            return full();
        }
        self.store.acknowledge(request)
    }
    fn withdraw(&self, incident: String, now_ms: i64) -> Answer<bool> {
        self.store.withdraw(incident, now_ms)
    }
    fn incidents(&self, query: IncidentQuery) -> Answer<Vec<OpenIncident>> {
        self.store.incidents(query)
    }
    fn retry(&self, deliveries: Vec<DeliveryId>, now_ms: i64) -> Answer<u64> {
        self.store.retry(deliveries, now_ms)
    }
    fn deliveries(&self, query: Query) -> Answer<Vec<Record>> {
        self.store.deliveries(query)
    }
    fn attempts(&self, delivery: DeliveryId) -> Answer<Vec<Attempt>> {
        self.store.attempts(delivery)
    }
    fn feed(&self, query: FeedQuery) -> Answer<FeedPage> {
        self.store.feed(query)
    }
    fn accounts(&self) -> Answer<Accounts> {
        self.store.accounts()
    }
    fn is_shared(&self) -> bool {
        self.store.is_shared()
    }
    fn prune(&self, prune: Prune) -> Answer<u64> {
        self.store.prune(prune)
    }
    fn kv_put(&self, channel: Arc<str>, key: String, value: Option<Vec<u8>>) -> Answer<()> {
        self.store.kv_put(channel, key, value)
    }
    fn kv_get(&self, channel: Arc<str>, key: String) -> Answer<Option<Vec<u8>>> {
        self.store.kv_get(channel, key)
    }
}
