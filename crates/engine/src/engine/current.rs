//! The current snapshot: one configuration with its plugins and its open channels, which a
//! reload replaces as a whole.

use std::sync::{Arc, PoisonError, RwLock};

use crate::{
    config::Config,
    delivery::Addressee,
    router::{Route, Router, UnknownChannel},
    runtime::Catalog,
};

/// A snapshot: a configuration, its plugins and its open channels.
pub(crate) struct Snapshot {
    pub(crate) config: Arc<Config>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) router: Router,
}

impl Snapshot {
    /// Returns the host of a route, which is empty if the route names none, and the open channels
    /// of the route.
    pub(crate) fn route<'a>(
        &self,
        route: Route<'a>,
    ) -> Result<(&'a str, Vec<Addressee>), UnknownChannel> {
        self.router.route(&self.config, route)
    }
}

/// The current snapshot, by which notifications are routed.
pub(crate) struct Current(RwLock<Arc<Snapshot>>);

impl Current {
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self(RwLock::new(Arc::new(snapshot)))
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.with(Arc::clone)
    }

    /// Calls `f` with the current snapshot. Guards of channels that are created meanwhile keep a
    /// reload from closing these channels.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&Arc<Snapshot>) -> R) -> R {
        let snapshot = self.0.read();
        f(&snapshot.unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace(&self, snapshot: Snapshot) {
        let new = Arc::new(snapshot);
        let old = {
            let snapshot = self.0.write();
            let mut snapshot = snapshot.unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *snapshot, new)
        };
        // Dropped after the lock is released, because it may be large.
        drop(old);
    }
}
