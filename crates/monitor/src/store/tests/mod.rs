//! The store on real files: what it stores, and its errors.

use std::{
    collections::HashSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{Arc, Mutex},
};

use annunciator::Kind;
use annunciator_protocol::{Datagram, Event, Family};

use super::*;
use crate::{
    incidents::Reported,
    machine::{HostSettings, Machine, Moment, Settings, Tick},
};

fn file(folder: &Path) -> Location {
    Location::File(folder.join("state.sqlite"))
}

fn moment(tick: u64) -> Moment {
    Moment {
        tick: Tick(tick),
        wall_ms: 1_790_000_000_000,
    }
}

fn machine() -> Machine {
    let watched = HostSettings {
        watch: true,
        ..HostSettings::default()
    };
    let hosts = ["a", "ä b"].map(|name| (Arc::from(name), watched));
    let settings = Settings {
        max_skew: None,
        ..Settings::default()
    };
    Machine::new(settings, hosts, moment(0))
}

fn heard(machine: &mut Machine, host: &str, counter: u64) {
    let datagram = Datagram {
        host: host.into(),
        boot: "b1".into(),
        counter,
        sent_at_ms: 0,
        event: Event::Heartbeat,
        interval: None,
        metrics: Vec::new(),
        signed: false,
    };
    machine
        .observe(moment(counter.min(1000)), Family::V6, &datagram)
        .unwrap();
}

fn liveness() -> ClockCheckpoint {
    ClockCheckpoint {
        at: moment(500),
        uptime_ms: 7,
        kernel_boot: "k".to_owned(),
    }
}

/// Writes a batch, as the recorder does.
async fn write(store: &StateStore, batch: Batch) -> Result<(), StoreError> {
    let written = store
        .file()
        .write(move |transaction| super::write(transaction, &batch));
    Ok(written.await?)
}

async fn execute(store: &StateStore, statement: &'static str) {
    let executed = store
        .file()
        .write(move |transaction| transaction.execute_batch(statement));
    executed.await.unwrap();
}

#[tokio::test]
async fn what_was_written_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut machine = machine();
    heard(&mut machine, "a", 1);
    // Needs all 64 bits.
    heard(&mut machine, "ä b", u64::MAX);
    machine
        .silence("a", std::time::Duration::from_secs(60), "why", moment(2000))
        .unwrap();
    let batch = Batch::default()
        .step(machine.take_step())
        .checkpoint(machine.take_seen(), liveness());
    let store = StateStore::open(&file(folder.path())).unwrap();
    write(&store, batch).await.unwrap();
    drop(store);
    let store = StateStore::open(&file(folder.path())).unwrap();
    let stored = store.load().await.unwrap();
    assert_eq!(stored.liveness, Some(liveness()));
    assert_eq!(stored.snapshot.hosts.len(), 2);
    let counters: Vec<_> = stored
        .snapshot
        .seen
        .iter()
        .map(|seen| seen.counter)
        .collect();
    assert_eq!(counters, [Some(1), Some(u64::MAX)]);
    assert_eq!(stored.snapshot.silences[0].why, "why");
    let history = history(store.file(), "a".to_owned(), 1).await.unwrap();
    assert!(
        history[0].text.starts_with("silenced for 1m"),
        "{history:?}"
    );
}

