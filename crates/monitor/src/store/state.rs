//! The state store: an SQLite file that only one monitor uses.

use std::{
    fs::{File, OpenOptions},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use annunciator::store::SqliteFile;
use rustix::fs::{FlockOperation, flock};

use super::{error::StoreError, schema};

/// Where the state is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In a file.
    File(PathBuf),
    /// In memory: the state is lost when the monitor ends.
    Memory,
}

impl Location {
    /// Parses a location as the configuration has it: a path, or `:memory:`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text == ":memory:" {
            Self::Memory
        } else {
            Self::File(text.into())
        }
    }
}

/// The state store. Its file may have tables of others, such as those of the engine's store
/// of deliveries; one thread writes all of them.
#[derive(Debug)]
pub struct StateStore {
    file: Arc<SqliteFile>,
    /// Held as long as the state is open.
    _lock: Option<File>,
}

impl StateStore {
    /// Opens the state, or creates it if it is missing. Blocks until the disk answers.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the state cannot be used. The file stays unchanged.
    pub fn open(location: &Location) -> Result<Self, StoreError> {
        let parts = [schema::MONITOR];
        let (file, lock) = match location {
            Location::Memory => (SqliteFile::in_memory(&parts)?, None),
            Location::File(path) => {
                let lock = lock(path)?;
                (SqliteFile::open(path, &parts)?, Some(lock))
            }
        };
        Ok(Self {
            file: Arc::new(file),
            _lock: lock,
        })
    }

    /// Returns the file.
    #[must_use]
    pub fn file(&self) -> &Arc<SqliteFile> {
        &self.file
    }

    /// Returns the path of the file, for errors.
    pub(super) fn path(&self) -> &Path {
        self.file.path().unwrap_or(Path::new(":memory:"))
    }
}

/// Takes the lock, on a file beside the state, that keeps out a second monitor.
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
