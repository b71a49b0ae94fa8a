//! Notifications of many kinds, as fast as they are accepted.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use annunciator::{Engine, Kind, Notification, Route, Severity, store::State};
use tokio::task::JoinSet;

/// Callers that submit at once.
const CALLERS: u64 = 64;
/// As long as messages of a monitor with its numbers are.
const MESSAGE: &str =
    "CRITICAL: prod-web-01.example.com - cpu_monitor.cpu_percent = 95.2 (threshold: > 90.0)";

/// Callers at work.
pub struct Load {
    accepted: Arc<AtomicU64>,
    callers: JoinSet<()>,
}

/// What becomes of a notification, by its number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Delivered,
    Failed,
    Suppressed,
}

fn fate(number: u64) -> Fate {
    match number % 100 {
        0 => Fate::Failed,
        1 => Fate::Suppressed,
        _ => Fate::Delivered,
    }
}

/// How many end in each state.
pub fn expected(wanted: u64) -> BTreeMap<State, u64> {
    let of = |wanted_fate| {
        let numbers = (0..wanted).filter(|number| fate(*number) == wanted_fate);
        numbers.count() as u64
    };
    BTreeMap::from([
        (State::Delivered, of(Fate::Delivered)),
        (State::Failed, of(Fate::Failed)),
        (State::Suppressed, of(Fate::Suppressed)),
    ])
}

impl Load {
    /// Begins to submit so many.
    pub fn begin(engine: &Engine, wanted: u64) -> Self {
        let accepted = Arc::new(AtomicU64::new(0));
        let callers = (0..CALLERS).map(|caller| {
            let (engine, accepted) = (engine.clone(), Arc::clone(&accepted));
            async move {
                for number in (caller..wanted).step_by(CALLERS as usize) {
                    submit(&engine, number).await;
                    accepted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self {
            callers: callers.collect(),
            accepted,
        }
    }

    /// How many were accepted so far.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Waits for the callers.
    pub async fn end(mut self) {
        while let Some(ended) = self.callers.join_next().await {
            ended.unwrap();
        }
    }
}

async fn submit(engine: &Engine, number: u64) {
    let mut notification = Notification::new(format!("{MESSAGE} {number}"))
        .severity(Severity::Warning)
        .attribute("metric_path", "cpu_monitor.cpu_percent");
    // Some belong together: they are sent in their order.
    if number % 10 == 5 {
        notification = notification
            .kind(Kind::Problem)
            .incident(format!("host-{}/cpu", number % 1000));
    }
    let channel = match fate(number) {
        Fate::Delivered => "ops",
        Fate::Failed => "gone",
        Fate::Suppressed => "quiet",
    };
    let key = format!("soak/{number}");
    let route = Route::Channels(std::slice::from_ref(&channel));
    let submitted = engine.submit(route, notification, Some(&key));
    assert!(!submitted.await.unwrap().repeated);
}
