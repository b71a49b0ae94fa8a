//! What is proven of a delivery while the store cannot take it.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use annunciator::{
    Notification, Proof, Route, Severity,
    store::{
        Accepted, Accounts, Answer, Attempt, Claim, DeliveryId, Intake, MemoryStore, Prune, Query,
        Record, Settled, Settlement, State, Store, Wanted,
    },
};
use annunciator_testkit::pushover::USER;

use crate::{
    desk::{ended, records, wait_until},
    groups::{EMERGENCY, oncall},
    pair::Pair,
    trouble::full,
};

/// A store that has no room for so many of the next proofs.
#[derive(Debug)]
struct Deaf {
    store: MemoryStore,
    refuses: AtomicU32,
}

impl Store for Deaf {
    fn prove(&self, delivery: DeliveryId, proof: Proof, now_ms: i64) -> Answer<Vec<DeliveryId>> {
        let refuses = |left: u32| left.checked_sub(1);
        let order = Ordering::SeqCst;
        match self.refuses.fetch_update(order, order, refuses) {
            Ok(_) => full(),
            Err(_) => self.store.prove(delivery, proof, now_ms),
        }
    }
    fn accept(&self, intake: Intake) -> Answer<Accepted> {
        self.store.accept(intake)
    }
    fn claim(&self, wanted: Wanted) -> Answer<Vec<Claim>> {
        self.store.claim(wanted)
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
    fn retry(&self, deliveries: Vec<DeliveryId>, now_ms: i64) -> Answer<u64> {
        self.store.retry(deliveries, now_ms)
    }
    fn deliveries(&self, query: Query) -> Answer<Vec<Record>> {
        self.store.deliveries(query)
    }
    fn attempts(&self, delivery: DeliveryId) -> Answer<Vec<Attempt>> {
        self.store.attempts(delivery)
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
    fn keep(&self, channel: Arc<str>, key: String, value: Option<Vec<u8>>) -> Answer<()> {
        self.store.keep(channel, key, value)
    }
    fn kept(&self, channel: Arc<str>, key: String) -> Answer<Option<Vec<u8>>> {
        self.store.kept(channel, key)
    }
}

#[tokio::test]
async fn what_a_person_has_acknowledged_counts_when_the_disk_has_room_again() {
    let pair = Pair::new().await;
    let store = Arc::new(Deaf {
        store: MemoryStore::default(),
        refuses: AtomicU32::new(3),
    });
    let oncall = oncall("acknowledged", "30m");
    let engine = pair
        .engine_on(Arc::clone(&store) as Arc<dyn Store>, EMERGENCY, &oncall)
        .await;
    let down = Notification::new("down").severity(Severity::Critical);
    engine.submit(Route::Defaults, down, None).await.unwrap();
    let message = pair.pager.wait_for(1).await.unwrap().remove(0);
    wait_until(&engine, |records| records[0].state == State::Delivered).await;
    let receipt = message.receipt.unwrap();
    assert!(pair.pager.acknowledge(&receipt, USER, "droid2"));
    assert_eq!(ended(&engine).await, [State::Delivered, State::Superseded]);
    assert_eq!(store.refuses.load(Ordering::SeqCst), 0);
    let proof = records(&engine).await[0].proof;
    assert_eq!(proof, Some(Proof::Acknowledged));
    assert!(pair.chat().is_empty());
}
