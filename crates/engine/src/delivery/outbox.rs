//! Deliveries that outlive the process: accepted into the store first, then
//! tried until they end.
//!
//! `submission` records what is to be told and begins its attempts, `dispatcher`
//! claims the rest, `task` takes one claim through its stages, `waiting` holds
//! those who want to know.

use std::{fmt, sync::Arc, time::Duration};

use annunciator_store::{State, Store, StoreError, Superseded};
use futures_util::future::join_all;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use super::{
    attempt_task::AttemptTask,
    channel::Held,
    in_flight::InFlight,
    report::{ChannelReport, Report},
    submission::Submission,
    waiters::{Waiter, Waiters},
    wakeup::Wakeup,
};
use crate::{
    alerts::{Subject, Troubles},
    clock::{Clock, milliseconds},
};

/// How long whoever notifies waits for the store, before people are told
/// without it.
pub(super) const STORE_TIMEOUT: Duration = Duration::from_secs(10);
/// A claim holds for as long as an attempt may take, and this: recording what
/// came of it may have to wait for a disk.
const LEASE_MARGIN: Duration = Duration::from_secs(60);

/// Deliveries in a store.
pub(crate) struct Outbox {
    pub(crate) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) waiters: Arc<Waiters>,
    /// What is being worked on.
    pub(super) in_flight: Arc<InFlight>,
    /// When the dispatcher looks for what may be claimed.
    pub(super) wakeup: Wakeup,
    pub(super) deliveries: TaskTracker,
    /// Claims that are being made: what comes of one is a delivery only then.
    claiming: TaskTracker,
    pub(super) troubles: Arc<Troubles>,
    /// Ends attempts, when the engine may not wait any longer.
    pub(super) abandon: CancellationToken,
    /// Whether who waits for an outcome waits for attempts that are under way then, too.
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
        troubles: Arc<Troubles>,
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
            troubles,
            abandon,
            awaits_attempts,
        })
    }

    /// Has it look for what may be claimed.
    pub(crate) fn wake(&self) {
        self.wakeup.wake();
    }

    /// The same, and waits for what comes of it, up to a deadline.
    pub(crate) async fn submit_and_wait(
        self: &Arc<Self>,
        submission: Submission,
        deadline: Duration,
    ) -> Result<Report, StoreError> {
        let id = submission.rendered.message.id.to_string();
        // Before anything can happen.
        let addressees = submission.addressees.iter();
        let mut waiters: Vec<Waiter> = addressees
            .map(|addressee| self.waiters.add(&id, addressee))
            .collect();
        let outbox = Arc::clone(self);
        let (intake, pending) = self.prepare(submission);
        let permits = pending.permits();
        // A task of its own: who stops waiting does not stop it halfway.
        let submitting = self
            .deliveries
            .spawn(async move { outbox.submit(intake, pending).await });
        let accepted = tokio::select! {
            submitted = submitting => submitted.map_err(|_| StoreError::Closed)??,
            // It goes on, and may still be recorded: twice is better than never.
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

    /// Takes note of whether the store can be written.
    pub(super) fn update_store_alert(&self, error: Option<&StoreError>) {
        match error {
            // That is an answer, and no trouble of the store's.
            None | Some(StoreError::Conflict { .. }) => self.troubles.clear(&Subject::Store),
            Some(StoreError::Closed) => {}
            Some(error) => {
                let sentence = format!(
                    "Deliveries cannot be recorded: {error}. Meanwhile people are told all the same, but once only, and what waits may be late."
                );
                self.troubles.raise(Subject::Store, sentence);
            }
        }
    }

    /// To be held from before something is claimed until it is handed out, so that a
    /// shutdown sees one or the other; `None` when nothing may be claimed any more.
    pub(super) fn begin_claim(&self) -> Option<TaskTrackerToken> {
        // The token first: whoever shuts down looks the other way round.
        let token = self.claiming.token();
        (!self.deliveries.is_closed()).then_some(token)
    }

    /// Waits until all that was claimed is handed out. Nothing is any more, once
    /// deliveries are closed.
    pub(crate) async fn wait_for_claims(&self) {
        self.claiming.close();
        self.claiming.wait().await;
    }

    /// Takes a claim through its stages, in a task of its own.
    pub(super) fn spawn_attempt(self: &Arc<Self>, mut task: AttemptTask) {
        let outbox = Arc::clone(self);
        let guard = self.in_flight.begin(task.claim.delivery);
        let task = async move {
            if task.permit.is_none() {
                let slots = Arc::clone(&task.channel.slots);
                // None is given any more when the channel is closed, which waits for this.
                task.permit = slots.acquire_owned().await.ok();
            }
            task.deliver(&outbox).await;
            drop(guard);
        };
        drop(self.deliveries.spawn(task));
    }

    /// Tells everybody who wants to know.
    pub(super) fn notify_superseded(&self, superseded: &[Superseded]) {
        for Superseded { delivery, why } in superseded {
            tracing::info!(%delivery, why = &**why, "need not be sent any more");
        }
        self.waiters.notify_superseded(superseded);
        if !superseded.is_empty() {
            // What was behind them in their lanes may be sent.
            self.wake();
        }
    }
}

impl Held {
    /// When it is too late for what is accepted now.
    pub(super) fn expires_ms(&self, now_ms: i64) -> Option<i64> {
        Some(now_ms.saturating_add(milliseconds(self.config.options.ttl)))
    }

    /// Until when a claim of now holds.
    pub(super) fn lease_until_ms(&self, now_ms: i64) -> i64 {
        let longest = self.config.options.timeout + LEASE_MARGIN;
        now_ms.saturating_add(milliseconds(longest))
    }
}
