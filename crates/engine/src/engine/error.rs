//! Why there is no engine, and why it takes no notification.

use std::path::PathBuf;

use annunciator_store::StoreError;

use super::{load::LoadError, runtime_home::Misplaced};
use crate::{config::Problems, router::UnknownChannel};

/// The longest idempotency key, in bytes.
const MAX_KEY_LENGTH: usize = 512;

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The file cannot be used; the error has every problem.
    #[error(transparent)]
    Config(#[from] LoadError),
    /// Channels whose settings turned out to be wrong when they were opened,
    /// one sentence each.
    #[error("{}", .0.join("\n"))]
    Channels(Vec<String>),
    /// The file that is to keep deliveries is not one for that.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine that was to take over a configuration was started with another
    /// file.
    #[error(
        "the engine was started with {} and does not take over {}: load it with a builder for the file that it was started with",
        engine.display(),
        loaded.display()
    )]
    OtherFile {
        /// The engine's file.
        engine: PathBuf,
        /// That of the configuration.
        loaded: PathBuf,
    },
    /// The engine that was to take over a configuration is shut down.
    #[error("the engine is shut down and takes no other configuration")]
    Closed,
    /// It was called where no engine can be started, or cannot be reached.
    #[error(transparent)]
    Misplaced(#[from] Misplaced),
    /// Loading was cut off by the end of the runtime.
    #[error("the runtime ended while the engine was starting or reloading")]
    Interrupted,
}

/// Why a notification was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// The message is empty.
    #[error("the message is empty: there is nothing to send")]
    EmptyMessage,
    /// A channel was named that does not exist.
    #[error(transparent)]
    UnknownChannel(#[from] UnknownChannel),
    /// The ad-hoc definitions cannot be used.
    #[error(transparent)]
    Definitions(#[from] Box<Problems>),
    /// The engine keeps no deliveries.
    #[error("the engine has no store: a notification can be sent, and not submitted")]
    NoStore,
    /// An idempotency key that is none.
    #[error("an idempotency key has 1 to 512 bytes")]
    Key,
    /// An idempotency key that was used before, for something else: nothing of this
    /// is accepted.
    #[error(
        "the idempotency key `{}` was used before, for another notification: {differs}",
        key.escape_debug()
    )]
    Conflict {
        /// The key.
        key: String,
        /// In what the two differ, in words.
        differs: String,
    },
    /// It could not be recorded.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine was shut down.
    #[error("the engine is shut down and takes no more notifications")]
    Closed,
    /// It was called where it cannot be reached.
    #[error(transparent)]
    Misplaced(#[from] Misplaced),
}

impl NotifyError {
    /// The error of a notification that the store did not accept.
    pub(crate) fn of_store(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { key, differs } => Self::Conflict { key, differs },
            error => Self::Store(error),
        }
    }
}

/// Checks an idempotency key.
pub(crate) fn check_key(key: Option<&str>) -> Result<(), NotifyError> {
    if key.is_some_and(|key| key.is_empty() || key.len() > MAX_KEY_LENGTH) {
        return Err(NotifyError::Key);
    }
    Ok(())
}
