//! An engine takes and delivers notifications for a long time: its memory and
//! its descriptors stay what they were after the first tenth, and what was
//! accepted is somewhere. Alone in its process, since it counts what the whole
//! process takes.
//!
//! `load` submits, `vitals` looks at the process meanwhile.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod load;
mod vitals;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use annunciator::{
    Engine,
    store::{Accounts, SqliteStore, State},
};
use annunciator_testkit::rig::Rig;

use load::Load;
use vitals::{Vitals, megabytes, table};

/// As many as are taken wherever the tests run; `cargo xtask soak` takes more.
const NOTIFICATIONS: u64 = 20_000;
/// How often the process is looked at.
const PACE: Duration = Duration::from_secs(1);
/// How often it is seen whether the first tenth is over.
const TICK: Duration = Duration::from_millis(50);
/// How much more memory it may take than after the first tenth.
const MOST_GROWTH: u64 = 30_000_000;
/// Enough for what is left when all was accepted, whatever else the machine
/// does.
const PATIENCE: Duration = Duration::from_secs(600);

const CHANNELS: &str = "notification_channels:
  ops: {type: steady, text: taken}
  gone: {type: steady, outcomes: [never]}
  quiet: {type: steady, delivery: {min_severity: critical}}
default_notification_channels: [ops]
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_first_tenth_nothing_grows_but_the_file() {
    let wanted = std::env::var("ANNUNCIATOR_SOAK_NOTIFICATIONS").ok();
    let wanted = wanted.map_or(NOTIFICATIONS, |text| text.parse().unwrap());
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let file = rig.folder().join("outbox.sqlite");
    let store = Arc::new(SqliteStore::open(&file).unwrap());
    let builder = rig.configured(CHANNELS).unwrap();
    let engine = builder.store(store).start().await.unwrap();
    // What is opened when it is first used is open.
    assert_eq!(all_ended(&engine).await.accepted, 0);
    let began = Instant::now();
    let load = Load::begin(&engine, wanted);
    let mut samples = Vec::new();
    let mut first_tenth = None;
    let mut next = began;
    while load.accepted() < wanted {
        tokio::time::sleep(TICK).await;
        let vitals = Vitals::look(load.accepted(), began, &file);
        if vitals.accepted * 10 >= wanted {
            first_tenth.get_or_insert(vitals);
        }
        if Instant::now() >= next {
            samples.push(vitals);
            next += PACE;
        }
    }
    load.end().await;
    let accounts = all_ended(&engine).await;
    let took = began.elapsed();
    let last = Vitals::look(wanted, began, &file);
    samples.push(last);
    println!("{}", table(&samples));
    let first_tenth = first_tenth.unwrap();
    println!(
        "{wanted} notifications in {:.0} s, {:.0} a second; the file has {:.0} MB, {} bytes each",
        took.as_secs_f64(),
        wanted as f64 / took.as_secs_f64(),
        megabytes(last.file),
        last.file / wanted
    );
    check(&first_tenth, &samples, &accounts, wanted);
    let drained = engine.shutdown(PATIENCE).await;
    assert_eq!(drained.abandoned, 0);
}

fn check(first_tenth: &Vitals, samples: &[Vitals], accounts: &Accounts, wanted: u64) {
    let last = samples.last().unwrap();
    assert_eq!(last.descriptors, first_tenth.descriptors, "descriptors");
    let later = samples
        .iter()
        .filter(|it| it.accepted > first_tenth.accepted);
    for vitals in later {
        assert!(
            vitals.memory <= first_tenth.memory + MOST_GROWTH,
            "{vitals:?}, and after the first tenth {first_tenth:?}"
        );
    }
    assert_eq!(accounts.difference(), 0, "{accounts:?}");
    assert_eq!(accounts.accepted, wanted);
    for (state, expected) in load::expected(wanted) {
        assert_eq!(accounts.of(state), expected, "{state}");
    }
}

async fn all_ended(engine: &Engine) -> Accounts {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let accounts = engine.store().unwrap().accounts().await.unwrap();
        let open = accounts.of(State::Pending) + accounts.of(State::InFlight);
        if open == 0 {
            return accounts;
        }
        assert!(Instant::now() < deadline, "{open} have not ended");
        tokio::time::sleep(PACE).await;
    }
}
