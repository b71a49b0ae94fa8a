//! An SQLite file of this program: created, checked, and used by one thread for writing and one
//! for reading.
//!
//! Several parts may share a file, such as the store of deliveries and the tables of the program
//! that embeds the engine. Each part has a version of its own, see [`SchemaPart`], and all of
//! them share the writing thread: what two parts write in one call is one transaction.
//!
//! A thread has a connection and does its tasks in the order in which they are requested. Those
//! that have collected in the meantime are done in one transaction.

use std::{
    fs::{OpenOptions, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{
    Connection, MAIN_DB, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior, ffi,
};

use super::{
    schema::{self, Found, SchemaPart},
    worker::Worker,
};
use crate::{Answer, StoreError};

/// How long a write waits for another process that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The delay before opening is tried again within that time.
const OPEN_RETRY_DELAY: Duration = Duration::from_millis(10);
/// How much of the file is cached while it is written, in KiB: enough for the ends of its
/// indexes, which every acceptance touches.
const CACHE_KIB: i64 = 16 * 1024;
/// The number of pages after which the log is written back into the file: pages that changed
/// often in the meantime are written once.
const CHECKPOINT_PAGES: i64 = 4000;
/// The maximum number of prepared statements that are cached: more than all parts have.
const MAX_CACHED_STATEMENTS: usize = 96;

const READING: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);
/// SQLite must not create the file, and a path is not a URI.
const WRITING: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);
/// A database in memory has a URI for a name, and is created when opened.
const IN_MEMORY: OpenFlags = OpenFlags::SQLITE_OPEN_URI.union(OpenFlags::SQLITE_OPEN_CREATE);

/// An open SQLite file, which the parts of a program share.
///
/// Work is done in the order of the calls, on one thread for writing and one for reading. Writes
/// that collect while the disk is busy are done in one transaction, so that many callers share
/// one wait for the disk; each is answered when its work is durable. Work is done even if nobody
/// waits for the answer. The file is closed when the last handle is dropped, after all work is
/// done; whoever drops it waits for that, but no longer than 10 s for each of its threads.
#[derive(Debug)]
pub struct SqliteFile {
    path: PathBuf,
    in_memory: bool,
    reader: Worker,
    /// Closed last, since a connection that only reads would leave the log behind.
    writer: Worker,
}

impl SqliteFile {
    /// Opens a file with these parts, and creates it if there is none; only the user that the
    /// program runs as may read a new one. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// Fails with [`StoreError`] in one sentence, and leaves the file as it is: with
    /// [`StoreError::Foreign`] if it belongs to another program, and with [`StoreError::Newer`]
    /// if a newer program wrote one of the parts.
    pub fn open(path: impl Into<PathBuf>, parts: &[SchemaPart]) -> Result<Self, StoreError> {
        let path = path.into();
        make(&path)?;
        let writing = connect(&path, &path, WRITING, parts)?;
        let reading = connect(&path, &path, READING, parts)?;
        Self::over(path, false, reading, writing)
    }

    /// Creates a database in memory with these parts. It ends with the last handle.
    ///
    /// # Errors
    /// Fails with [`StoreError`] if the system refuses threads or memory.
    pub fn in_memory(parts: &[SchemaPart]) -> Result<Self, StoreError> {
        // Several connections open it by its name: <https://sqlite.org/src/file/src/memdb.c>
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let address = PathBuf::from(format!("file:/annunciator-{number}?vfs=memdb"));
        let path = PathBuf::from(":memory:");
        let writing = connect(&path, &address, WRITING | IN_MEMORY, parts)?;
        let reading = connect(&path, &address, READING | OpenFlags::SQLITE_OPEN_URI, parts)?;
        Self::over(path, true, reading, writing)
    }

    fn over(
        path: PathBuf,
        in_memory: bool,
        reading: Connection,
        writing: Connection,
    ) -> Result<Self, StoreError> {
        let threads = |error: io::Error| StoreError::Unusable {
            path: path.clone(),
            action: "opened",
            detail: format!("no thread can be started for it: {error}"),
        };
        Ok(Self {
            writer: Worker::writing(path.clone(), writing).map_err(threads)?,
            reader: Worker::reading(path.clone(), reading).map_err(threads)?,
            path,
            in_memory,
        })
    }

