//! Who has acknowledged a delivery reaches the engine, wherever the plugin runs: the log says it.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use annunciator::{Isolation, Notification, Route, Severity, store::MemoryStore};
use annunciator_testkit::{
    hasty::Hasty,
    pushover::{Pushover, TOKEN, USER},
    rig::{Rig, worker},
};
use annunciator_tests::foreign::WAIT_TIMEOUT;

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Returns how many lines have all of these texts.
    fn count(&self, texts: [&str; 3]) -> usize {
        let log = self.0.lock().unwrap();
        let log = String::from_utf8_lossy(&log);
        let lines = log.lines();
        lines
            .filter(|line| texts.iter().all(|text| line.contains(text)))
            .count()
    }
}

/// One test: there is one log for a process.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_acknowledged_is_known_in_the_engine_from_a_worker_too() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .init();
    for (isolation, name) in [(Isolation::None, "anna"), (Isolation::Process, "bob")] {
        let service = Pushover::start().await;
        let rig = Rig::new(&["annunciator-pushover"]).unwrap();
        let yaml = format!(
            "notification_channels:
  pager:
    type: pushover
    api_url: '{}'
    token: {TOKEN}
    user: {USER}
    people: {{{name}: {USER}}}
    priority: emergency
    retry: 30
default_notification_channels: [pager]
",
            service.url()
        );
        let builder = rig.configured(&yaml).unwrap().worker(worker().unwrap());
        let builder = builder.default_isolation(isolation);
        let builder = builder.clock(Arc::new(Hasty::default()));
        let builder = builder.store(Arc::new(MemoryStore::default()));
        let engine = builder.start().await.unwrap();
        let down = Notification::new("down").severity(Severity::Critical);
        engine.submit(Route::Defaults, down, None).await.unwrap();
        let receipt = service.wait_for(1).await.unwrap()[0].receipt.clone();
        assert!(service.acknowledge(&receipt.unwrap(), USER, "droid2"));
        let by = format!("by=\"{name}\"");
        let said = ["a delivery has a greater proof", "\"acknowledged\"", &by];
        let seen = async {
            while log.count(said) == 0 {
                tokio::task::yield_now().await;
            }
        };
        let seen = tokio::time::timeout(WAIT_TIMEOUT, seen).await;
        let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
        assert!(seen.is_ok(), "{text}");
        assert!(!text.contains(USER), "{text}");
    }
}
