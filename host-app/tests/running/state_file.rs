//! A state file that cannot be used: the log and the default channel get one clear
//! sentence, and the monitor still watches hosts and notifies people.

use std::fs;

use annunciator_testkit::{
    http::Fault,
    mattermost::{CHANNEL, HOOK, Mattermost},
};
use rusqlite::Connection;
use tokio::runtime::Runtime;

use crate::{
    datagrams::heartbeat,
    monitor::{CALM, Home, Monitor, QUICK, wait_for, wait_or, yaml},
};

/// A home whose default channel is a service that keeps what it receives.
struct Listening {
    home: Home,
    mattermost: Mattermost,
    _runtime: Runtime,
}

impl Listening {
    fn new(monitor: &str, state: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let mattermost = runtime.block_on(Mattermost::start());
        let channel = format!(
            "  m: {{type: mattermost, host: '{}', token: {HOOK}, channel: {CHANNEL}, attachment: false}}\n\
             default_notification_channels: [m]",
            mattermost.url()
        );
        let yaml = yaml(monitor)
            .replace("default_notification_channels: [a]", &channel)
            .replace("HOME/state.sqlite", &format!("HOME/{state}"));
        Self {
            home: Home::with(&yaml),
            mattermost,
            _runtime: runtime,
        }
    }

    fn wait_for_post(&self, monitor: &Monitor, part: &str) {
        let posts = || {
            let posts = self.mattermost.messages().into_iter();
            posts.map(|post| post.message).collect::<Vec<_>>()
        };
        let found = || posts().iter().any(|post| post.contains(part)).then_some(());
        wait_or(found, || {
            format!("{part} in {:#?}\n{}", posts(), monitor.log())
        });
    }
}

