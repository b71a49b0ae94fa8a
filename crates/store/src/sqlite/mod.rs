//! A store in an SQLite file, which any number of processes on a machine may
//! use at once.
//!
//! What is to be written is gathered while the disk is busy and written in one
//! transaction, so that many callers share one wait for the disk; each is
//! answered when it is durable. Questions go over a connection of their own, and
//! so does each count of everything, which may take long.
//!
//! `schema` holds the tables, `worker` the threads, `owner` knows who lives;
//! the other modules hold the statements.

mod accept;
mod claim;
mod digest;
mod history;
mod kept;
mod look;
mod once;
mod over;
mod owner;
#[cfg(test)]
mod plans;
mod schema;
mod settle;
mod step;
mod worker;

use std::{
    fs::{OpenOptions, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, MAIN_DB, OpenFlags, OptionalExtension as _, Transaction, ffi};

use crate::proof::Proof;

use super::{
    Answer, Store,
    accounts::Accounts,
    delivery::{Claim, DeliveryId, Wanted},
    error::StoreError,
    intake::{Accepted, Intake},
    record::{Attempt, Prune, Query, Record},
    settle::{Settled, Settlement, Superseded},
};
use owner::Owner;
use schema::Found;
use worker::Worker;

/// How long a write waits for another process that writes.
const BUSY: Duration = Duration::from_secs(5);
/// How often opening is tried meanwhile.
const PAUSE: Duration = Duration::from_millis(10);
/// So much of the file is kept in memory while it is written, in KiB: the ends of
/// its indexes, which all that is accepted touches.
const CACHE_KIB: i64 = 16 * 1024;
/// After so many pages the log is written back into the file: pages that changed
/// often meanwhile are written once.
const CHECKPOINT: i64 = 4000;
/// Prepared statements that are kept: all there are.
const STATEMENTS: usize = 64;

/// A store in an SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    reader: Worker,
    /// By which everything is counted.
    counter: Arc<Mutex<Connection>>,
    /// Closed last: one that only reads would leave the log behind.
    writer: Worker,
    owner: Arc<Owner>,
}

