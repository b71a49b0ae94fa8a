//! Chooses the store of an engine: that of the embedding program, otherwise that of the
//! configuration file, otherwise one in memory.

use std::{fmt, path::PathBuf, sync::Arc};

use annunciator_store::{MemoryStore, SqliteStore, Store, StoreError};

use crate::config::{Config, StorePlace};

/// The embedding program's choice of the store.
#[derive(Clone, Default)]
pub(crate) struct StoreChoice {
    /// The store to use, whatever the file says.
    pub(crate) store: Option<Arc<dyn Store>>,
    /// The file to use if the configuration names none.
    pub(crate) default: Option<Arc<DefaultStore>>,
    /// Whether callers wait beyond their deadline for attempts that are still under way.
    pub(crate) awaits_attempts: bool,
}

type DefaultStore = dyn Fn(&Config) -> Option<PathBuf> + Send + Sync;

/// The store that was opened, if deliveries are stored at all.
#[derive(Debug)]
pub(crate) struct OpenedStore {
    pub(crate) store: Option<Arc<dyn Store>>,
    /// The reason why the chosen file could not be opened, if a store in memory replaces it.
    pub(crate) error: Option<StoreError>,
    pub(crate) awaits_attempts: bool,
}

impl fmt::Debug for StoreChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreChoice")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl StoreChoice {
    /// Opens the chosen store. If a disk fails, a store in memory replaces it, so that people are
    /// notified nevertheless.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] or [`StoreError::Newer`] when the file belongs to another program or
    /// to a later version.
    pub(crate) async fn open(&self, config: &Config) -> Result<OpenedStore, StoreError> {
        let opened = |store| OpenedStore {
            store,
            error: None,
            awaits_attempts: self.awaits_attempts,
        };
        if let Some(store) = &self.store {
            return Ok(opened(Some(Arc::clone(store))));
        }
        let file = match &config.delivery.store {
            StorePlace::NotStored => return Ok(opened(None)),
            StorePlace::Memory => None,
            StorePlace::File(file) => Some(file.clone()),
            StorePlace::Unset => self.default.as_ref().and_then(|place| place(config)),
        };
        let Some(file) = file else {
            return Ok(opened(Some(Arc::<MemoryStore>::default())));
        };
        let opening = tokio::task::spawn_blocking(move || SqliteStore::open(file));
        match opening.await.unwrap_or(Err(StoreError::Closed)) {
            Ok(store) => Ok(opened(Some(Arc::new(store)))),
            Err(error @ (StoreError::Newer { .. } | StoreError::Foreign(_))) => Err(error),
            Err(error) => {
                tracing::error!(
                    "{error}; until the next start deliveries are stored in memory, and are lost when this program ends"
                );
                Ok(OpenedStore {
                    store: Some(Arc::<MemoryStore>::default()),
                    error: Some(error),
                    awaits_attempts: self.awaits_attempts,
                })
            }
        }
    }
}