/// Starts on a state that `spoil` has spoilt; this must be said of it.
fn check(state: &str, spoil: impl FnOnce(&Home), sentence: &str) {
    let listening = Listening::new(QUICK, state);
    spoil(&listening.home);
    let monitor = listening.home.start();
    monitor.wait_for_log(sentence);
    let log = monitor.log();
    assert_eq!(log.matches(sentence).count(), 1, "`{sentence}`:\n{log}");
    watches_and_tells(&monitor, &listening);
    listening.wait_for_post(
        &monitor,
        "the heartbeat monitor continues, but its state would not survive",
    );
    listening.wait_for_post(&monitor, sentence);
    let status = listening.home.hbd(&["status"]).1;
    assert!(status.contains("the state would not survive a restart: "));
    let (status, health) = monitor.fetch("GET", "/healthz");
    assert_eq!(status, 200);
    assert!(
        health.starts_with(r#"{"status":"degraded","reason":""#),
        "{health}"
    );
    let metrics = monitor.fetch("GET", "/metrics").1;
    assert!(metrics.contains("hbd_state_writable 0\n"), "{metrics}");
    assert_eq!(monitor.stop().0, Some(0));
}

fn watches_and_tells(monitor: &Monitor, listening: &Listening) {
    monitor.send(&heartbeat("web-01", 1));
    listening.wait_for_post(monitor, "web-01 IPv4 overdue");
    monitor.send(&heartbeat("web-01", 2));
    listening.wait_for_post(monitor, "web-01 IPv4 is back");
}

#[test]
fn when_it_is_no_database() {
    let noise: Vec<u8> = (0..9000_u32).map(|i| (i * 31 % 251) as u8).collect();
    let bytes = noise.clone();
    check(
        "state.sqlite",
        |home| fs::write(home.path("state.sqlite"), bytes).unwrap(),
        "state.sqlite is damaged (",
    );
}

#[test]
fn when_its_pages_are_damaged() {
    let spoil = |home: &Home| {
        let monitor = home.start();
        monitor.send(&heartbeat("web-01", 9));
        monitor.stop();
        // What is still in the log beside it goes into the file.
        let path = home.path("state.sqlite");
        let database = Connection::open(&path).unwrap();
        database
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
        drop(database);
        let mut bytes = fs::read(&path).unwrap();
        assert!(bytes.len() > 8192, "there is nothing to damage");
        bytes[200..].fill(0xAA);
        fs::write(&path, bytes).unwrap();
    };
    check("state.sqlite", spoil, "state.sqlite is damaged (");
}

#[test]
fn when_a_newer_monitor_has_written_it() {
    let spoil = |home: &Home| {
        home.start().stop();
        let database = Connection::open(home.path("state.sqlite")).unwrap();
        let changed = database.execute(
            "UPDATE schema_version SET version = 99 WHERE part = 'monitor'",
            [],
        );
        assert_eq!(changed.unwrap(), 1);
    };
    check(
        "state.sqlite",
        spoil,
        "was written by a newer monitor (schema 99, ",
    );
}

#[test]
fn when_it_belongs_to_another_program() {
    let spoil = |home: &Home| {
        let database = Connection::open(home.path("state.sqlite")).unwrap();
        database
            .execute("CREATE TABLE recipes (name TEXT)", [])
            .unwrap();
    };
    check("state.sqlite", spoil, "is a database of another program: ");
}

#[test]
fn when_its_folder_cannot_be_written() {
    // Whoever the tests run as: there is a file where a folder should be.
    let spoil = |home: &Home| fs::write(home.path("file"), "").unwrap();
    check(
        "file/state.sqlite",
        spoil,
        "state.sqlite cannot be opened: ",
    );
}

#[test]
fn when_it_is_a_folder() {
    let spoil = |home: &Home| fs::create_dir(home.path("state.sqlite")).unwrap();
    check("state.sqlite", spoil, "state.sqlite cannot be opened: ");
}

#[test]
fn when_another_monitor_uses_it() {
    let other = Home::new(CALM);
    let first = other.start();
    let state = other.path("state.sqlite").display().to_string();
    let listening = Listening::new(QUICK, "elsewhere");
    let file = fs::read_to_string(listening.home.file()).unwrap();
    let mine = listening.home.path("elsewhere").display().to_string();
    listening.home.configure(&file.replace(&mine, &state));
    let second = listening.home.start();
    let sentence = "state.sqlite is in use by another monitor: ";
    assert!(second.log().contains(sentence), "{}", second.log());
    watches_and_tells(&second, &listening);
    listening.wait_for_post(&second, sentence);
    assert!(first.status()["state_problem"].is_null());
}

#[test]
fn when_it_cannot_be_written_for_a_while() {
    let listening = Listening::new(QUICK, "state.sqlite");
    let monitor = listening.home.start();
    let database = Connection::open(listening.home.path("state.sqlite")).unwrap();
    database.execute_batch("BEGIN EXCLUSIVE").unwrap();
    listening.wait_for_post(&monitor, "the disk does not answer: ");
    monitor.wait_for_log("state.sqlite cannot be written: ");
    watches_and_tells(&monitor, &listening);
    database.execute_batch("ROLLBACK").unwrap();
    // A problem that comes and goes is not notified every time, so the test asks.
    wait_for("a state that is written again", || {
        monitor.status()["state_problem"].is_null().then_some(())
    });
    // Nothing of that time is lost.
    let both = ["web-01 IPv4 overdue", "web-01 IPv4 is back"];
    wait_for("both in the history", || {
        unrecorded_messages(&monitor)
            .starts_with(&both.map(str::to_owned))
            .then_some(())
    });
    monitor.kill();
    let next = listening.home.start();
    assert_eq!(unrecorded_messages(&next)[..2], both);
}

/// What the history has of messages about web-01 that stand in no other record.
fn unrecorded_messages(monitor: &Monitor) -> Vec<String> {
    let explained = monitor.explain("web-01");
    let history = explained["history"].as_array().unwrap().iter();
    let texts = history.map(|line| line["text"].as_str().unwrap());
    texts
        .filter_map(|text| text.split_once("(m delivered): "))
        .map(|(_, notified)| notified.to_owned())
        .collect()
}

#[test]
fn what_could_be_neither_recorded_nor_delivered_is_delivered_later() {
    let listening = Listening::new(QUICK, "state.sqlite");
    let monitor = listening.home.start();
    monitor.send(&heartbeat("web-01", 1));
    let database = Connection::open(listening.home.path("state.sqlite")).unwrap();
    database.execute_batch("BEGIN EXCLUSIVE").unwrap();
    listening.mattermost.always(Fault::proxy_error(503));
    let failed = |line: &str| {
        let failed = line.contains("failed to send notification");
        failed && line.contains("web-01")
    };
    let waits = || monitor.status()["messages"]["handing_over"] != 0;
    wait_for("a message that failed and waits", || {
        let failed = monitor.log().lines().any(failed);
        (failed && waits()).then_some(())
    });
    database.execute_batch("ROLLBACK").unwrap();
    listening.mattermost.always(None);
    listening.wait_for_post(&monitor, "web-01 IPv4 overdue");
    monitor.wait_for_text("web-01", "web-01 IPv4 overdue");
    wait_for("all to be handed over", || (!waits()).then_some(()));
}

#[test]
fn when_its_deliveries_are_of_a_newer_version_they_are_kept_in_memory() {
    let listening = Listening::new(QUICK, "state.sqlite");
    listening.home.start().stop();
    let database = Connection::open(listening.home.path("state.sqlite")).unwrap();
    let newer = "UPDATE schema_version SET version = 99 WHERE part = 'outbox'";
    assert_eq!(database.execute(newer, []).unwrap(), 1);
    let monitor = listening.home.start();
    monitor.wait_for_log("was written by a newer engine (schema 99, ");
    monitor.wait_for_log("until the next start deliveries are stored in memory");
    watches_and_tells(&monitor, &listening);
}
