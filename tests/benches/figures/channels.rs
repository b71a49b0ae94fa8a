//! An engine with one channel, and how many notifications it delivers.

use std::{error::Error, time::Instant};

use annunciator::{Engine, Notification, Severity};
use tokio::{runtime::Runtime, task::JoinSet};

use super::sample::per_second;

/// The name of the only channel.
pub(crate) const NAME: &str = "ops";

/// What is sent: the length of a usual alert.
pub(crate) fn notification() -> Notification {
    Notification::new(
        "CPU at 95 % for ten minutes; the five busiest processes are rustc, \
         rustc, ld, postgres and node. The threshold is 90 %.",
    )
    .title("prod-web-01 is busy")
    .severity(Severity::Critical)
    .attribute("metric_path", "cpu_monitor.cpu_percent")
    .attribute("value", "95")
}

/// Notifications in a second, with `in_flight` of them under way at any time.
pub(crate) fn deliver(
    runtime: &Runtime,
    engine: &Engine,
    count: u32,
    in_flight: u32,
) -> Result<f64, Box<dyn Error>> {
    runtime.block_on(async {
        let start = Instant::now();
        let mut senders = JoinSet::new();
        for _ in 0..in_flight {
            let engine = engine.clone();
            senders.spawn(async move {
                for _ in 0..count / in_flight {
                    let notified = engine.notify_channels(&[NAME], notification()).await;
                    let report = notified.map_err(|error| error.to_string())?;
                    if !report.all_delivered() {
                        let targets = report.channels().get(NAME).map(|one| &one.targets);
                        return Err(format!("not delivered: {targets:?}"));
                    }
                }
                Ok(())
            });
        }
        while let Some(sender) = senders.join_next().await {
            sender??;
        }
        Ok(per_second(count, start.elapsed()))
    })
}
