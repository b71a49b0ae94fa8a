//! The sources of the configuration in force, compiled once.

use std::sync::{Arc, Mutex, PoisonError};

use annunciator::Config;
use annunciator_ingest::Sources;

/// The sources of the configuration that was asked for last.
#[derive(Debug, Default)]
pub(super) struct CurrentSources(Mutex<Option<(Arc<Config>, Arc<Sources>)>>);

impl CurrentSources {
    /// Returns the sources of a configuration. They are compiled when it is another one than
    /// before, while others wait.
    pub(super) fn of(&self, config: &Arc<Config>) -> Arc<Sources> {
        // The guarded value is consistent between any two statements.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, sources)) = &*known
            && Arc::ptr_eq(known, config)
        {
            return Arc::clone(sources);
        }
        let sources = Arc::new(Sources::of(config));
        *known = Some((Arc::clone(config), Arc::clone(&sources)));
        sources
    }
}
