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
pub(super) struct InFlight(Mutex<HashSet<DeliveryId>>);

/// One of them; let go of when it is dropped.
pub(super) struct InFlightGuard {
    of: Arc<InFlight>,
    delivery: DeliveryId,
}

impl InFlight {
    pub(super) fn begin(self: &Arc<Self>, delivery: DeliveryId) -> InFlightGuard {
        self.lock().insert(delivery);
        let of = Arc::clone(self);
        InFlightGuard { of, delivery }
    }

    pub(super) fn all(&self) -> Vec<DeliveryId> {
        self.lock().iter().copied().collect()
    }

    pub(super) fn contains(&self, delivery: DeliveryId) -> bool {
        self.lock().contains(&delivery)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<DeliveryId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.of.lock().remove(&self.delivery);
    }
}
