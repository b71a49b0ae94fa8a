//! A store with deliveries of every outcome, and `hbd` beside it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use annunciator::{
    Engine, Notification, Severity,
    store::{Query, Record, SqliteStore, Store as _},
};
use annunciator_testkit::rig::Rig;
use serde_json::Value;

/// What the engine delivers to.
const CHANNELS: &str = "notification_channels:
  good: {type: steady, text: the-remote-s-name}
  bad: {type: steady, outcomes: [ok, never]}
  later: {type: steady, outcomes: [later]}
hosts:
  web-01: {notification_channels: [good, bad]}
  db-01: {notification_channels: [later]}
";

pub struct Desk {
    pub rig: Rig,
}

impl Desk {
    /// Nothing was ever delivered.
    pub fn empty() -> Self {
        let rig = Rig::new(&["fixture-steady"]).unwrap();
        let desk = Self { rig };
        desk.configure(&desk.keeping());
        desk
    }

    /// With a store that has notifications about two hosts: delivery 1 is delivered, 2
    /// failed, 3 waits for its next attempt.
    pub async fn filled() -> Self {
        let desk = Self::empty();
        let engine = desk.engine().await;
        let alert = Notification::new("CPU at 95 %\nand rising")
            .severity(Severity::Critical)
            .incident("web-01/cpu")
            .attribute("metric_path", "cpu");
        engine.notify_host("web-01", alert).await.unwrap();
        let late = Notification::new("the disk is full").title("db-01\u{1b}[2J is in trouble");
        // It is retried after a backoff that no test waits for.
        let submit = engine.submit(annunciator::Route::Host("db-01"), late, None);
        submit.await.unwrap();
        desk.until(|records| {
            let late = records.iter().find(|record| record.channel == "later");
            late.is_some_and(|record| record.attempts == 1)
        })
        .await;
        let _ = engine.shutdown(Duration::from_secs(20)).await;
        desk
    }

    pub fn configure(&self, yaml: &str) {
        drop(self.rig.configured(yaml).unwrap());
    }

    /// The configuration of the engine, which keeps deliveries in the file.
    pub fn keeping(&self) -> String {
        format!(
            "{CHANNELS}delivery: {{store: {}, retry: {{first: 1h, max: 1h}}}}\n",
            self.file().display()
        )
    }

    pub fn file(&self) -> PathBuf {
        self.rig.folder().join("outbox.sqlite")
    }

    pub fn store(&self) -> Arc<SqliteStore> {
        Arc::new(SqliteStore::open(self.file()).unwrap())
    }

    pub async fn engine(&self) -> Engine {
        let builder = self.rig.configured(&self.keeping()).unwrap();
        builder.store(self.store()).start().await.unwrap()
    }

    /// All deliveries, the newest first.
    pub async fn records(&self) -> Vec<Record> {
        let query = Query {
            limit: 1000,
            ..Query::default()
        };
        self.store().deliveries(query).await.unwrap()
    }

    pub async fn until(&self, is_so: impl Fn(&[Record]) -> bool) {
        let waiting = async {
            while !is_so(&self.records().await) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let patience = Duration::from_secs(120);
        tokio::time::timeout(patience, waiting).await.unwrap();
    }

    /// Exit status, standard output, standard error.
    pub fn run(&self, args: &[&str]) -> (i32, String, String) {
        self.rig.hbd(env!("CARGO_BIN_EXE_hbd"), args).unwrap()
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let (_, out, err) = self.run(args);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
    }

    /// The numbers of the deliveries that a call lists.
    pub fn listed(&self, args: &[&str]) -> Vec<i64> {
        let answer = self.json(&[&["deliveries", "--json"], args].concat());
        let deliveries = answer["deliveries"].as_array().unwrap();
        let number = |delivery: &Value| delivery["delivery"].as_i64().unwrap();
        deliveries.iter().map(number).collect()
    }
}
