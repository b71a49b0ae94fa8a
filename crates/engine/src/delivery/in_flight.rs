//! The deliveries in flight in this engine, so that none is claimed twice. A lease may run out
//! while the outcome waits for a disk, or because a clock was set: that is no reason to send
//! the message again.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use annunciator_store::DeliveryId;

/// The deliveries that tasks of this engine work on.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<HashSet<DeliveryId>>);

/// Keeps a delivery in flight until it is dropped.
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
