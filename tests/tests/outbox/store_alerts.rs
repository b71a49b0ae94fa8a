//! A store that cannot be used: people are told all the same.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use annunciator::{
    Kind, Notification, NotifyError, Proof, Route, Severity,
    store::{
        Accepted, Accounts, AcknowledgeRequest, Acknowledged, Answer, Attempt, Claim, ClaimRequest,
        DeliveryId, FeedPage, FeedQuery, IncidentQuery, Intake, OpenIncident, Prune, Query, Record,
        Settled, Settlement, Store, StoreError, Superseded,
    },
};

use annunciator_tests::foreign::WAIT_TIMEOUT;
use futures_util::future::join_all;

use crate::desk::Desk;

/// A store whose disk is full, or does not answer at all.
#[derive(Debug)]
enum Broken {
    Full,
    Silent,
}

impl Broken {
    fn answer<T: Send + 'static>(&self) -> Answer<T> {
        match self {
            Self::Full => full(),
            Self::Silent => Box::pin(std::future::pending()),
        }
    }
}

pub fn full<T: Send + 'static>() -> Answer<T> {
    Box::pin(std::future::ready(Err(StoreError::Unusable {
        path: "outbox.sqlite".into(),
        action: "written",
        detail: "the disk is full".to_owned(),
    })))
}

impl Store for Broken {
    fn accept(&self, _: Intake) -> Answer<Accepted> {
        self.answer()
    }
    fn known(&self, _: Intake) -> Answer<Option<Accepted>> {
        self.answer()
    }
    fn claim(&self, _: ClaimRequest) -> Answer<Vec<Claim>> {
        self.answer()
    }
    fn settle(&self, _: Settlement) -> Answer<Settled> {
        self.answer()
    }
    fn next_due(&self, _: i64) -> Answer<Option<i64>> {
        self.answer()
    }
    fn next_expiry(&self, _: String, _: i64) -> Answer<Option<i64>> {
        self.answer()
    }
    fn ready(&self, _: i64) -> Answer<Vec<String>> {
        self.answer()
    }
    fn acknowledge(&self, _: AcknowledgeRequest) -> Answer<Acknowledged> {
        self.answer()
    }
    fn withdraw(&self, _: String, _: i64) -> Answer<bool> {
        self.answer()
    }
    fn incidents(&self, _: IncidentQuery) -> Answer<Vec<OpenIncident>> {
        self.answer()
    }
    fn retry(&self, _: Vec<DeliveryId>, _: i64) -> Answer<u64> {
        self.answer()
    }
    fn deliveries(&self, _: Query) -> Answer<Vec<Record>> {
        self.answer()
    }
    fn attempts(&self, _: DeliveryId) -> Answer<Vec<Attempt>> {
        self.answer()
    }
    fn feed(&self, _: FeedQuery) -> Answer<FeedPage> {
        self.answer()
    }
    fn accounts(&self) -> Answer<Accounts> {
        self.answer()
    }
    fn is_shared(&self) -> bool {
        true
    }
    fn prove(&self, _: DeliveryId, _: Proof, _: i64) -> Answer<Vec<Superseded>> {
        self.answer()
    }
    fn kv_put(&self, _: Arc<str>, _: String, _: Option<Vec<u8>>) -> Answer<()> {
        self.answer()
    }
    fn kv_get(&self, _: Arc<str>, _: String) -> Answer<Option<Vec<u8>>> {
        self.answer()
    }
    fn prune(&self, _: Prune) -> Answer<u64> {
        self.answer()
    }
}

#[tokio::test]
async fn a_full_disk_keeps_nobody_from_being_notified() {
    let desk = Desk::new().await;
    let engine = desk.engine_on(Arc::new(Broken::Full)).await;
    let report = engine.notify_default("disk full").await.unwrap();
    assert!(report.all_delivered(), "{report:?}");
    let again = engine.notify_default("disk full, once more").await.unwrap();
    assert!(again.all_delivered(), "{again:?}");
    // Among it, once, that deliveries cannot be recorded.
    desk.remote.wait_for(3).await.unwrap();
    let mut arrived = desk.arrived();
    arrived.retain(|text| !text.starts_with("disk full"));
    let [own] = arrived.as_slice() else {
        panic!("{arrived:?}");
    };
    assert!(own.starts_with("Deliveries cannot be recorded: "), "{own}");
    assert!(own.contains("the disk is full"), "{own}");
    assert_eq!(engine.alerts()[0].subject, "store");
}

