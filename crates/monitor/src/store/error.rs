//! Why the state cannot be kept.

use std::path::{Path, PathBuf};

/// Why the state cannot be kept, in one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another monitor uses the file.
    #[error("the state file {} is in use by another monitor: end it, or give this one another `monitor.state`", .0.display())]
    InUse(PathBuf),
    /// The file is no database, or its pages are damaged.
    #[error("the state file {} is damaged ({detail}): move it away, and the monitor begins anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// A newer monitor has written the file.
    #[error("the state file {} was written by a newer monitor (schema {found}, this one knows {known}): use that version, or move the file away", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema's number.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// The database belongs to another program.
    #[error("{} is a database of another program: give the monitor a file of its own as `monitor.state`", .0.display())]
    Foreign(PathBuf),
    /// It cannot be opened, read or written.
    #[error("the state file {} cannot be {action}: {detail}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What was tried: opened, read, written.
        action: &'static str,
        /// What the system or SQLite says.
        detail: String,
    },
}

impl StoreError {
    /// Tells what SQLite's error means for the operator.
    pub(super) fn of(path: &Path, action: &'static str, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let path = path.to_owned();
        let detail = match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                return Self::Damaged {
                    path,
                    detail: error.to_string(),
                };
            }
            Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
            Some(ErrorCode::ReadOnly) => {
                "it is read-only; the user that the monitor runs as needs write permission for it and its folder".to_owned()
            }
            Some(ErrorCode::CannotOpen) => {
                "its folder does not exist, or the user that the monitor runs as may not write there".to_owned()
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
