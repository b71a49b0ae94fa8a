//! Where an engine keeps its deliveries: what the embedding program decides,
//! then the file, then memory.

use std::{fmt, path::PathBuf, sync::Arc};

use annunciator_store::{MemoryStore, SqliteStore, Store, StoreError};

use crate::config::{Config, StorePlace};

/// What the embedding program decides.
#[derive(Clone, Default)]
pub(crate) struct Keeping {
    /// This store, whatever the file says.
    pub(crate) store: Option<Arc<dyn Store>>,
    /// A file, where the configuration says nothing.
    pub(crate) default: Option<Arc<Place>>,
    /// Whether who waits for an outcome waits for attempts that are under way then, too.
    pub(crate) awaits_attempts: bool,
}

type Place = dyn Fn(&Config) -> Option<PathBuf> + Send + Sync;

/// A store that was opened, if deliveries are kept at all.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) store: Option<Arc<dyn Store>>,
    /// Why it is not the one that was wanted.
    pub(crate) error: Option<StoreError>,
    pub(crate) awaits_attempts: bool,
}

impl fmt::Debug for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeping")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl Keeping {
    /// Opens what is wanted. A disk that fails is no reason to tell nobody
    /// anything: then deliveries are kept in memory. A file that belongs to
    /// somebody else is a mistake, and an error.
    pub(crate) async fn open(&self, config: &Config) -> Result<Kept, StoreError> {
        let kept = |store| Kept {
            store,
            error: None,
            awaits_attempts: self.awaits_attempts,
        };
        if let Some(store) = &self.store {
            return Ok(kept(Some(Arc::clone(store))));
        }
        let file = match &config.delivery.store {
            StorePlace::Nowhere => return Ok(kept(None)),
            StorePlace::Memory => None,
            StorePlace::File(file) => Some(file.clone()),
            StorePlace::Unsaid => self.default.as_ref().and_then(|place| place(config)),
        };
        let Some(file) = file else {
            return Ok(kept(Some(Arc::<MemoryStore>::default())));
        };
        let opening = tokio::task::spawn_blocking(move || SqliteStore::open(file));
        match opening.await.unwrap_or(Err(StoreError::Closed)) {
            Ok(store) => Ok(kept(Some(Arc::new(store)))),
            Err(error @ (StoreError::Newer { .. } | StoreError::Foreign(_))) => Err(error),
            Err(error) => {
                tracing::error!(
                    "{error}; until the next start deliveries are kept in memory, and are lost when this program ends"
                );
                Ok(Kept {
                    store: Some(Arc::<MemoryStore>::default()),
                    error: Some(error),
                    awaits_attempts: self.awaits_attempts,
                })
            }
        }
    }
}