#[tokio::test]
async fn a_disk_that_hangs_keeps_nobody_from_being_notified() {
    let desk = Desk::new().await;
    let engine = desk.engine_on(Arc::new(Broken::Silent)).await;
    let report = engine.notify_default("disk hangs").await.unwrap();
    assert!(report.all_delivered(), "{report:?}");
    // The engine's own trouble may have arrived by now.
    assert!(desk.arrived().contains(&"disk hangs".to_owned()));
    let ending = engine.shutdown(Duration::ZERO);
    let _ = tokio::time::timeout(WAIT_TIMEOUT, ending).await.unwrap();
}

/// A store that does not answer must not hold all places for attempts of a channel.
#[tokio::test]
async fn a_disk_that_hangs_takes_no_place_from_the_attempts_without_a_record() {
    const MORE_THAN_A_CHANNEL_HAS_PLACES: usize = 100;
    let desk = Desk::new().await;
    let engine = desk.engine_on(Arc::new(Broken::Silent)).await;
    let all = (0..MORE_THAN_A_CHANNEL_HAS_PLACES).map(|_| engine.notify_default("disk hangs"));
    let all = tokio::time::timeout(WAIT_TIMEOUT, join_all(all))
        .await
        .unwrap();
    assert!(all.iter().all(|one| one.as_ref().unwrap().all_delivered()));
    let mut arrived = desk.arrived();
    arrived.retain(|text| text == "disk hangs");
    assert_eq!(arrived.len(), MORE_THAN_A_CHANNEL_HAS_PLACES);
    let ending = engine.shutdown(Duration::ZERO);
    let _ = tokio::time::timeout(WAIT_TIMEOUT, ending).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_accepted() {
    let desk = Desk::new().await;
    let engine = desk.engine_on(Arc::new(Broken::Full)).await;
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
    let yaml = "notification_channels: {}\ndelivery: {store: none}\n";
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

#[tokio::test]
async fn a_key_that_was_used_for_something_else_is_refused() {
    let desk = Desk::new().await;
    let engine = desk.engine().await;
    let disk = || {
        Notification::new("disk full")
            .title("db-01")
            .incident("db-01/disk")
            .attribute("path", "/var")
            .attribute("used", "95 %")
    };
    let submit = async |route, notification| engine.submit(route, notification, Some("k")).await;
    let first = submit(Route::Defaults, disk()).await.unwrap();
    // It was not said when it happened, and in what order something is known is all
    // the same.
    let turned = Notification::new("disk full")
        .title("db-01")
        .incident("db-01/disk")
        .attribute("used", "95 %")
        .attribute("path", "/var");
    let again = submit(Route::Defaults, turned).await.unwrap();
    assert!(again.repeated && again.notification == first.notification);
    let named = engine.config().default_channels().join(",");
    for (route, notification, differs) in [
        (
            Route::Defaults,
            Notification::new("secret")
                .title("db-01")
                .incident("db-01/disk")
                .attribute("path", "/var")
                .attribute("used", "95 %"),
            "message differs",
        ),
        (Route::Defaults, disk().title("secret"), "title differs"),
        (
            Route::Defaults,
            disk().severity(Severity::Critical),
            "severity differs",
        ),
        (Route::Defaults, disk().kind(Kind::Problem), "kind differs"),
        (
            Route::Defaults,
            disk().incident("secret"),
            "incident differs",
        ),
        (Route::Host("secret"), disk(), "host differs"),
        (Route::Channels(&[named.as_str()]), disk(), "route differs"),
        (
            Route::Defaults,
            disk().occurred_at(SystemTime::UNIX_EPOCH),
            "time of occurrence differs",
        ),
        (
            Route::Defaults,
            disk().attribute("secret", "2"),
            "attributes differ",
        ),
        (
            Route::Defaults,
            disk().title("secret").attribute("secret", "2"),
            "title and its attributes differ",
        ),
    ] {
        let refused = submit(route, notification).await.unwrap_err();
        let text = format!(
            "the idempotency key `k` was used before, for another notification: its {differs}"
        );
        assert!(matches!(refused, NotifyError::Conflict { .. }), "{refused}");
        assert_eq!(refused.to_string(), text);
    }
    // That is nobody's trouble.
    assert!(engine.alerts().is_empty());
}

#[tokio::test]
async fn a_key_whose_time_was_said_stands_for_that_time() {
    let desk = Desk::new().await;
    let engine = desk.engine().await;
    let at = |seconds| {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        Notification::new("disk full").occurred_at(at)
    };
    let submit = async |notification: Notification| {
        engine
            .submit(Route::Defaults, notification, Some("k"))
            .await
    };
    assert!(!submit(at(5)).await.unwrap().repeated);
    assert!(submit(at(5)).await.unwrap().repeated);
    for other in [at(6), Notification::new("disk full")] {
        let refused = submit(other).await.unwrap_err();
        assert!(
            refused
                .to_string()
                .ends_with("its time of occurrence differs"),
            "{refused}"
        );
    }
}
