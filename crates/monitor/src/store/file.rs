//! The file: opened, checked, and written one batch at a time.

use std::{
    fs::{File, OpenOptions, Permissions},
    io::ErrorKind,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use rustix::fs::{FlockOperation, flock};

use super::{
    batch::Batch,
    error::StoreError,
    reader::ReadConnection,
    schema::{self, Found},
};

/// How long a write waits for another process that reads or writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Lines of history that are kept; older ones go.
const MAX_HISTORY_LINES: i64 = 500_000;

/// Where the state is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In this file.
    File(PathBuf),
    /// In memory: it is lost when the monitor ends.
    Memory,
}

impl Location {
    /// Parses a location as the configuration writes it: a path, or `:memory:`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text == ":memory:" {
            Self::Memory
        } else {
            Self::File(text.into())
        }
    }
}

/// The store.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// As SQLite takes it.
    address: PathBuf,
    pub(super) database: Connection,
    /// Held for as long as the store is open.
    lock: Option<File>,
}

impl Store {
    /// Opens the store, and makes it where there is none.
    ///
    /// # Errors
    /// [`StoreError`] in one sentence; the file is left as it is.
    pub fn open(location: &Location) -> Result<Self, StoreError> {
        let (path, address) = match location {
            Location::File(path) => (path.clone(), path.clone()),
            Location::Memory => (PathBuf::from(":memory:"), memory()),
        };
        let failed = |action| {
            let path = path.clone();
            move |error: rusqlite::Error| StoreError::of(&path, action, &error)
        };
        let (mut database, lock) = match location {
            Location::Memory => (Connection::open(&address).map_err(failed("opened"))?, None),
            Location::File(path) => {
                let lock = lock(path)?;
                make(path)?;
                let database = Connection::open(path).map_err(failed("opened"))?;
                (database, Some(lock))
            }
        };
        database
            .busy_timeout(BUSY_TIMEOUT)
            .map_err(failed("opened"))?;
        // Before anything is changed: it may be another program's.
        match schema::migrate(&mut database).map_err(failed("opened"))? {
            Found::Ready => {}
            Found::Foreign => return Err(StoreError::Foreign(path)),
            Found::Newer(found) => {
                return Err(StoreError::Newer {
                    path,
                    found,
                    known: schema::NEWEST,
                });
            }
        }
        configure(&database).map_err(failed("opened"))?;
        Ok(Self {
            path,
            address,
            database,
            lock,
        })
    }

    /// Opens it once more, for questions.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be opened.
    pub fn reader(&self) -> Result<ReadConnection, StoreError> {
        ReadConnection::open(self.path.clone(), &self.address, BUSY_TIMEOUT)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file, where it is one and not memory.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.lock.as_ref().map(|_| self.path())
    }

    pub(super) fn error(&self, action: &'static str, error: &rusqlite::Error) -> StoreError {
        StoreError::of(&self.path, action, error)
    }

    /// Writes a batch in one transaction, whole or not at all. When this
    /// returns, it outlives a loss of power.
    ///
    /// # Errors
    /// [`StoreError`] when nothing of it was written.
    pub fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let written = self.database.transaction().and_then(|transaction| {
            write(&transaction, batch)?;
            transaction.commit()
        });
        written.map_err(|error| self.error("written", &error))
    }

    /// Deletes the oldest of what has no further use.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn prune(&mut self) -> Result<(), StoreError> {
        let pruned = self.database.transaction().and_then(|transaction| {
            transaction.execute(
                "DELETE FROM monitor_history WHERE id <= (SELECT max(id) FROM monitor_history) - ?1",
                [MAX_HISTORY_LINES],
            )?;
            transaction.commit()
        });
        pruned.map_err(|error| self.error("written", &error))
    }
}

/// A database in memory that this process can open more than once:
/// <https://sqlite.org/src/file/src/memdb.c>.
fn memory() -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("file:/hbd-{number}?vfs=memdb").into()
}

fn configure(database: &Connection) -> rusqlite::Result<()> {
    // Reading is possible while it is written; each commit waits for the disk.
    let _mode: Option<String> = database
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .optional()?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.pragma_update(None, "trusted_schema", false)
}

