//! Files that cannot be used: each is refused in one sentence that says what
//! to do, and is left as it is.

use std::{
    fs,
    io::{Seek as _, SeekFrom, Write as _},
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    thread,
};

use annunciator_store::{SqliteStore, Store as _, StoreError};
use annunciator_testkit::stores::{accept, all, intake};
use nix::unistd::{Uid, setfsuid};
use rusqlite::Connection;
use tempfile::TempDir;

use super::open;

/// Somebody who is not root, where the tests run as root.
const NOBODY: u32 = 65_534;

struct Place {
    _folder: TempDir,
    file: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("outbox.sqlite");
        Self {
            _folder: folder,
            file,
        }
    }

    /// The sentence, without the file's path.
    fn refused(&self) -> String {
        let before = fs::read(&self.file).ok();
        let error = SqliteStore::open(&self.file).unwrap_err();
        assert_eq!(fs::read(&self.file).ok(), before, "it was changed");
        sentence(&error, &self.file)
    }
}

fn sentence(error: &StoreError, file: &Path) -> String {
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    let folder = file.parent().unwrap().display().to_string();
    text.replace(&file.display().to_string(), "<file>")
        .replace(&folder, "<folder>")
}

#[test]
fn no_folder() {
    let place = Place::new();
    let file = place.file.with_file_name("none").join("outbox.sqlite");
    let error = SqliteStore::open(&file).unwrap_err();
    assert_eq!(
        sentence(&error, &file),
        "the store <file> cannot be opened: its folder <folder> does not exist"
    );
}

#[test]
fn a_folder_in_its_place() {
    let place = Place::new();
    fs::create_dir(&place.file).unwrap();
    assert_eq!(
        place.refused(),
        "the store <file> cannot be opened: it is a folder, not a file"
    );
}

#[test]
fn a_file_that_may_only_be_read() {
    let place = Place::new();
    drop(open(&place.file));
    fs::set_permissions(&place.file, fs::Permissions::from_mode(0o444)).unwrap();
    let folder = place.file.parent().unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    let refused = as_nobody(|| place.refused());
    assert_eq!(
        refused,
        "the store <file> cannot be opened: it is read-only; the user that the program runs as \
         needs write permission for it and its folder"
    );
}

#[test]
fn a_folder_that_may_only_be_read() {
    let place = Place::new();
    drop(open(&place.file));
    if Uid::effective().is_root() {
        chown(&place.file, Some(NOBODY), None).unwrap();
    }
    let folder = place.file.parent().unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).unwrap();
    let refused = as_nobody(|| place.refused());
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(
        refused,
        "the store <file> cannot be opened: it is read-only; the user that the program runs as \
         needs write permission for it and its folder"
    );
}

/// Does something as a user whom permissions bind; only this thread is.
fn as_nobody<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let acting = scope.spawn(|| {
            if Uid::effective().is_root() {
                setfsuid(Uid::from_raw(NOBODY));
            }
            act()
        });
        acting.join().unwrap()
    })
}

#[test]
fn no_database() {
    let place = Place::new();
    fs::write(&place.file, "notification_channels: {}\n".repeat(100)).unwrap();
    assert_eq!(
        place.refused(),
        "the store <file> is damaged (file is not a database): move it away, and deliveries \
         begin anew"
    );
}

#[tokio::test]
async fn damaged_pages() {
    let place = Place::new();
    let store = open(&place.file);
    for number in 0..200 {
        accept(&store, intake(&number.to_string(), &["a"])).await;
    }
    drop(store);
    let pages = fs::metadata(&place.file).unwrap().len() / 4096;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .open(&place.file)
        .unwrap();
    file.seek(SeekFrom::Start(4096)).unwrap();
    for _ in 1..pages {
        file.write_all(&[0x5a; 4096]).unwrap();
    }
    drop(file);
    let damaged = match SqliteStore::open(&place.file) {
        Err(error) => error,
        Ok(store) => store.accept(intake("new", &["a"])).await.unwrap_err(),
    };
    let text = sentence(&damaged, &place.file);
    assert!(text.starts_with("the store <file> is damaged (database disk image is malformed"));
    assert!(text.ends_with("): move it away, and deliveries begin anew"));
}

#[test]
fn another_program_s_database() {
    let place = Place::new();
    let sql = "CREATE TABLE bookmarks (url TEXT)";
    let other = Connection::open(&place.file).unwrap();
    other.execute_batch(sql).unwrap();
    drop(other);
    let sentence = "<file> is a database of another program: give deliveries a file of their own";
    assert_eq!(place.refused(), sentence);
    let other = Connection::open(&place.file).unwrap();
    other.pragma_update(None, "application_id", 7).unwrap();
    other.execute_batch("DROP TABLE bookmarks").unwrap();
    drop(other);
    assert_eq!(place.refused(), sentence);
}

#[test]
fn a_newer_schema() {
    let place = Place::new();
    drop(open(&place.file));
    let newer = Connection::open(&place.file).unwrap();
    newer
        .execute("UPDATE schema_version SET version = 99", [])
        .unwrap();
    drop(newer);
    let known = SqliteStore::schema_part().newest();
    assert_eq!(
        place.refused(),
        format!(
            "the store <file> was written by a newer engine (schema 99, this one knows {known}): \
             use that version, or move the file away"
        )
    );
}

/// The monitor keeps its tables in the same file, and both serve.
#[tokio::test]
async fn a_file_of_the_monitor_s() {
    let place = Place::new();
    let monitor = Connection::open(&place.file).unwrap();
    monitor
        .pragma_update(None, "application_id", 0x416e_6e75)
        .unwrap();
    monitor
        .execute_batch(
            "CREATE TABLE schema_version (part TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;
             INSERT INTO schema_version VALUES ('monitor', 1);
             CREATE TABLE monitor_host (name TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT;",
        )
        .unwrap();
    let store = open(&place.file);
    accept(&store, intake("one", &["a"])).await;
    monitor
        .execute("INSERT INTO monitor_host VALUES ('web-01', '{}')", [])
        .unwrap();
    accept(&store, intake("two", &["a"])).await;
    assert_eq!(all(&store).await.len(), 2);
    let parts: Vec<(String, i64)> = monitor
        .prepare("SELECT part, version FROM schema_version ORDER BY part")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let expected = [
        ("monitor".to_owned(), 1),
        ("outbox".to_owned(), SqliteStore::schema_part().newest()),
    ];
    assert_eq!(parts, expected);
}
