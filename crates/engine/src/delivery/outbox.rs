//! Deliveries that outlive the process: accepted into the store first, then
//! tried until they end.
//!
//! `submission` records what is to be told and begins its attempts, `dispatcher`
//! claims the rest, `claimed` takes one claim through its stages, `waiting` holds
//! those who want to know.

use std::{fmt, sync::Arc, time::Duration};

use annunciator_store::{State, Store, StoreError, Superseded};
use futures_util::future::join_all;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use super::{
    appointment::Appointment,
    channel::Held,
    claimed::Claimed,
    holding::Holding,
    report::{ChannelReport, Report},
    submission::Submission,
    waiting::{Place, Waiting},
};
use crate::{
    alerts::{Subject, Troubles},
    clock::{Clock, milliseconds},
};

/// How long whoever notifies waits for the store, before people are told
/// without it.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// A claim holds for as long as an attempt may take, and this: recording what
/// came of it may have to wait for a disk.
const GRACE: Duration = Duration::from_secs(60);

/// Deliveries in a store.
pub(crate) struct Outbox {
    pub(crate) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) waiting: Arc<Waiting>,
    /// What is being worked on.
    pub(super) holding: Arc<Holding>,
    /// When the dispatcher looks for what may be claimed.
    pub(super) appointment: Appointment,
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
            waiting: Arc::default(),
            holding: Arc::default(),
            appointment: Appointment::default(),
            deliveries,
            claiming: TaskTracker::new(),
            troubles,
            abandon,
            awaits_attempts,
        })
    }

    /// Has it look for what may be claimed.
    pub(crate) fn wake(&self) {
        self.appointment.now();
    }

    /// The same, and waits for what comes of it, up to a deadline.
    pub(crate) async fn tell(
        self: &Arc<Self>,
        submission: Submission,
        deadline: Duration,
    ) -> Result<Report, StoreError> {
        let id = submission.rendered.message.id.to_string();
        // Before anything can happen.
        let addressees = submission.addressees.iter();
        let mut places: Vec<Place> = addressees
            .map(|addressee| self.waiting.wait_for(&id, addressee))
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
            () = self.clock.sleep(PATIENCE) => {
                let silent = StoreError::Silent(PATIENCE);
                self.watch(Some(&silent));
                // For the attempt that is made without a record.
                permits.release();
                return Err(silent);
            }
        };
        if accepted.repeated {
            let before = accepted.deliveries.iter().map(|placed| {
                let mut places = places.iter();
                let place = places.find(|place| place.is_on(&placed.channel));
                let channel_type = place.map_or("", Place::channel_type);
                ChannelReport::before(channel_type, placed)
            });
            return Ok(Report::new(before));
        }
        if deadline.is_zero() {
            return Ok(Report::new(
                places.iter().map(|place| place.report(State::Pending)),
            ));
        }
        let all = join_all(places.iter_mut().map(Place::ended));
        let so_far = tokio::select! {
            _ = all => State::Pending,
            never = self.watch_others(&accepted) => match never {},
            () = self.clock.sleep(deadline) => State::Pending,
            () = self.abandon.cancelled() => State::InFlight,
        };
        if self.awaits_attempts && so_far == State::Pending {
            let under_way = join_all(places.iter_mut().map(Place::attempt_ended));
            let _ = self.abandon.run_until_cancelled(under_way).await;
        }
        Ok(Report::new(places.iter().map(|place| place.report(so_far))))
    }

    /// Takes note of whether the store can be written.
    pub(super) fn watch(&self, error: Option<&StoreError>) {
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
    pub(super) fn may_claim(&self) -> Option<TaskTrackerToken> {
        // The token first: whoever shuts down looks the other way round.
        let token = self.claiming.token();
        (!self.deliveries.is_closed()).then_some(token)
    }

    /// Waits until all that was claimed is handed out. Nothing is any more, once
    /// deliveries are closed.
    pub(crate) async fn all_claimed(&self) {
        self.claiming.close();
        self.claiming.wait().await;
    }

    /// Takes a claim through its stages, in a task of its own.
    pub(super) fn begin(self: &Arc<Self>, mut claimed: Claimed) {
        let outbox = Arc::clone(self);
        let held = self.holding.hold(claimed.claim.delivery);
        let task = async move {
            if claimed.permit.is_none() {
                let slots = Arc::clone(&claimed.channel.slots);
                // None is given any more when the channel is closed, which waits for this.
                claimed.permit = slots.acquire_owned().await.ok();
            }
            claimed.deliver(&outbox).await;
            drop(held);
        };
        drop(self.deliveries.spawn(task));
    }

    /// Tells everybody who wants to know.
    pub(super) fn are_superseded(&self, superseded: &[Superseded]) {
        for Superseded { delivery, why } in superseded {
            tracing::info!(%delivery, why = &**why, "need not be sent any more");
        }
        self.waiting.superseded(superseded);
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
        let longest = self.config.options.timeout + GRACE;
        now_ms.saturating_add(milliseconds(longest))
    }
}
