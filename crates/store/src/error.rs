//! Errors of stores.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// The error of a store: one sentence that names the file and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file is not a database, or its pages are damaged.
    #[error("the store {} is damaged ({detail}): move it away, and deliveries begin anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// SQLite's message.
        detail: String,
    },
    /// A newer engine wrote the file.
    #[error("the store {} was written by a newer engine (schema {found}, this one knows {known}): use that version, or move the file away", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's schema number.
        found: i64,
        /// The newest schema number that this version knows.
        known: i64,
    },
    /// The database belongs to another program, which the store must not change.
    #[error("{} is a database of another program: give deliveries a file of their own", .0.display())]
    Foreign(PathBuf),
    /// The file cannot be opened, read or written.
    #[error("the store {} cannot be {action}: {detail}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The operation that failed: `opened`, `read` or `written`.
        action: &'static str,
        /// The message of the system or of SQLite.
        detail: String,
    },
    /// The store has not answered for this long.
    #[error("the store has not answered for {} s: its disk may hang", .0.as_secs())]
    Silent(Duration),
    /// The store's queue is full, with this many requests.
    #[error("the store has {0} requests before this one: its disk is too slow, or hangs")]
    Full(usize),
    /// The idempotency key was used before, for a different notification. Nothing of the new
    /// notification was accepted.
    #[error("the idempotency key `{}` was used before, for another notification: {differs}", key.escape_debug())]
    Conflict {
        /// The key.
        key: String,
        /// The differences between the two, in words.
        differs: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Returns the file that the error is about, if it is about one.
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

    /// Translates an SQLite error into what it means for the operator.
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
                format!("the disk fails ({error}); it may be broken, or out of reach")
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