/// One monitor at a time: a lock on a file beside it.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let opened = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&name);
    let file = opened.map_err(|error| StoreError::Unusable {
        path: path.to_owned(),
        action: "opened",
        detail: match path.parent() {
            Some(folder) if error.kind() == ErrorKind::NotFound => {
                format!("its folder {} does not exist", folder.display())
            }
            _ => format!("{} cannot be made: {error}", name.display()),
        },
    })?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(_) => Err(StoreError::InUse(path.to_owned())),
    }
}

/// Made here and not by SQLite, so that nobody else may read it.
fn make(path: &Path) -> Result<(), StoreError> {
    let unusable = |error: std::io::Error| StoreError::Unusable {
        path: path.to_owned(),
        action: "opened",
        detail: error.to_string(),
    };
    let created = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path);
    match created {
        Ok(file) => file
            .set_permissions(Permissions::from_mode(0o600))
            .map_err(unusable),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(unusable(error)),
    }
}

fn write(transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<()> {
    let text = |value: serde_json::Result<String>| {
        value.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
    };
    if let Some(liveness) = &batch.liveness {
        let at = liveness.at;
        transaction
            .prepare_cached("INSERT OR REPLACE INTO monitor_liveness VALUES (1, ?1, ?2, ?3, ?4)")?
            .execute(params![
                at.tick.0.cast_signed(),
                at.wall_ms,
                liveness.uptime_ms.cast_signed(),
                liveness.kernel_boot
            ])?;
    }
    if let Some(globals) = &batch.globals {
        let content = text(serde_json::to_string(globals))?;
        transaction.execute(
            "INSERT OR REPLACE INTO monitor_globals VALUES (1, ?1)",
            [content],
        )?;
    }
    if let Some(silences) = &batch.silences {
        transaction.execute("DELETE FROM monitor_silence", [])?;
        for silence in silences {
            let content = text(serde_json::to_string(silence))?;
            let row = params![&*silence.host, content];
            transaction.execute("INSERT INTO monitor_silence VALUES (?1, ?2)", row)?;
        }
    }
    let mut host =
        transaction.prepare_cached("INSERT OR REPLACE INTO monitor_host VALUES (?1, ?2)")?;
    for (name, record) in &batch.hosts {
        host.execute(params![&**name, text(serde_json::to_string(record))?])?;
    }
    let mut seen = transaction
        .prepare_cached("INSERT OR REPLACE INTO monitor_seen VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for ((name, family), one) in &batch.seen {
        seen.execute(params![
            &**name,
            family.name(),
            one.at.tick.0.cast_signed(),
            one.at.wall_ms,
            one.boots,
            // As text: it may need all 64 bits.
            one.counter.map(|counter| counter.to_string()),
        ])?;
    }
    if let Some(released) = batch.released {
        transaction.execute(
            "DELETE FROM monitor_held WHERE number <= ?1",
            [released.cast_signed()],
        )?;
    }
    for (number, held) in &batch.held {
        let row = params![number.cast_signed(), text(serde_json::to_string(held))?];
        transaction.execute("INSERT OR REPLACE INTO monitor_held VALUES (?1, ?2)", row)?;
    }
    let mut history = transaction
        .prepare_cached("INSERT INTO monitor_history (host, wall_ms, text) VALUES (?1, ?2, ?3)")?;
    for entry in &batch.history {
        history.execute(params![&*entry.host, entry.at.wall_ms, entry.text])?;
    }
    let mut outbound = transaction
        .prepare_cached("INSERT OR REPLACE INTO monitor_waiting VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (id, one) in &batch.outbound {
        outbound.execute(params![
            id.cast_signed(),
            &*one.key,
            one.message.host.as_deref(),
            text(serde_json::to_string(&one.names))?,
            text(serde_json::to_string(&*one.message))?,
        ])?;
    }
    let mut forwarded = transaction.prepare_cached("DELETE FROM monitor_waiting WHERE id = ?1")?;
    for id in &batch.forwarded {
        forwarded.execute([id.cast_signed()])?;
    }
    let mut open =
        transaction.prepare_cached("INSERT OR REPLACE INTO monitor_open VALUES (?1, ?2, ?3)")?;
    let mut ended =
        transaction.prepare_cached("DELETE FROM monitor_open WHERE incident = ?1 AND name = ?2")?;
    for ((incident, name), change) in &batch.incidents {
        match &change.grouping {
            Some(grouping) => open.execute(params![&**incident, &**name, grouping.text()])?,
            None => ended.execute(params![&**incident, &**name])?,
        };
    }
    Ok(())
}