    /// Returns the file's path; `None` for a database in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        (!self.in_memory).then_some(&self.path)
    }

    /// Migrates a further part to its newest schema.
    ///
    /// # Errors
    /// Fails with [`StoreError::Newer`] if a newer program wrote the part.
    pub fn add_part(&self, part: SchemaPart) -> Answer<()> {
        let migrating = self.write(move |transaction| schema::migrate(transaction, &part));
        let path = self.path.clone();
        Box::pin(async move { usable(&path, &part, migrating.await?) })
    }

    /// Does work in a writing transaction, and answers when it is durable.
    ///
    /// The work may be done more than once, if a transaction fails: only its last run counts.
    ///
    /// # Errors
    /// Fails with [`StoreError`] if nothing of the work was written.
    pub fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<T> {
        self.writer.ask(work)
    }

    /// Reads durable data.
    ///
    /// # Errors
    /// Fails with [`StoreError`] if it cannot be read.
    pub fn read<T: Send + 'static>(
        &self,
        work: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<T> {
        self.reader.ask(work)
    }

    /// Opens a further reading connection, for queries that take long.
    pub(super) fn connect_reading(&self) -> Result<Connection, StoreError> {
        connect(&self.path, &self.path, READING, &[])
    }
}

/// Opens a connection; a writing one migrates the parts to their newest schemas first. `path`
/// names the file in errors, `address` is what SQLite opens.
fn connect(
    path: &Path,
    address: &Path,
    flags: OpenFlags,
    parts: &[SchemaPart],
) -> Result<Connection, StoreError> {
    let in_memory = flags.contains(OpenFlags::SQLITE_OPEN_URI);
    let opened = retry_while_busy(|| {
        let mut database = Connection::open_with_flags(address, flags)?;
        database.busy_timeout(BUSY_TIMEOUT)?;
        database.set_prepared_statement_cache_capacity(MAX_CACHED_STATEMENTS);
        if flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) {
            open_log(&database)?;
            return Ok((database, None));
        }
        // SQLite opens a file without write permission, and reports it only at the first write.
        if database.is_readonly(MAIN_DB)? {
            let read_only = ffi::Error::new(ffi::SQLITE_READONLY);
            return Err(rusqlite::Error::SqliteFailure(read_only, None));
        }
        // Before any change, since the file may be another program's.
        let refused = migrate_all(&mut database, parts)?;
        if refused.is_none() {
            if !in_memory {
                use_log(&database)?;
            }
            database.pragma_update(None, "synchronous", "FULL")?;
            database.pragma_update(None, "cache_size", -CACHE_KIB)?;
            database.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
            database.pragma_update(None, "trusted_schema", false)?;
            open_log(&database)?;
        }
        Ok((database, refused))
    });
    let (database, refused) = opened.map_err(|error| StoreError::of(path, "opened", &error))?;
    match refused {
        None => Ok(database),
        Some((part, found)) => usable(path, &part, found).map(|()| database),
    }
}

/// Migrates all parts to their newest schemas in one transaction, or none. Returns the part that
/// could not be migrated, and what was found.
fn migrate_all(
    database: &mut Connection,
    parts: &[SchemaPart],
) -> rusqlite::Result<Option<(SchemaPart, Found)>> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for part in parts {
        match schema::migrate(&transaction, part)? {
            Found::Ready => {}
            found => return Ok(Some((*part, found))),
        }
    }
    transaction.commit()?;
    Ok(None)
}

fn usable(path: &Path, part: &SchemaPart, found: Found) -> Result<(), StoreError> {
    let path = path.to_owned();
    match found {
        Found::Ready => Ok(()),
        Found::Foreign => Err(StoreError::Foreign(path)),
        Found::Newer(found) => Err(StoreError::Newer {
            path,
            found,
            known: part.newest(),
        }),
    }
}

/// Switches to a write-ahead log, with which the file can be read while it is written, and each
/// commit waits for the disk.
fn use_log(database: &Connection) -> rusqlite::Result<()> {
    let mode: Option<String> = database
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .optional()?;
    if mode.is_some_and(|mode| mode.eq_ignore_ascii_case("wal")) {
        return Ok(());
    }
    // Without the log, readers would block writers, and on some file systems nothing would be
    // durable.
    let no_log = ffi::Error::new(ffi::SQLITE_PROTOCOL);
    let sentence = "its file system has no shared memory for a write-ahead log: use a local one";
    Err(rusqlite::Error::SqliteFailure(
        no_log,
        Some(sentence.to_owned()),
    ))
}

/// Opens the log, which SQLite otherwise does at the first read. The connection that is closed
/// last then has it open, and removes it.
fn open_log(database: &Connection) -> rusqlite::Result<()> {
    database.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// Retries while another process opens or closes the file, since SQLite itself does not wait for
/// that: <https://sqlite.org/wal.html#sometimes_queries_return_sqlite_busy_in_wal_mode>
fn retry_while_busy<T>(mut open: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match open() {
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                thread::sleep(OPEN_RETRY_DELAY);
            }
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

/// Creates the file here and not in SQLite, so that nobody else may read it.
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
        // Independent of the process's umask.
        Ok(file) => file
            .set_permissions(Permissions::from_mode(0o600))
            .map_err(unusable),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let is_folder = path.is_dir();
            let folder = || io::Error::other("it is a folder, not a file");
            if is_folder {
                Err(unusable(folder()))
            } else {
                Ok(())
            }
        }
        Err(error) => Err(unusable(error)),
    }
}
