//! A store that cannot be used: people are told all the same.

use std::sync::Arc;

use annunciator::{
    NotifyError, Route,
    store::{
        Accepted, Accounts, Answer, Attempt, Claim, DeliveryId, Intake, Query, Record, Settled,
        Settlement, Store, StoreError, Wanted,
    },
};

use crate::desk::Desk;

/// A store whose disk is full.
#[derive(Debug)]
struct Full;

fn full<T: Send + 'static>() -> Answer<T> {
    Box::pin(std::future::ready(Err(StoreError::Unusable {
        path: "outbox.sqlite".into(),
        action: "written",
        detail: "the disk is full".to_owned(),
    })))
}

impl Store for Full {
    fn accept(&self, _: Intake) -> Answer<Accepted> {
        full()
    }
    fn claim(&self, _: Wanted) -> Answer<Vec<Claim>> {
        full()
    }
    fn settle(&self, _: Settlement) -> Answer<Settled> {
        full()
    }
    fn next_due(&self, _: i64) -> Answer<Option<i64>> {
        full()
    }
    fn ready(&self, _: i64) -> Answer<Vec<String>> {
        full()
    }
    fn retry(&self, _: Vec<DeliveryId>, _: i64) -> Answer<u64> {
        full()
    }
    fn deliveries(&self, _: Query) -> Answer<Vec<Record>> {
        full()
    }
    fn attempts(&self, _: DeliveryId) -> Answer<Vec<Attempt>> {
        full()
    }
    fn accounts(&self) -> Answer<Accounts> {
        full()
    }
    fn is_shared(&self) -> bool {
        true
    }
    fn prune(&self, _: i64, _: u32) -> Answer<u64> {
        full()
    }
}

#[tokio::test]
async fn a_full_disk_keeps_nobody_from_being_told() {
    let desk = Desk::new().await;
    let engine = desk.engine_on(Arc::new(Full)).await;
    let report = engine.notify_default("disk full").await.unwrap();
    assert!(report.all_delivered(), "{report:?}");
    assert_eq!(desk.arrived(), ["disk full"]);
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_accepted() {
    let desk = Desk::new().await;
    let engine = desk.engine_on(Arc::new(Full)).await;
    let refused = engine.submit(Route::Defaults, "disk full", None).await;
    let Err(NotifyError::Store(error)) = refused else {
        panic!("it was accepted: {refused:?}");
    };
    assert_eq!(
        error.to_string(),
        "the store outbox.sqlite cannot be written: the disk is full"
    );
    assert!(desk.arrived().is_empty());
}

#[tokio::test]
async fn an_engine_without_a_store_says_so() {
    let desk = Desk::new().await;
    let yaml = "notification_channels: {}\n";
    let engine = desk.rig.start(yaml).await.unwrap();
    let refused = engine.submit(Route::Defaults, "x", None).await;
    assert!(matches!(refused, Err(NotifyError::NoStore)));
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let desk = Desk::new().await;
    let engine = desk.engine().await;
    for key in [String::new(), "k".repeat(513)] {
        let refused = engine.submit(Route::Defaults, "x", Some(&key)).await;
        assert!(matches!(refused, Err(NotifyError::Key)), "{key}");
    }
}
