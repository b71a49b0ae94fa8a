//! Why a store cannot do its work.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Why a store cannot do its work, in one sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file is no database, or its pages are damaged.
    #[error("the store {} is damaged ({detail}): move it away, and deliveries begin anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// A newer engine has written the file.
    #[error("the store {} was written by a newer engine (schema {found}, this one knows {known}): use that version, or move the file away", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema's number.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// The database belongs to another program.
    #[error("{} is a database of another program: give deliveries a file of their own", .0.display())]
    Foreign(PathBuf),
    /// It cannot be opened, read or written.
    #[error("the store {} cannot be {action}: {detail}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What was tried: opened, read, written.
        action: &'static str,
        /// What the system or SQLite says.
        detail: String,
    },
    /// It does not answer.
    #[error("the store has not answered for {} s: its disk may hang", .0.as_secs())]
    Silent(Duration),
    /// More was asked of it than it does.
    #[error("the store has {0} requests before this one: its disk is too slow, or hangs")]
    Full(usize),
    /// An idempotency key was used before, for something else. Nothing of this is
    /// taken.
    #[error("the idempotency key `{}` was used before, for another notification: {differs}", key.escape_debug())]
    Conflict {
        /// The key.
        key: String,
        /// In what the two differ, in words.
        differs: String,
    },
    /// It was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// The file that it is about, where it is about one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Damaged { path, .. }
            | Self::Newer { path, .. }
            | Self::Unusable { path, .. }
            | Self::Foreign(path) => Some(path),
            Self::Silent(_) | Self::Full(_) | Self::Conflict { .. } | Self::Closed => None,
        }
    }

    /// Tells what SQLite's error means for the operator.
    pub(crate) fn of(path: &Path, action: &'static str, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let path = path.to_owned();
        let detail = match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                let detail = error.to_string();
                return Self::Damaged { path, detail };
            }
            Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
            Some(ErrorCode::SystemIoFailure) => {
                format!("the disk does not do it ({error}); it may be broken, or out of reach")
            }
            Some(ErrorCode::ReadOnly) => {
                "it is read-only; the user that the program runs as needs write permission for it and its folder".to_owned()
            }
            Some(ErrorCode::CannotOpen) => {
                "its folder does not exist, or the user that the program runs as may not write there".to_owned()
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another process has been writing to it for too long".to_owned()
            }
            _ => error.to_string(),
        };
        Self::Unusable {
            path,
            action,
            detail,
        }
    }
}
