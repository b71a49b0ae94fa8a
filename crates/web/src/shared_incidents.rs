//! Incidents of several hosts at once, which only the embedding program knows: a store has one
//! host for each message.

use std::{fmt, sync::Arc};

/// Returns the incidents that a host shares with other hosts. By default there are none.
#[derive(Clone, Default)]
pub struct SharedIncidents(Option<Arc<Find>>);

type Find = dyn Fn(&str) -> Vec<String> + Send + Sync;

impl SharedIncidents {
    /// Finds the incidents of a host by calling this with its name. Those that are not open make
    /// no difference.
    pub fn new(find: impl Fn(&str) -> Vec<String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(find)))
    }

    /// Returns the incidents that a host shares with others.
    #[must_use]
    pub fn of(&self, host: &str) -> Vec<String> {
        self.0.as_ref().map_or_else(Vec::new, |find| find(host))
    }
}

impl fmt::Debug for SharedIncidents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedIncidents").finish_non_exhaustive()
    }
}
