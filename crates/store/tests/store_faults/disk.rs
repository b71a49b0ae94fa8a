//! A disk that is full, and has room again: what cannot be written is refused
//! whole, and nothing that was accepted suffers.

use std::{fs, path::Path, sync::Arc};

use annunciator_store::{Intake, State, Store, StoreError};
use annunciator_testkit::stores::{accept, all, claim, end, intake};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{
    child::{Process, say, wait},
    open,
};

/// More than there is room for.
const LARGE: usize = 3 << 20;

fn large(name: &str) -> Intake {
    Intake {
        key: Some(name.to_owned()),
        content: Arc::from("x".repeat(LARGE)),
        ..intake(name, &["a", "b"])
    }
}

/// Accepts what there is no room for; makes room, and goes on.
async fn go_through(store: &Arc<dyn Store>, fill: impl FnOnce(), make_room: impl FnOnce()) {
    accept(store, intake("before", &["a"])).await;
    fill();
    let refused = ["one", "two", "three"].map(|name| store.accept(large(name)));
    for answer in refused {
        let error = answer.await.unwrap_err();
        let StoreError::Unusable { action, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(*action, "written");
        say(&error.to_string());
    }
    assert_eq!(all(store).await.len(), 1, "nothing half is kept");
    let accounts = store.accounts().await.unwrap();
    assert_eq!((accounts.accepted, accounts.difference()), (1, 0));
    make_room();
    let accepted = accept(store, large("one")).await;
    assert!(!accepted.repeated, "it had been refused");
    for channel in ["a", "b"] {
        for claim in claim(store, channel).await {
            end(store, &claim, State::Delivered).await;
        }
    }
    let accounts = store.accounts().await.unwrap();
    assert_eq!((accounts.accepted, accounts.difference()), (3, 0));
    assert_eq!(accounts.of(State::Delivered), 3);
    say("goes on");
}

/// As a child: may write no file beyond a size.
pub fn limit(file: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(file);
        let unlimited = getrlimit(Resource::Fsize);
        let limited = Rlimit {
            current: Some(1 << 20),
            ..unlimited
        };
        go_through(
            &store,
            || setrlimit(Resource::Fsize, limited).unwrap(),
            || setrlimit(Resource::Fsize, unlimited).unwrap(),
        )
        .await;
    });
}

#[test]
fn a_file_that_may_not_grow() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outbox.sqlite");
    // The signal would end the process.
    let shell = ["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""];
    let mut child = Process::start_behind(&shell, "limit", &file);
    let said = child.end();
    assert_eq!(said.len(), 4, "{said:#?}");
    for error in &said[..3] {
        assert!(error.contains("cannot be written: "), "{error}");
    }
    assert_eq!(said[3], "goes on");
}

/// As a child: on a disk of its own, which something else has filled.
pub fn fill(file: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(file);
        let other = file.with_file_name("other");
        let fill = || {
            let room = vec![0; LARGE];
            // Until there is none: as much as fits is written.
            while fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(&other)
                .and_then(|mut file| std::io::Write::write_all(&mut file, &room))
                .is_ok()
            {}
        };
        go_through(&store, fill, || fs::remove_file(&other).unwrap()).await;
    });
    wait();
}

/// Where a file system may be mounted; that is one for the child alone.
#[test]
fn a_disk_that_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=16m none \"$1\" && shift && exec \"$@\"";
    let place = folder.path().to_str().unwrap();
    let own_disk = ["unshare", "-rm", "sh", "-c", mount, "sh", place];
    let possible = std::process::Command::new(own_disk[0])
        .args(&own_disk[1..])
        .arg("true")
        .output();
    if !possible.is_ok_and(|output| output.status.success()) {
        say("skipped: nothing may be mounted here");
        return;
    }
    let file = folder.path().join("outbox.sqlite");
    let mut child = Process::start_behind(&own_disk, "fill", &file);
    let said: Vec<String> = (0..4).map_while(|_| child.line()).collect();
    assert_eq!(said.len(), 4, "{said:#?} {:#?}", child.kill());
    for error in &said[..3] {
        assert!(
            error.ends_with("cannot be written: the disk is full"),
            "{error}"
        );
    }
    assert_eq!(said[3], "goes on");
    child.go_on();
    child.end();
}
