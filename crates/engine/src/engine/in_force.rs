//! What all notifications go by: one configuration with its plugins and its
//! running channels, which a reload exchanges as a whole.

use std::sync::{Arc, PoisonError, RwLock};

use crate::{config::Config, router::Router, runtime::Catalog};

/// A configuration and what belongs to it.
pub(crate) struct Setup {
    pub(crate) config: Arc<Config>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) router: Router,
}

/// The setup that is in force.
pub(crate) struct InForce(RwLock<Arc<Setup>>);

impl InForce {
    pub(crate) fn new(setup: Setup) -> Self {
        Self(RwLock::new(Arc::new(setup)))
    }

    pub(crate) fn now(&self) -> Arc<Setup> {
        self.look(Arc::clone)
    }

    /// Looks at what is in force. Whoever takes hold of channels meanwhile has
    /// done so before a reload puts them out of use.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Arc<Setup>) -> R) -> R {
        let setup = self.0.read();
        look(&setup.unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn put(&self, setup: Setup) {
        let new = Arc::new(setup);
        let old = {
            let setup = self.0.write();
            let mut setup = setup.unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *setup, new)
        };
        // While nobody waits for it: it may be large.
        drop(old);
    }
}
