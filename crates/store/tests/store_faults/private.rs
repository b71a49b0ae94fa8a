//! Nobody else may read what a store writes.

use std::{fs, os::unix::fs::PermissionsExt as _};

use annunciator_testkit::stores::{accept, intake};

use super::open;

#[tokio::test]
async fn every_file_is_its_user_s_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outbox.sqlite");
    let store = open(&file);
    accept(&store, intake("one", &["a"])).await;
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o600, "{name}: {mode:o}");
        names.push(name);
    }
    for part in ["sqlite", "sqlite-wal", "sqlite-shm"] {
        let name = format!("outbox.{part}");
        assert!(names.contains(&name), "no {name} in {names:?}");
    }
    assert!(names.iter().any(|name| name.contains(".owner-")));
}
