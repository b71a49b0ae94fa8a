//! An engine with a store, a channel, and the server behind it.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use annunciator::{
    Clock, Engine, Receipt, Route,
    store::{Attempt, MemoryStore, Query, Record, SqliteStore, State, Store},
};
use annunciator_testkit::{
    hasty::Hasty,
    http::{Answer, Fault},
    mattermost::Mattermost,
    rig::Rig,
};
use annunciator_tests::foreign::WAIT_TIMEOUT;
use serde_json::json;

pub struct Desk {
    pub rig: Rig,
    pub remote: Mattermost,
    clock: Arc<dyn Clock>,
    options: String,
}

impl Desk {
    pub async fn new() -> Self {
        Self {
            rig: Rig::new(&["annunciator-mattermost"]).unwrap(),
            remote: Mattermost::builder()
                .channel("ops")
                .hook("h1", "ops")
                .start()
                .await,
            clock: Arc::new(Hasty::default()),
            // So that no attempts are used up while a test prepares the next.
            options: "retry: {attempts: 100, max: 20s}".to_owned(),
        }
    }

    /// From now on it is later by so much.
    pub fn later(&mut self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.clock = Arc::new(Hasty::going_on_from(self.clock.now_ms() + by));
    }

    /// It is this time, in milliseconds since the epoch.
    pub fn at(self, now_ms: i64) -> Self {
        let clock = Arc::new(Hasty::going_on_from(now_ms));
        Self { clock, ..self }
    }

    /// With these options for the channel's deliveries.
    pub fn with(self, options: &str) -> Self {
        let options = options.to_owned();
        Self { options, ..self }
    }

    /// Waits until so much time has passed.
    pub async fn pass(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    pub fn file(&self) -> PathBuf {
        self.rig.folder().join("outbox.sqlite")
    }

    /// An engine that keeps deliveries in memory.
    pub async fn engine(&self) -> Engine {
        self.engine_on(Arc::new(MemoryStore::default())).await
    }

    /// An engine that keeps them in the file.
    pub async fn engine_on_file(&self) -> Engine {
        self.engine_on(Arc::new(SqliteStore::open(self.file()).unwrap()))
            .await
    }

    pub async fn engine_on(&self, store: Arc<dyn Store>) -> Engine {
        let yaml = format!(
            "notification_channels:
  ops: {{type: mattermost, host: '{}', token: h1, channel: ops, delivery: {{{}}}}}
default_notification_channels: [ops]
",
            self.remote.url(),
            self.options
        );
        let builder = self.rig.exactly(&yaml).unwrap();
        let builder = builder.clock(Arc::clone(&self.clock)).store(store);
        builder.start().await.unwrap()
    }

    /// What arrived.
    pub fn arrived(&self) -> Vec<String> {
        self.remote
            .messages()
            .into_iter()
            .map(|post| {
                let text = &post.attachments()[0]["text"];
                text.as_str().unwrap().to_owned()
            })
            .collect()
    }
}

/// An error with this status.
pub fn status(status: u16) -> Fault {
    Fault::Answer(Answer::json(status, &json!({"message": "no"})))
}

pub async fn submit(engine: &Engine, text: &str) -> Receipt {
    engine.submit(Route::Defaults, text, None).await.unwrap()
}

/// All deliveries, the oldest first.
pub async fn records(engine: &Engine) -> Vec<Record> {
    let query = Query {
        limit: 1000,
        ..Query::default()
    };
    let mut records = engine.store().unwrap().deliveries(query).await.unwrap();
    records.reverse();
    records
}

/// Waits until all deliveries have ended; answers their states.
pub async fn ended(engine: &Engine) -> Vec<State> {
    wait_until(engine, |records| {
        records.iter().all(|record| record.state.has_ended())
    })
    .await
}

/// Waits for a condition of the deliveries; answers their states.
pub async fn wait_until(engine: &Engine, reached: impl Fn(&[Record]) -> bool) -> Vec<State> {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let records = records(engine).await;
        if reached(&records) {
            let accounts = engine.store().unwrap().accounts().await.unwrap();
            assert_eq!(accounts.difference(), 0, "{accounts:?}");
            return records.into_iter().map(|record| record.state).collect();
        }
        assert!(Instant::now() < deadline, "waited in vain: {records:#?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The attempts of the first delivery.
pub async fn attempts(engine: &Engine) -> Vec<Attempt> {
    let first = records(engine).await[0].delivery;
    engine.store().unwrap().attempts(first).await.unwrap()
}
