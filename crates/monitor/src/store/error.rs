//! The errors of the state store.

use std::path::PathBuf;

use annunciator::store;

/// An error returned when the state cannot be stored. Its sentence says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another monitor uses the file.
    #[error("the state file {} is in use by another monitor: end it, or give this one another `monitor.state`", .0.display())]
    InUse(PathBuf),
    /// The file is not a database, or its pages are damaged.
    #[error("the state file {} is damaged ({detail}): move it away, and the monitor begins anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The error of SQLite.
        detail: String,
    },
    /// A newer version of the monitor has written the file.
    #[error("the state file {} was written by a newer monitor (schema {found}, this one knows {known}): use that version, or move the file away", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its schema.
        found: i64,
        /// The newest version that this monitor knows.
        known: i64,
    },
    /// The database belongs to another program.
    #[error("{} is a database of another program: give the monitor a file of its own as `monitor.state`", .0.display())]
    Foreign(PathBuf),
    /// The file cannot be opened, read or written.
    #[error("the state file {} cannot be {action}: {detail}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What failed: opened, read or written.
        action: &'static str,
        /// The error of the operating system or of SQLite.
        detail: String,
    },
    /// The store did not answer.
    #[error("the state file cannot be used: {0}")]
    Unanswered(store::StoreError),
}

impl From<store::StoreError> for StoreError {
    /// Converts an error of the engine's store into the same error about the state.
    fn from(error: store::StoreError) -> Self {
        use store::StoreError as Error;
        match error {
            Error::Damaged { path, detail } => Self::Damaged { path, detail },
            Error::Newer { path, found, known } => Self::Newer { path, found, known },
            Error::Foreign(path) => Self::Foreign(path),
            Error::Unusable {
                path,
                action,
                detail,
            } => Self::Unusable {
                path,
                action,
                detail,
            },
            error => Self::Unanswered(error),
        }
    }
}
