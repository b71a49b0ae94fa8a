//! Several processes over one file at once.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Barrier},
    thread,
};

use annunciator_store::{SqliteStore, State};
use annunciator_testkit::stores::{accept, claim, end, intake, names};

use super::{
    child::{Process, say, wait},
    open,
};

const DELIVERIES: usize = 2000;

/// As a child: claims everything, and ends it.
pub fn claim_all(file: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(file);
        say("opened");
        wait();
        let mut is_first = true;
        loop {
            let claims = claim(&store, "a").await;
            if claims.is_empty() {
                return;
            }
            names(&claims).iter().for_each(|name| say(name));
            if std::mem::take(&mut is_first) {
                // Until the other has some, too.
                wait();
            }
            for claim in &claims {
                end(&store, claim, State::Delivered).await;
            }
        }
    });
}

#[tokio::test]
async fn two_processes_claim_each_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outbox.sqlite");
    let store = open(&file);
    let accepting: Vec<_> = (0..DELIVERIES)
        .map(|i| store.accept(intake(&i.to_string(), &["a"])))
        .collect();
    for accepted in accepting {
        accepted.await.unwrap();
    }
    let mut children = [(); 2].map(|()| Process::start("claim", &file));
    for child in &mut children {
        assert_eq!(child.line().unwrap(), "opened");
    }
    children.iter_mut().for_each(Process::go_on);
    let first = children.each_mut().map(|child| child.line().unwrap());
    children.iter_mut().for_each(Process::go_on);
    let claiming = children.map(|mut child| thread::spawn(move || child.end()));
    let claimed = claiming.map(|child| child.join().unwrap());
    let all: Vec<&String> = first.iter().chain(claimed.iter().flatten()).collect();
    assert_eq!(all.len(), DELIVERIES);
    let each: BTreeSet<_> = all.into_iter().collect();
    assert_eq!(each.len(), DELIVERIES);
    let accounts = store.accounts().await.unwrap();
    assert_eq!(accounts.of(State::Delivered), DELIVERIES as u64);
    assert_eq!((accounts.reclaims, accounts.stale), (0, 0));
}

/// As a child: opens what others open too.
pub fn open_again_and_again(file: &Path) {
    wait();
    for _ in 0..20 {
        if let Err(error) = SqliteStore::open(file) {
            panic!("{error}");
        }
    }
}

/// Also the first time, when it is made.
#[test]
fn many_open_it_at_once() {
    const PROCESSES: usize = 4;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outbox.sqlite");
    let mut children = [(); PROCESSES].map(|()| Process::start("open", &file));
    children.iter_mut().for_each(Process::go_on);
    for mut child in children {
        assert!(child.end().is_empty());
    }
    let barrier = Arc::new(Barrier::new(PROCESSES));
    for number in 0..20 {
        let file = folder.path().join(number.to_string());
        let opening = [(); PROCESSES].map(|()| {
            let (file, barrier) = (file.clone(), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                SqliteStore::open(file).map(drop)
            })
        });
        for opened in opening {
            assert_eq!(opened.join().unwrap(), Ok(()));
        }
    }
}

/// One writes while the other has long asked for nothing.
#[tokio::test]
async fn what_one_accepts_the_other_sees() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outbox.sqlite");
    let (store, other) = (open(&file), open(&file));
    accept(&store, intake("one", &["a"])).await;
    assert_eq!(other.accounts().await.unwrap().accepted, 1);
    accept(&store, intake("two", &["a"])).await;
    assert_eq!(other.accounts().await.unwrap().accepted, 2);
}