impl SqliteStore {
    /// Opens the store, and makes it where there is none; nobody but the user
    /// that the program runs as may read a new one. Blocks for as long as the
    /// disk takes.
    ///
    /// # Errors
    /// [`StoreError`] in one sentence; the file is left as it is.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        make(&path)?;
        // Not to be made by SQLite, and a path is no URI.
        let writing = connect(
            &path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        let owner = Owner::new(&path).map_err(|error| StoreError::Unusable {
            path: path.clone(),
            action: "opened",
            detail: format!("no file can be made beside it: {error}"),
        })?;
        let reading = connect(
            &path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        let counting = connect(
            &path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        let threads = |error: io::Error| StoreError::Unusable {
            path: path.clone(),
            action: "opened",
            detail: format!("there can be no thread for it: {error}"),
        };
        Ok(Self {
            writer: Worker::writing(path.clone(), writing).map_err(threads)?,
            reader: Worker::reading(path.clone(), reading).map_err(threads)?,
            owner: Arc::new(owner),
            path,
            counter: Arc::new(Mutex::new(counting)),
        })
    }

    /// What is wrong with a file as a store, as far as that can be seen without opening
    /// it: nothing is made, changed or locked. A file that is not there is fine.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Foreign`] or [`StoreError::Newer`] for what
    /// [`open`](Self::open) would refuse; [`StoreError::Unusable`] where the user of this
    /// process may not look.
    pub fn look(path: impl AsRef<Path>) -> Result<(), StoreError> {
        look::look(path.as_ref())
    }

    fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<T> {
        self.writer.ask(work)
    }

    fn read<T: Send + 'static>(
        &self,
        work: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<T> {
        self.reader.ask(work)
    }
}

impl Store for SqliteStore {
    fn accept(&self, intake: Intake) -> Answer<Accepted> {
        let owner = Arc::clone(&self.owner);
        let accepting =
            self.write(move |transaction| accept::accept(transaction, &intake, owner.name()));
        Box::pin(async move { accepting.await? })
    }

    fn known(&self, intake: Intake) -> Answer<Option<Accepted>> {
        let known = self.read(move |transaction| accept::known(transaction, &intake));
        Box::pin(async move { known.await?.transpose() })
    }

    fn claim(&self, wanted: Wanted) -> Answer<Vec<Claim>> {
        let owner = Arc::clone(&self.owner);
        self.write(move |transaction| claim::claim(transaction, &wanted, &owner))
    }

    fn settle(&self, settlement: Settlement) -> Answer<Settled> {
        self.write(move |transaction| settle::settle(transaction, &settlement))
    }

    fn next_due(&self, now_ms: i64) -> Answer<Option<i64>> {
        self.write(move |transaction| claim::next_due(transaction, now_ms))
    }

    fn next_expiry(&self, channel: String, now_ms: i64) -> Answer<Option<i64>> {
        self.write(move |transaction| claim::next_expiry(transaction, &channel, now_ms))
    }

    fn ready(&self, now_ms: i64) -> Answer<Vec<String>> {
        let owner = Arc::clone(&self.owner);
        self.write(move |transaction| claim::ready(transaction, now_ms, &owner))
    }

    fn prove(&self, delivery: DeliveryId, proof: Proof, now_ms: i64) -> Answer<Vec<Superseded>> {
        self.write(move |transaction| step::prove(transaction, delivery, proof, now_ms))
    }

    fn retry(&self, deliveries: Vec<DeliveryId>, now_ms: i64) -> Answer<u64> {
        self.write(move |transaction| settle::retry(transaction, &deliveries, now_ms))
    }

    fn deliveries(&self, query: Query) -> Answer<Vec<Record>> {
        self.read(move |transaction| history::deliveries(transaction, &query))
    }

    fn attempts(&self, delivery: DeliveryId) -> Answer<Vec<Attempt>> {
        self.read(move |transaction| history::attempts(transaction, delivery))
    }

    fn accounts(&self) -> Answer<Accounts> {
        let (path, counter) = (self.path.clone(), Arc::clone(&self.counter));
        let counted = worker::apart("store-counter", move || {
            let mut counter = counter.lock().unwrap_or_else(PoisonError::into_inner);
            counter
                .transaction()
                .and_then(|transaction| history::accounts(&transaction))
                .map_err(|error| StoreError::of(&path, "read", &error))
        });
        Box::pin(counted)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn prune(&self, prune: Prune) -> Answer<u64> {
        self.write(move |transaction| history::prune(transaction, &prune))
    }

    fn keep(&self, channel: Arc<str>, key: String, value: Option<Vec<u8>>) -> Answer<()> {
        self.write(move |transaction| kept::keep(transaction, &channel, &key, value.as_deref()))
    }

    fn kept(&self, channel: Arc<str>, key: String) -> Answer<Option<Vec<u8>>> {
        self.read(move |transaction| kept::kept(transaction, &channel, &key))
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let opened = patiently(|| {
        let mut database = Connection::open_with_flags(path, flags)?;
        database.busy_timeout(BUSY)?;
        database.set_prepared_statement_cache_capacity(STATEMENTS);
        if flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) {
            open_all(&database)?;
            return Ok((database, Found::Ready));
        }
        // SQLite opens what may only be read, and says so when it is written.
        if database.is_readonly(MAIN_DB)? {
            let read_only = ffi::Error::new(ffi::SQLITE_READONLY);
            return Err(rusqlite::Error::SqliteFailure(read_only, None));
        }
        // Before anything is changed: it may be another program's.
        let found = schema::migrate(&mut database)?;
        if found == Found::Ready {
            // Reading is possible while it is written; each commit waits for
            // the disk.
            let mode: Option<String> = database
                .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
                .optional()?;
            // Else readers would hold up writers, and on some file systems
            // nothing would be durable.
            if mode.is_none_or(|mode| !mode.eq_ignore_ascii_case("wal")) {
                let no_wal = ffi::Error::new(ffi::SQLITE_PROTOCOL);
                let sentence =
                    "its file system has no shared memory for a write-ahead log: use a local one";
                return Err(rusqlite::Error::SqliteFailure(
                    no_wal,
                    Some(sentence.to_owned()),
                ));
            }
            database.pragma_update(None, "synchronous", "FULL")?;
            database.pragma_update(None, "cache_size", -CACHE_KIB)?;
            database.pragma_update(None, "wal_autocheckpoint", CHECKPOINT)?;
            database.pragma_update(None, "trusted_schema", false)?;
            open_all(&database)?;
        }
        Ok((database, found))
    });
    match opened {
        Ok((database, Found::Ready)) => Ok(database),
        Ok((_, Found::Foreign)) => Err(StoreError::Foreign(path.to_owned())),
        Ok((_, Found::Newer(found))) => Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: schema::NEWEST,
        }),
        Err(error) => Err(StoreError::of(path, "opened", &error)),
    }
}

/// SQLite opens the log when it is first read: now and not later, so that who
/// closes the file last has it, and takes it away.
fn open_all(database: &Connection) -> rusqlite::Result<()> {
    database.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// Tries again while another process opens or closes the file: SQLite itself
/// does not wait for that. <https://sqlite.org/wal.html#sometimes_queries_return_sqlite_busy_in_wal_mode>
fn patiently<T>(mut open: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let deadline = Instant::now() + BUSY;
    loop {
        match open() {
            Err(error) if is_busy(&error) && Instant::now() < deadline => thread::sleep(PAUSE),
            result => return result,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(
        error.sqlite_error_code(),
        Some(DatabaseBusy | DatabaseLocked)
    )
}

/// Made here and not by SQLite, so that nobody else may read it.
fn make(path: &Path) -> Result<(), StoreError> {
    let unusable = |error: io::Error| StoreError::Unusable {
        path: path.to_owned(),
        action: "opened",
        detail: match path.parent() {
            Some(folder) if error.kind() == ErrorKind::NotFound => {
                format!("its folder {} does not exist", folder.display())
            }
            _ => error.to_string(),
        },
    };
    let created = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path);
    match created {
        // Whatever the process's mask is.
        Ok(file) => file
            .set_permissions(Permissions::from_mode(0o600))
            .map_err(unusable),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let is_folder = path.is_dir();
            let folder = || io::Error::other("it is a folder, and a file is wanted");
            if is_folder {
                Err(unusable(folder()))
            } else {
                Ok(())
            }
        }
        Err(error) => Err(unusable(error)),
    }
}
