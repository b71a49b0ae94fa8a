//! What a plugin logs, wherever it runs, appears in the program's log under the
//! channel's name.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use annunciator::Isolation;
use annunciator_testkit::rig::{Rig, worker};
use tracing_subscriber::fmt::MakeWriter;

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    fn text(&self) -> String {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&log).into_owned()
    }
}

const LINES: [&str; 9] = [
    "in a delivery",
    "in a delivery, by log: 7",
    "in a task of the host",
    "in a task of its own",
    "in a task of its own, by log",
    "a task of the plugin's own runtime panicked: ",
    "on its own runtime",
    "in a task that tokio spawned",
    "on a blocking thread",
];

/// One test: there is one log for a process.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_thread_a_plugin_logs_on_the_channel_s_name_stands_in_the_line() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_ansi(false)
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .init();
    for (name, isolation) in [("here", Isolation::None), ("apart", Isolation::Process)] {
        let rig = Rig::new(&["fixture-talkative"]).unwrap();
        let yaml = format!(
            "notification_channels: {{{name}: {{type: talkative}}}}
default_notification_channels: [{name}]
"
        );
        let builder = rig.configured(&yaml).unwrap().worker(worker().unwrap());
        let engine = builder.default_isolation(isolation).start().await.unwrap();
        let report = engine.notify_default("hello").await.unwrap();
        assert!(report.all_delivered(), "{report:?}");
        let of_channel = || -> Vec<String> {
            let text = log.text();
            let lines = text.lines().filter(|line| line.contains(name));
            lines.map(str::to_owned).collect()
        };
        let missing = || -> Vec<&str> {
            let lines = of_channel();
            let is_there = |said: &&&str| !lines.iter().any(|line| line.contains(**said));
            LINES.iter().filter(is_there).copied().collect()
        };
        // What a worker logs comes when it comes.
        for _ in 0..2000 {
            if missing().is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(missing(), [""; 0], "{name}: {}", log.text());
        assert!(!log.text().contains("too detailed"));
        let _drained = engine.shutdown(std::time::Duration::from_secs(10)).await;
    }
}
