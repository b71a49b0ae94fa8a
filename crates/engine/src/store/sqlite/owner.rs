//! Who holds claims, and whether they still live.
//!
//! Each store that is open holds a lock on a file of its own, beside the
//! database. The system gives the lock back when the process ends, however it
//! ends: nobody needs to wait until a claim runs out.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use uuid::Uuid;

/// This store, as claims name it.
#[derive(Debug)]
pub(super) struct Owner {
    name: String,
    /// What the files of all owners begin with.
    prefix: PathBuf,
    _lock: File,
}

impl Owner {
    pub(super) fn new(database: &Path) -> io::Result<Self> {
        let mut prefix = database.as_os_str().to_owned();
        prefix.push(".owner-");
        let name = Uuid::new_v4().simple().to_string();
        let prefix = PathBuf::from(prefix);
        let lock = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(file(&prefix, &name))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self {
            name,
            prefix,
            _lock: lock,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether another owner is gone. One that cannot be asked counts as
    /// alive: its claims run out.
    pub(super) fn is_gone(&self, other: &str) -> bool {
        // A name comes from the database: nothing but our own kind is looked
        // for.
        if other == self.name || Uuid::try_parse(other).is_err() {
            return false;
        }
        let path = file(&self.prefix, other);
        match OpenOptions::new().write(true).open(&path) {
            Ok(lock) => flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }

    /// Deletes the files of those that are gone; they hold nothing any more.
    pub(super) fn bury(&self, other: &str) {
        if self.is_gone(other) {
            let _ = fs::remove_file(file(&self.prefix, other));
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = fs::remove_file(file(&self.prefix, &self.name));
    }
}

fn file(prefix: &Path, name: &str) -> PathBuf {
    let mut path = prefix.as_os_str().to_owned();
    path.push(name);
    path.into()
}
