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
    store::{Accounts, Query, SqliteStore, State},
};
use annunciator_testkit::{effort::rounds_by, rig::Rig};

use load::Load;
use vitals::{PACE, Seen, Watch};

/// As many as are taken where all rounds are wanted, and else; `cargo xtask soak`
/// takes more.
const NOTIFICATIONS: u64 = 20_000;
const USUAL: u64 = 5_000;
/// How often it is seen whether the first tenth is over.
const TICK: Duration = Duration::from_millis(50);
/// How much more memory it may take than after the first tenth.
const MAX_GROWTH: u64 = 30_000_000;
/// Enough for what is left when all was accepted, whatever else the machine
/// does.
const WAIT_TIMEOUT: Duration = Duration::from_secs(600);

const CHANNELS: &str = "notification_channels:
  ops: {type: steady, text: taken}
  gone: {type: steady, outcomes: [never]}
  quiet: {type: steady, delivery: {min_severity: critical}}
default_notification_channels: [ops]
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_first_tenth_nothing_grows_but_the_file() {
    let wanted = rounds_by("ANNUNCIATOR_SOAK_NOTIFICATIONS", USUAL, NOTIFICATIONS);
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let file = rig.folder().join("outbox.sqlite");
    let store = Arc::new(SqliteStore::open(&file).unwrap());
    let builder = rig.configured(CHANNELS).unwrap();
    let engine = builder.store(store).start().await.unwrap();
    // What is opened when it is first used is open.
    assert_eq!(accounts(&engine).await.accepted, 0);
    let mut watch = Watch::begin(wanted, &file);
    let load = Load::begin(&engine, wanted);
    while load.accepted() < wanted {
        tokio::time::sleep(TICK).await;
        watch.look(load.accepted());
    }
    load.end().await;
    let accepted_after = watch.elapsed();
    let deadline = Instant::now() + WAIT_TIMEOUT;
    while is_any_open(&engine).await {
        assert!(Instant::now() < deadline, "it does not end");
        tokio::time::sleep(PACE).await;
        watch.look(wanted);
    }
    let ended_after = watch.elapsed();
    let accounts = accounts(&engine).await;
    let seen = watch.end(wanted);
    println!("{}", seen.table());
    let per_second = |took: Duration| wanted as f64 / took.as_secs_f64();
    println!(
        "{wanted} notifications, accepted {:.0} a second, delivered {:.0} a second; {} bytes of the file each",
        per_second(accepted_after),
        per_second(ended_after),
        seen.last().file / wanted
    );
    check(&seen, &accounts, wanted);
    let drained = engine.shutdown(WAIT_TIMEOUT).await;
    assert_eq!(drained.abandoned, 0);
}

fn check(seen: &Seen, accounts: &Accounts, wanted: u64) {
    let (first_tenth, last) = (seen.first_tenth(), seen.last());
    assert_eq!(last.descriptors, first_tenth.descriptors, "descriptors");
    for vitals in seen.later() {
        assert!(
            vitals.memory <= first_tenth.memory + MAX_GROWTH,
            "{vitals:?}, and after the first tenth {first_tenth:?}"
        );
    }
    assert_eq!(accounts.difference(), 0, "{accounts:?}");
    assert_eq!(accounts.accepted, wanted);
    for (state, expected) in load::expected(wanted) {
        assert_eq!(accounts.of(state), expected, "{state}");
    }
}

async fn accounts(engine: &Engine) -> Accounts {
    engine.store().unwrap().accounts().await.unwrap()
}

/// Without counting them: that would be a load of its own.
async fn is_any_open(engine: &Engine) -> bool {
    let query = Query {
        states: vec![State::Pending, State::InFlight],
        limit: 1,
        ..Query::default()
    };
    let open = engine.store().unwrap().deliveries(query);
    !open.await.unwrap().is_empty()
}
