//! The outbox: deliveries that outlive the process. Each is accepted into the store first,
//! then attempted until it ends.
//!
//! `submission` has the store accept a notification and begins its first attempts, `dispatcher`
//! claims the rest, `attempt_task` carries out one claim, and `waiters` holds the callers that
//! wait for outcomes.

use std::{fmt, sync::Arc, time::Duration};

use annunciator_store::{State, Store, StoreError, Superseded};
use futures_util::future::join_all;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use super::{
    attempt_task::AttemptTask,
    channel::ChannelGuard,
    in_flight::InFlight,
    report::{ChannelReport, Report},
    submission::Submission,
    waiters::{Waiter, Waiters},
    wakeup::Wakeup,
};
use crate::{
    alerts::{ActiveAlerts, Subject},
    clock::{Clock, milliseconds},
};

/// How long a call waits for the store before people are notified without a record.
pub(super) const STORE_TIMEOUT: Duration = Duration::from_secs(10);
/// What a lease lasts beyond the timeout of its attempt: persisting the outcome may have to
/// wait for a disk.
const LEASE_MARGIN: Duration = Duration::from_secs(60);

/// The deliveries of an engine, over a store.
pub(crate) struct Outbox {
    pub(crate) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) waiters: Arc<Waiters>,
    /// The deliveries that tasks of this engine work on.
    pub(super) in_flight: Arc<InFlight>,
    /// When the dispatcher's next round begins.
    pub(super) wakeup: Wakeup,
    pub(super) deliveries: TaskTracker,
    /// Claims that are being made, which become tasks of `deliveries` afterwards.
    claiming: TaskTracker,
    pub(super) alerts: Arc<ActiveAlerts>,
    /// Ends attempts, when the engine may not wait any longer.
    pub(super) abandon: CancellationToken,
    /// Whether callers wait beyond their deadline for attempts that are under way then.
    awaits_attempts: bool,
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

    /// Submits a notification and waits for the outcome of its deliveries, for `deadline` at
    /// most. Deliveries without an outcome by then are reported in their state.
    ///
    /// # Errors
    /// [`StoreError`] when the store did not accept it, or not within [`STORE_TIMEOUT`].
    pub(crate) async fn submit_and_wait(
        self: &Arc<Self>,
        submission: Submission,
        deadline: Duration,
    ) -> Result<Report, StoreError> {
        let id = submission.rendered.message.id.to_string();
        // Before there can be an outcome.
        let addressees = submission.addressees.iter();
        let mut waiters: Vec<Waiter> = addressees
            .map(|addressee| self.waiters.add(&id, addressee))
            .collect();
        let outbox = Arc::clone(self);
        let (intake, pending) = self.prepare(submission);
        let permits = pending.permits();
        // A task of its own, which goes on if the caller stops waiting.
        let submitting = self
            .deliveries
            .spawn(async move { outbox.submit(intake, pending).await });
        let accepted = tokio::select! {
            submitted = submitting => submitted.map_err(|_| StoreError::Closed)??,
            // It goes on, and may still be accepted: twice is better than never.
            () = self.clock.sleep(STORE_TIMEOUT) => {
                let silent = StoreError::Silent(STORE_TIMEOUT);
                self.update_store_alert(Some(&silent));
                // For the attempt that is made without a record.
                permits.release();
                return Err(silent);
            }
        };
        if accepted.repeated {
            let before = accepted.deliveries.iter().map(|placed| {
                let mut waiters = waiters.iter();
                let waiter = waiters.find(|waiter| waiter.is_on(&placed.channel));
                let channel_type = waiter.map_or("", Waiter::channel_type);
                ChannelReport::accepted_before(channel_type, placed)
            });
            return Ok(Report::new(before));
        }
        if deadline.is_zero() {
            return Ok(Report::new(
                waiters.iter().map(|waiter| waiter.report(State::Pending)),
            ));
        }
        let all = join_all(waiters.iter_mut().map(Waiter::until_ended));
        let so_far = tokio::select! {
            _ = all => State::Pending,
            never = self.watch_other_processes(&accepted) => match never {},
            () = self.clock.sleep(deadline) => State::Pending,
            () = self.abandon.cancelled() => State::InFlight,
        };
        if self.awaits_attempts && so_far == State::Pending {
            let under_way = join_all(waiters.iter_mut().map(Waiter::until_attempt_ended));
            let _ = self.abandon.run_until_cancelled(under_way).await;
        }
        Ok(Report::new(
            waiters.iter().map(|waiter| waiter.report(so_far)),
        ))
    }

    /// Raises or clears the alert that the store cannot be written.
    pub(super) fn update_store_alert(&self, error: Option<&StoreError>) {
        match error {
            // A conflict is an answer: the store works.
            None | Some(StoreError::Conflict { .. }) => self.alerts.clear(&Subject::Store),
            Some(StoreError::Closed) => {}
            Some(error) => {
                let sentence = format!(
                    "Deliveries cannot be recorded: {error}. Meanwhile people are notified all the same, but once only, and what waits may be late."
                );
                self.alerts.raise(Subject::Store, sentence);
            }
        }
    }

    /// Returns a guard to be held from before deliveries are claimed until their tasks are
    /// spawned, so that a shutdown waits for one or the other; `None` when nothing may be
    /// claimed any more.
    pub(super) fn begin_claim(&self) -> Option<TaskTrackerToken> {
        // The token first: a shutdown closes `deliveries` before it waits for tokens.
        let token = self.claiming.token();
        (!self.deliveries.is_closed()).then_some(token)
    }

    /// Waits until tasks are spawned for all claims. Once `deliveries` is closed, no more
    /// claims are made.
    pub(crate) async fn wait_for_claims(&self) {
        self.claiming.close();
        self.claiming.wait().await;
    }

    /// Spawns the task that carries out a claim.
    pub(super) fn spawn_attempt(self: &Arc<Self>, mut task: AttemptTask) {
        let outbox = Arc::clone(self);
        let guard = self.in_flight.begin(task.claim.delivery);
        let task = async move {
            if task.permit.is_none() {
                let permits = Arc::clone(&task.channel.attempt_permits);
                // A closed channel gives no more permits, and waits for this task.
                task.permit = permits.acquire_owned().await.ok();
            }
            task.deliver(&outbox).await;
            drop(guard);
        };
        drop(self.deliveries.spawn(task));
    }

    /// Logs deliveries that were superseded, notifies their waiters, and wakes the dispatcher.
    pub(super) fn notify_superseded(&self, superseded: &[Superseded]) {
        for Superseded { delivery, why } in superseded {
            tracing::info!(%delivery, why = &**why, "need not be sent any more");
        }
        self.waiters.notify_superseded(superseded);
        if !superseded.is_empty() {
            // Deliveries behind them in their lanes may be sent.
            self.wake();
        }
    }
}

impl ChannelGuard {
    /// Returns when a delivery expires that is accepted now.
    pub(super) fn expires_ms(&self, now_ms: i64) -> Option<i64> {
        Some(now_ms.saturating_add(milliseconds(self.config.options.ttl)))
    }

    /// Returns the end of the lease of a delivery that is claimed now.
    pub(super) fn lease_until_ms(&self, now_ms: i64) -> i64 {
        let longest = self.config.options.timeout + LEASE_MARGIN;
        now_ms.saturating_add(milliseconds(longest))
    }
}