#[tokio::test]
async fn hosts_that_are_gone_for_long_are_forgotten() {
    const MONTH: u64 = 30 * 24 * 3600 * 1000;
    let folder = tempfile::tempdir().unwrap();
    let mut machine = machine();
    heard(&mut machine, "a", 1);
    heard(&mut machine, "ä b", 1);
    let incidents =
        ["a/IPv4/heartbeat", "ä b/cpu"].map(|incident| crate::incidents::IncidentChange {
            incident: incident.into(),
            name: "c".into(),
            reported: Some(Reported::alone()),
        });
    let batch = Batch::default()
        .step(machine.take_step())
        .checkpoint(machine.take_seen(), liveness())
        .incidents(incidents);
    let store = StateStore::open(&file(folder.path())).unwrap();
    write(&store, batch).await.unwrap();
    let configured = HashSet::from([Arc::from("a")]);
    let forgotten = store.forget(configured.clone(), Tick(MONTH)).await;
    assert_eq!(forgotten.unwrap(), 0);
    let forgotten = store.forget(configured, Tick(MONTH + 1)).await;
    assert_eq!(forgotten.unwrap(), 1);
    let stored = store.load().await.unwrap();
    let hosts: Vec<_> = stored
        .snapshot
        .hosts
        .iter()
        .map(|host| &*host.host)
        .collect();
    assert_eq!((hosts, stored.snapshot.seen.len()), (vec!["a"], 1));
    assert_eq!(stored.incidents.len(), 1);
    assert_eq!(&*stored.incidents[0].incident, "a/IPv4/heartbeat");
}

#[test]
fn nobody_else_may_read_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let _store = StateStore::open(&file(folder.path())).unwrap();
    for entry in folder.path().read_dir().unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", entry.path());
    }
}

async fn says(location: &Location) -> String {
    let read = match StateStore::open(location) {
        Ok(store) => store.load().await.map(drop),
        Err(error) => Err(error),
    };
    read.unwrap_err().to_string()
}

#[tokio::test]
async fn two_monitors_do_not_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let _store = StateStore::open(&file(folder.path())).unwrap();
    assert!(
        says(&file(folder.path()))
            .await
            .contains("in use by another monitor")
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    fs::write(
        &path,
        "this is not a database, and long enough to look at".repeat(100),
    )
    .unwrap();
    let before = fs::read(&path).unwrap();
    let said = says(&file(folder.path())).await;
    assert!(
        said.contains("is damaged") && said.contains("move it away"),
        "{said}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_page_is_reported_and_not_taken_for_truth() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    let store = StateStore::open(&file(folder.path())).unwrap();
    let mut machine = machine();
    heard(&mut machine, "a", 1);
    write(&store, Batch::default().step(machine.take_step()))
        .await
        .unwrap();
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    assert!(says(&file(folder.path())).await.contains("is damaged"));
}

#[tokio::test]
async fn content_that_makes_no_sense_is_damage_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = StateStore::open(&file(folder.path())).unwrap();
    let row = "INSERT INTO monitor_host VALUES ('a', '{\"host\": 5}')";
    execute(&store, row).await;
    drop(store);
    assert!(says(&file(folder.path())).await.contains("is damaged"));
}

#[tokio::test]
async fn the_file_of_a_newer_monitor_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = StateStore::open(&file(folder.path())).unwrap();
    execute(&store, "UPDATE schema_version SET version = 99").await;
    drop(store);
    let said = says(&file(folder.path())).await;
    assert!(
        said.contains("newer monitor (schema 99, this one knows 4)"),
        "{said}"
    );
}

/// As written by monitors that delivered messages themselves.
#[tokio::test]
async fn what_waited_in_a_file_of_the_first_schema_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(schema::STEPS[0]).unwrap();
    old.execute_batch(include_str!("first_schema.sql")).unwrap();
    drop(old);
    let store = StateStore::open(&file(folder.path())).unwrap();
    let stored = store.load().await.unwrap();
    let waiting: Vec<_> = stored
        .outbound
        .iter()
        .map(|one| {
            let message = &one.message;
            (
                one.id,
                &*one.names[0],
                &*message.body,
                message.incident.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        waiting,
        [
            (2, "x", "a IPv4 overdue", Some("a/IPv4/heartbeat")),
            (3, "y", "2 overdue at once: a IPv4, b IPv4", None),
            (4, "x", "a booted", None),
        ]
    );
    assert_eq!(stored.outbound[0].message.kind, Kind::Problem);
    assert_ne!(stored.outbound[0].key, stored.outbound[1].key);
    let mut open: Vec<_> = stored
        .incidents
        .iter()
        .map(|change| (&*change.incident, &*change.name))
        .collect();
    open.sort_unstable();
    // Neither where the problem had failed nor where people were notified of the end.
    let expected = [
        ("a/IPv4/heartbeat", "x"),
        ("a/IPv4/heartbeat", "y"),
        ("b/IPv4/heartbeat", "y"),
        ("c/cpu", "x"),
    ];
    assert_eq!(open, expected);
}

#[tokio::test]
async fn the_file_of_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(other);
    let before = std::fs::read(&path).unwrap();
    assert!(
        says(&file(folder.path()))
            .await
            .contains("database of another program")
    );
    assert_eq!(std::fs::read(&path).unwrap(), before, "it was changed");
}

