//! The routes of messages, by the engine's current configuration.

use std::sync::Arc;

use annunciator::Engine;

use crate::incidents::Routes;

/// The routes of an engine.
#[derive(Debug, Clone)]
pub(super) struct EngineRoutes(pub(super) Engine);

impl Routes for EngineRoutes {
    fn of_host(&self, host: &str) -> Vec<Arc<str>> {
        let config = self.0.config();
        let names = config.named_by_host(host);
        names.into_iter().map(Arc::from).collect()
    }

    fn defaults(&self) -> Vec<Arc<str>> {
        let config = self.0.config();
        let names = config.named_by_default();
        names.into_iter().map(Arc::from).collect()
    }
}
