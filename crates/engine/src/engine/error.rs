//! The errors of starting an engine and of notifying.

use std::path::PathBuf;

use annunciator_store::StoreError;

use super::{load::LoadError, runtime_home::Misplaced};
use crate::{config::Problems, router::UnknownChannel};

/// The maximum length of an idempotency key, in bytes.
const MAX_KEY_LENGTH: usize = 512;

/// The error when an engine cannot start or take over a configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration file cannot be used; the error has the problems that were found.
    #[error(transparent)]
    Config(#[from] LoadError),
    /// Channels whose settings turned out to be wrong when they were opened, one sentence for each.
    #[error("{}", .0.join("\n"))]
    Channels(Vec<String>),
    /// The file in which deliveries are to be stored cannot be used as a store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The configuration is from another file than the one with which the engine was started.
    #[error(
        "the engine was started with {} and does not take over {}: load it with a builder for the file that it was started with",
        engine.display(),
        loaded.display()
    )]
    OtherFile {
        /// The engine's file.
        engine: PathBuf,
        /// The file of the configuration.
        loaded: PathBuf,
    },
    /// The engine is shut down and takes over no configuration.
    #[error("the engine is shut down and accepts no other configuration")]
    Closed,
    /// The call was made where no engine can be started or reached.
    #[error(transparent)]
    Misplaced(#[from] Misplaced),
    /// The runtime ended while the engine was loading.
    #[error("the runtime ended while the engine was starting or reloading")]
    Interrupted,
}

/// The error when a notification is not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// The message is empty.
    #[error("the message is empty: there is nothing to send")]
    EmptyMessage,
    /// A channel was named that does not exist.
    #[error(transparent)]
    UnknownChannel(#[from] UnknownChannel),
    /// No channel is configured for it, so that nobody would be notified. Nothing is recorded, and
    /// its idempotency key is not used.
    #[error("no channel is configured for this: nobody would be notified")]
    NoChannel,
    /// The ad-hoc definitions cannot be used.
    #[error(transparent)]
    Definitions(#[from] Box<Problems>),
    /// The engine has no store of deliveries.
    #[error("the engine has no store: a notification can be sent, and not submitted")]
    NoStore,
    /// The idempotency key is not 1 to 512 bytes long.
    #[error("an idempotency key has 1 to 512 bytes")]
    Key,
    /// The idempotency key was used before, for another notification. Nothing of this one is
    /// accepted.
    #[error(
        "the idempotency key `{}` was used before, for another notification: {differs}",
        key.escape_debug()
    )]
    Conflict {
        /// The key.
        key: String,
        /// What differs between the two, in words.
        differs: String,
    },
    /// The notification could not be recorded.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine is shut down.
    #[error("the engine is shut down and accepts no more notifications")]
    Closed,
    /// The call was made where the engine cannot be reached.
    #[error(transparent)]
    Misplaced(#[from] Misplaced),
}

impl NotifyError {
    /// Returns the error of a notification that the store did not accept.
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