#[tokio::test]
async fn a_folder_that_does_not_exist_is_named() {
    let location = Location::File("/nonexistent/folder/state.sqlite".into());
    assert!(says(&location).await.contains("/nonexistent/folder"));
}

#[tokio::test]
async fn a_full_disk_is_survived_and_what_was_not_written_is_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let store = StateStore::open(&file(folder.path())).unwrap();
    let mut machine = machine();
    heard(&mut machine, "a", 1);
    let mut batch = Batch::default().step(machine.take_step());
    // The error that SQLite gives when the disk is full.
    let limit_pages = |more: i64| {
        store.file().write(move |transaction| {
            let pages: i64 =
                transaction.pragma_query_value(None, "page_count", |row| row.get(0))?;
            transaction.pragma_update(None, "max_page_count", pages + more)
        })
    };
    limit_pages(0).await.unwrap();
    let entry = crate::machine::Entry {
        host: Arc::from("a"),
        at: moment(0),
        text: "x".repeat(1000),
        state: None,
    };
    let filler = Batch {
        history: vec![entry; 1000],
        ..Batch::default()
    };
    batch.merge(filler);
    let batch = Arc::new(Mutex::new(batch));
    let again = Arc::clone(&batch);
    let written = store
        .file()
        .write(move |transaction| super::write(transaction, &again.lock().unwrap()));
    let said = StoreError::from(written.await.unwrap_err()).to_string();
    assert!(said.contains("the disk is full"), "{said}");
    limit_pages(1_000_000).await.unwrap();
    let mut batch = std::mem::take(&mut *batch.lock().unwrap());
    heard(&mut machine, "ä b", 2);
    batch.merge(Batch::default().step(machine.take_step()));
    write(&store, batch).await.unwrap();
    assert_eq!(store.load().await.unwrap().snapshot.hosts.len(), 2);
}

#[tokio::test]
async fn of_a_host_s_states_those_since_a_time_are_read_with_the_one_before() {
    use crate::machine::{Entry, HostState, LinkState};
    let file = annunciator::store::SqliteFile::in_memory(&[schema::MONITOR]).unwrap();
    let up = HostState::Known(LinkState::Up);
    let overdue = HostState::Known(LinkState::Overdue);
    let lines = [
        ("a", 10, Some(up)),
        ("a", 20, Some(overdue)),
        ("a", 30, None),
        ("b", 35, Some(overdue)),
        ("a", 40, Some(up)),
    ];
    let lines = lines.map(|(host, wall_ms, state)| Entry {
        host: Arc::from(host),
        at: Moment {
            wall_ms,
            ..Moment::default()
        },
        text: "x".to_owned(),
        state,
    });
    let batch = Batch {
        history: lines.to_vec(),
        ..Batch::default()
    };
    let written = file.write(move |transaction| super::write::write(transaction, &batch));
    written.await.unwrap();
    let hosts = ["a", "b", "c"].map(Arc::from).to_vec();
    let read = super::history::changes(&file, hosts, 30).await.unwrap();
    let read: Vec<Vec<(i64, HostState)>> = read
        .iter()
        .map(|one| one.iter().map(|one| (one.wall_ms, one.state)).collect())
        .collect();
    assert_eq!(read[0], [(20, overdue), (40, up)]);
    assert_eq!(read[1], [(35, overdue)]);
    assert_eq!(read[2], []);
}
