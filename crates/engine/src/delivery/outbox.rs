//! The outbox: the state that the stages of a delivery share and that outlives the process. Each
//! delivery is accepted into the store first, then attempted until it ends.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use annunciator_store::{DeliveryId, Store, StoreError, Superseded};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use super::{channel::ChannelGuard, waiters::Waiters, wakeup::Wakeup};
use crate::{
    alerts::{ActiveAlerts, Subject},
    clock::{Clock, milliseconds},
};

/// The maximum time that a call waits for the store before people are notified without a record.
pub(super) const STORE_TIMEOUT: Duration = Duration::from_secs(10);
/// The time that a lease lasts beyond the timeout of its attempt, because persisting the outcome
/// may have to wait for a disk.
const LEASE_MARGIN: Duration = Duration::from_secs(60);

/// The deliveries of an engine, in a store.
pub(crate) struct Outbox {
    pub(crate) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) waiters: Arc<Waiters>,
    /// The deliveries that tasks of this engine carry out.
    pub(super) in_flight: Arc<InFlight>,
    /// The time of the dispatcher's next round.
    pub(super) wakeup: Wakeup,
    pub(super) deliveries: TaskTracker,
    /// Tracks the claims that are being made: by the dispatcher, or by a submission whose intake
    /// the embedding program has the store accept. They become tasks of `deliveries` afterwards.
    claiming: TaskTracker,
    pub(super) alerts: Arc<ActiveAlerts>,
    /// Cancelled when the engine may not wait any longer; ends attempts.
    pub(super) abandon: CancellationToken,
    /// Whether callers wait beyond their deadline for attempts that are still under way.
    pub(super) awaits_attempts: bool,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl Outbox {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        alerts: Arc<ActiveAlerts>,
        clock: Arc<dyn Clock>,
        (deliveries, abandon): (TaskTracker, CancellationToken),
        awaits_attempts: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            clock,
            waiters: Arc::default(),
            in_flight: Arc::default(),
            wakeup: Wakeup::default(),
            deliveries,
            claiming: TaskTracker::new(),
            alerts,
            abandon,
            awaits_attempts,
        })
    }

    /// Wakes the dispatcher.
    pub(crate) fn wake(&self) {
        self.wakeup.wake();
    }

    /// Raises or clears the alert that the store cannot be written.
    pub(super) fn update_store_alert(&self, error: Option<&StoreError>) {
        match error {
            // A conflict is an answer, so the store works.
            None | Some(StoreError::Conflict { .. }) => self.alerts.clear(&Subject::Store),
            Some(StoreError::Closed) => {}
            Some(error) => {
                let sentence = format!(
                    "Deliveries cannot be recorded: {error}. Meanwhile people are still notified, but each message is tried only once, and what waits may be late."
                );
                self.alerts.raise(Subject::Store, sentence);
            }
        }
    }

    /// Returns a guard that must be held from before deliveries are claimed until their tasks are
    /// spawned, so that a shutdown waits for one or the other. Returns `None` if nothing may be
    /// claimed any more.
    pub(crate) fn begin_claim(&self) -> Option<TaskTrackerToken> {
        // The token is taken first, because a shutdown closes `deliveries` before it waits for
        // tokens.
        let token = self.claiming.token();
        (!self.deliveries.is_closed()).then_some(token)
    }

    /// Waits until tasks are spawned for all claims. When `deliveries` is closed, no more claims
    /// are made. If the store hangs, the claims of submissions never end.
    pub(crate) async fn wait_for_claims(&self) {
        self.claiming.close();
        self.claiming.wait().await;
    }

    /// Logs superseded deliveries, notifies their waiters, and wakes the dispatcher.
    pub(super) fn notify_superseded(&self, superseded: &[Superseded]) {
        for Superseded { delivery, why } in superseded {
            tracing::info!(%delivery, why = &**why, "need not be sent any more");
        }
        self.waiters.notify_superseded(superseded);
        if !superseded.is_empty() {
            // Deliveries behind them in their lanes may be sent now.
            self.wake();
        }
    }
}

impl ChannelGuard {
    /// Returns when a delivery that is accepted now expires, in milliseconds since the Unix epoch.
    pub(super) fn expires_ms(&self, now_ms: i64) -> Option<i64> {
        Some(now_ms.saturating_add(milliseconds(self.config.options.ttl)))
    }

    /// Returns when the lease of a delivery that is claimed now ends, in milliseconds since the
    /// Unix epoch.
    pub(super) fn lease_until_ms(&self, now_ms: i64) -> i64 {
        let longest = self.config.options.timeout + LEASE_MARGIN;
        now_ms.saturating_add(milliseconds(longest))
    }
}

/// The deliveries that tasks of this engine carry out, so that none is claimed twice. A lease may
/// expire while the outcome waits for a disk, or because a clock was set; the message must not be
/// sent again for that.
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
