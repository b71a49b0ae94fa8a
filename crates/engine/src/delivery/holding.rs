//! What this engine is working on. A claim may run out meanwhile, since its
//! outcome waits for a disk, or a clock was set: it is no reason to claim it once
//! more and send it again.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use annunciator_store::DeliveryId;

/// The deliveries that tasks of this engine hold.
#[derive(Debug, Default)]
pub(super) struct Holding(Mutex<HashSet<DeliveryId>>);

/// One of them; let go of when it is dropped.
pub(super) struct Hold {
    of: Arc<Holding>,
    delivery: DeliveryId,
}

impl Holding {
    pub(super) fn hold(self: &Arc<Self>, delivery: DeliveryId) -> Hold {
        self.lock().insert(delivery);
        let of = Arc::clone(self);
        Hold { of, delivery }
    }

    pub(super) fn all(&self) -> Vec<DeliveryId> {
        self.lock().iter().copied().collect()
    }

    pub(super) fn holds(&self, delivery: DeliveryId) -> bool {
        self.lock().contains(&delivery)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<DeliveryId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.of.lock().remove(&self.delivery);
    }
}
