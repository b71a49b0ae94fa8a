//! The owners of claims, and whether they are still alive.
//!
//! Each open store holds a lock on a file of its own, beside the database. The system releases
//! the lock when the process ends, however it ends: nobody has to wait until a claim runs out.
//! Checks use a shared lock, so that they do not disturb each other.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{MetadataExt as _, OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use uuid::Uuid;

/// The owner of this store's claims.
#[derive(Debug)]
pub(super) struct Owner {
    name: String,
    /// The common prefix of the files of all owners.
    prefix: PathBuf,
    _lock: File,
}

impl Owner {
    pub(super) fn new(database: &Path) -> io::Result<Self> {
        let mut prefix = database.as_os_str().to_owned();
        prefix.push(".owner-");
        let prefix = PathBuf::from(prefix);
        // Before it is locked, another owner may consider the file abandoned.
        let (name, lock) = loop {
            let name = Uuid::new_v4().simple().to_string();
            let lock = OpenOptions::new()
                .create_new(true)
                .write(true)
                .mode(0o600)
                .open(file(&prefix, &name))?;
            match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if lock.metadata()?.nlink() > 0 => break (name, lock),
                Ok(()) | Err(Errno::WOULDBLOCK) => {}
                Err(error) => return Err(error.into()),
            }
        };
        let owner = Self {
            name,
            prefix,
            _lock: lock,
        };
        owner.tidy();
        Ok(owner)
    }

    /// Deletes the files of all owners that are gone, including those without claims. What cannot
    /// be read stays.
    fn tidy(&self) {
        let (Some(folder), Some(prefix)) = (self.prefix.parent(), self.prefix.file_name()) else {
            return;
        };
        // A bare file name is in the working directory.
        let here = folder.as_os_str().is_empty();
        let folder = if here { Path::new(".") } else { folder };
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let entry = entry.file_name();
            let name = entry.as_bytes().strip_prefix(prefix.as_bytes());
            if let Some(name) = name.and_then(|name| str::from_utf8(name).ok()) {
                self.bury(name);
            }
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether another owner is gone. One that cannot be checked counts as alive: its
    /// claims run out.
    pub(super) fn is_gone(&self, other: &str) -> bool {
        !matches!(self.look(other), Seen::Alive)
    }

    /// Deletes the file of another owner if that is gone. An owner without a file is gone, too:
    /// its deliveries are still recognised as abandoned.
    pub(super) fn bury(&self, other: &str) {
        if let Seen::Gone(lock) = self.look(other) {
            let _ = fs::remove_file(file(&self.prefix, other));
            // Not earlier: an owner that is just starting, and has created its file but not
            // locked it yet, must find that the file is gone.
            drop(lock);
        }
    }

    fn look(&self, other: &str) -> Seen {
        // The name comes from the database: only names in the owners' own form are looked up.
        if other == self.name || Uuid::try_parse(other).is_err() {
            return Seen::Alive;
        }
        let path = file(&self.prefix, other);
        match OpenOptions::new().write(true).open(&path) {
            Ok(lock) => match flock(&lock, FlockOperation::NonBlockingLockShared) {
                Ok(()) => Seen::Gone(lock),
                Err(_) => Seen::Alive,
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Seen::Missing,
            Err(_) => Seen::Alive,
        }
    }
}

/// The result of checking an owner's file.
enum Seen {
    /// Somebody holds the file, or may.
    Alive,
    /// Nobody held the file; now this lock does.
    Gone(File),
    /// There is no file.
    Missing,
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

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    use super::*;

    #[test]
    fn one_that_begins_while_others_tidy_is_never_taken_for_gone() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("outbox.sqlite");
        let looker = Owner::new(&database).unwrap();
        let ends = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !ends.load(Ordering::Relaxed) {
                    looker.tidy();
                }
            });
            for _ in 0..6000 {
                let owner = Owner::new(&database).unwrap();
                let is_gone = looker.is_gone(owner.name());
                if is_gone {
                    ends.store(true, Ordering::Relaxed);
                }
                assert!(!is_gone);
            }
            ends.store(true, Ordering::Relaxed);
        });
    }
}
