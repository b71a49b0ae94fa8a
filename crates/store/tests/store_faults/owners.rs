//! Who held claims and is gone, and who lives.

use std::{
    cell::Cell,
    fs,
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use annunciator_store::{
    Begin, ClaimRequest, Next, Settled, Settlement, Severity, SqliteFile, SqliteStore, State,
};
use annunciator_testkit::stores::{LATER, NOW, accept, all, claim, end, intake, names, state};

use nix::{sys::stat::Mode, unistd::mkfifo};
use uuid::Uuid;

use super::{
    child::{Process, say, wait},
    open,
};

/// As a child: holds a delivery that it claimed, and one that it accepted.
pub fn hold(file: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(file);
        accept(&store, intake("claimed", &["a"])).await;
        assert_eq!(claim(&store, "a").await.len(), 1);
        let mut held = intake("accepted", &["a", "b"]);
        for intent in &mut held.intents {
            intent.begin = Begin::Claimed {
                lease_until_ms: LATER,
            };
        }
        accept(&store, held).await;
        say("holds");
        wait();
        // It may still settle what it holds.
        for record in all(&store).await {
            let next = Next::End {
                state: State::Delivered,
                why: String::new(),
                targets: Vec::new(),
            };
            let settlement = Settlement {
                delivery: record.delivery,
                fence: 1,
                now_ms: LATER,
                attempt: None,
                proof: None,
                is_uncounted: false,
                may_have_arrived: false,
                next,
            };
            let settled = store.settle(settlement).await.unwrap();
            assert_ne!(settled, Settled::Stale);
        }
        say("settled");
    });
}

fn owner_files(database: &Path) -> usize {
    let entries = fs::read_dir(database.parent().unwrap()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(".owner-")).count()
}

#[tokio::test]
async fn an_owner_that_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outbox.sqlite");
    let mut other = Process::start("hold", &file);
    assert_eq!(other.line().unwrap(), "holds");
    let store = open(&file);
    assert!(claim(&store, "a").await.is_empty());
    assert_eq!(owner_files(&file), 2);
    other.kill();
    // At the very same time: no claim has run out.
    assert_eq!(store.ready(NOW).await.unwrap(), ["a", "b"]);
    let left = claim(&store, "a").await;
    assert_eq!(names(&left), ["claimed", "accepted"]);
    assert!(left.iter().all(|claim| claim.abandoned));
    assert_eq!(owner_files(&file), 1, "the dead one's file is gone");
    assert_eq!(names(&claim(&store, "b").await), ["accepted"]);
    assert_eq!(store.accounts().await.unwrap().reclaims, 3);
    end(&store, &left[0], State::Delivered).await;
    assert_eq!(state(&store, "claimed", "a").await, State::Delivered);
    drop(store);
    assert_eq!(owner_files(&file), 0);
}

#[tokio::test]
async fn an_owner_that_lives() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outbox.sqlite");
    let mut other = Process::start("hold", &file);
    assert_eq!(other.line().unwrap(), "holds");
    let stores = [open(&file), open(&file)];
    for _ in 0..20 {
        for store in &stores {
            assert!(store.ready(NOW).await.unwrap().is_empty());
            assert!(claim(store, "a").await.is_empty());
        }
    }
    other.go_on();
    assert_eq!(other.end(), ["settled"]);
    let accounts = stores[0].accounts().await.unwrap();
    assert_eq!(accounts.of(State::Delivered), 3);
}

/// They are claimed as if one had held them all.
#[tokio::test]
async fn the_worst_of_all_that_are_gone_come_first() {
    const HOLDERS: u32 = 4;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outbox.sqlite");
    let mut worst = Vec::new();
    for number in 0..HOLDERS {
        for severity in [Severity::Critical, Severity::Info] {
            let name = format!("{}-{number}", severity.name());
            let holder = open(&file);
            let mut held = intake(&name, &["a"]);
            held.severity = severity;
            held.intents[0].begin = Begin::Claimed {
                lease_until_ms: LATER,
            };
            accept(&holder, held).await;
            worst.extend((severity == Severity::Critical).then_some(name));
        }
    }
    let store = open(&file);
    let wanted = ClaimRequest {
        channel: Arc::from("a"),
        limit: HOLDERS,
        now_ms: NOW,
        lease_until_ms: LATER,
        in_flight: Vec::new(),
        only_expired: false,
    };
    assert_eq!(names(&store.claim(wanted).await.unwrap()), worst);
}

/// Two that look whether somebody lives must not take each other for the one.
#[tokio::test(flavor = "multi_thread")]
async fn many_that_look_at_once_for_who_is_gone() {
    const STORES: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outbox.sqlite");
    let stores: Vec<_> = (0..STORES).map(|_| open(&file)).collect();
    let mut other = Process::start("hold", &file);
    assert_eq!(other.line().unwrap(), "holds");
    other.kill();
    for _ in 0..20 {
        let looks: Vec<_> = stores.iter().map(|store| store.ready(NOW)).collect();
        for look in looks {
            assert_eq!(look.await.unwrap(), ["a", "b"]);
        }
    }
}

/// Another owner's file is a pipe here, so that opening it waits for whoever reads it.
#[tokio::test]
async fn one_that_opens_in_a_file_of_others_keeps_no_task_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.sqlite");
    let file = Arc::new(SqliteFile::open(&path, &[]).unwrap());
    let pipe = folder
        .path()
        .join(format!("outbox.sqlite.owner-{}", Uuid::new_v4().simple()));
    mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    let (beside, worked_beside) = mpsc::channel();
    let reading = thread::spawn(move || {
        // So that the test fails and does not hang.
        let worked_beside = worked_beside.recv_timeout(Duration::from_secs(10)).is_ok();
        fs::File::open(pipe).unwrap();
        worked_beside
    });
    let is_opened = Cell::new(false);
    let opening = async {
        SqliteStore::open_in(file).await.unwrap();
        is_opened.set(true);
    };
    let work = async {
        while owner_files(&path) < 2 && !is_opened.get() {
            tokio::task::yield_now().await;
        }
        // Nobody is there if it came too late.
        let _ = beside.send(());
    };
    tokio::join!(opening, work);
    assert!(reading.join().unwrap(), "the runtime's thread was blocked");
}

/// Nobody has claimed anything since.
#[tokio::test]
async fn the_file_of_an_owner_that_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outbox.sqlite");
    let mut other = Process::start("hold", &file);
    assert_eq!(other.line().unwrap(), "holds");
    other.kill();
    let store = open(&file);
    assert_eq!(owner_files(&file), 1, "only the one that lives");
    assert_eq!(claim(&store, "a").await.len(), 2);
}
