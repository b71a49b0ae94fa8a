//! Submissions: notifications that are recorded now and delivered whatever happens. The caller gets
//! a receipt, and need not wait for the outcome.

use annunciator_store::{Accepted, DeliveryId, Intake, State, StoreError};
use serde::Serialize;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::{
    delivery::{PendingDeliveries, Submission},
    engine::{
        error::{NotifyError, check_key},
        handle::Engine,
        runtime_home::Misplaced,
    },
    event::Notification,
    router::Route,
};

/// The receipt of a recorded notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Receipt {
    /// The identifier of the notification. If the idempotency key was used before, that of the
    /// first notification.
    pub notification: String,
    /// Whether the notification was accepted before, under the same idempotency key.
    pub repeated: bool,
    /// The deliveries of the notification, one for each channel.
    pub deliveries: Vec<Submitted>,
}

/// A delivery that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Submitted {
    /// The identifier of the delivery.
    pub delivery: DeliveryId,
    /// The name of the channel.
    pub channel: String,
    /// The state of the delivery so far.
    pub state: State,
}

/// A submission that is not accepted by the store yet. [`Engine::prepare`] returns it.
///
/// A [shutdown](Engine::shutdown) of the engine waits for it until the deadline. If it is dropped
/// although the store has accepted the intake, or if the store accepts after the shutdown, the
/// attempts are made when their claims have expired.
#[derive(Debug)]
pub struct PendingSubmission {
    engine: Engine,
    deliveries: PendingDeliveries,
    _token: TaskTrackerToken,
}

impl PendingSubmission {
    /// Starts the deliveries that the store has accepted, and returns the receipt. If the store has
    /// not accepted them, the reason is logged.
    ///
    /// # Errors
    /// [`NotifyError::Store`] or [`NotifyError::Conflict`] with the error of the store.
    pub fn accepted(self, accepted: Result<Accepted, StoreError>) -> Result<Receipt, NotifyError> {
        let inner = &self.engine.0;
        let outbox = inner.outbox.as_ref().ok_or(NotifyError::NoStore)?;
        let _here = inner.runtime_home.runtime().enter();
        let accepted = outbox.begin_accepted(self.deliveries, accepted);
        accepted.map(Receipt::of).map_err(NotifyError::of_store)
    }

    /// Returns a function that gives up the reserved permits. Call it when the store does not
    /// answer and the notification is [delivered without a record](Engine::notify_unrecorded).
    ///
    /// If the store accepts the intake after all, each attempt waits for a permit again.
    pub fn release(&self) -> impl Fn() + Send + Sync + 'static {
        let permits = self.deliveries.permits();
        let outbox = self.engine.0.outbox.clone();
        move || {
            if let Some(outbox) = &outbox {
                outbox.release(&permits);
            }
        }
    }
}

impl Receipt {
    fn of(accepted: Accepted) -> Self {
        let deliveries = accepted.deliveries.into_iter().map(|placed| Submitted {
            delivery: placed.delivery,
            channel: placed.channel.to_string(),
            state: placed.state,
        });
        Self {
            notification: accepted.notification,
            repeated: accepted.repeated,
            deliveries: deliveries.collect(),
        }
    }
}

impl Engine {
    /// Submits a notification and returns its receipt when it is recorded. From then on the
    /// notification is delivered, or the store has the reason why not, even if the process or the
    /// machine fails.
    ///
    /// `key` is an idempotency key of 1 to 512 bytes. A repeated submission with the same key, for
    /// example because the answer to the first was lost, is not accepted again; the receipt is that
    /// of the first. The text, title, severity, kind, attributes, incident, host and route must be
    /// the same, and so must the [time of the event](Notification::occurred_at) if it was set. The
    /// order of the attributes does not matter.
    ///
    /// # Errors
    /// [`NotifyError`] when the notification is not accepted; then nothing of it is recorded.
    /// [`NotifyError::Conflict`] when the key was used for another notification.
    /// [`NotifyError::NoChannel`] when no channel is configured for it.
    /// [`NotifyError::NoStore`] when the engine has no store, see
    /// [`EngineBuilder::store`](crate::EngineBuilder::store).
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(engine: &annunciator::Engine) -> Result<(), Box<dyn std::error::Error>> {
    /// use annunciator::Route;
    ///
    /// let backup = Route::Host("prod-db-01");
    /// let receipt = engine.submit(backup, "Backup failed", Some("backup/2026-11-22")).await?;
    /// println!("{} deliveries are on their way", receipt.deliveries.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn submit(
        &self,
        route: Route<'_>,
        notification: impl Into<Notification>,
        key: Option<&str>,
    ) -> Result<Receipt, NotifyError> {
        let inner = &self.0;
        let (intake, pending) = self.prepare_for_any(route, notification.into(), key)?;
        let outbox = inner.outbox.clone().ok_or(NotifyError::NoStore)?;
        // A task of its own, which continues if the caller stops waiting.
        let submitting = async move { outbox.submit(intake, pending.deliveries).await };
        inner.runtime_home.check_driven().await?;
        let runtime = inner.runtime_home.runtime();
        let submitting = inner.deliveries.spawn_on(submitting, runtime);
        let accepted = submitting.await.map_err(|error| Misplaced::of(&error))?;
        let accepted = accepted.map_err(NotifyError::of_store)?;
        if accepted.deliveries.is_empty() && !accepted.repeated {
            return Err(NotifyError::NoChannel);
        }
        Ok(Receipt::of(accepted))
    }

    /// Prepares a submission whose intake the caller passes to the store, so that a program can
    /// record a notification and its cause in one transaction.
    ///
    /// The parameters are those of [`submit`](Self::submit), which combines this function, the
    /// store's [`accept`](annunciator_store::Store::accept) and [`PendingSubmission::accepted`].
    /// Permits for attempts that can be made at once are reserved until then.
    ///
    /// # Errors
    /// The same as [`submit`](Self::submit), except for errors of the store.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(
    /// #     engine: &annunciator::Engine,
    /// #     file: &annunciator::store::SqliteFile,
    /// #     store: std::sync::Arc<annunciator::store::SqliteStore>,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// use annunciator::Route;
    ///
    /// let (intake, pending) = engine.prepare(Route::Host("prod-db-01"), "Backup failed", None)?;
    /// let recorded = file.write(move |transaction| {
    ///     transaction.execute("UPDATE backup SET state = 'failed'", [])?;
    ///     store.accept_in(transaction, &intake)
    /// });
    /// let accepted = recorded.await.and_then(|accepted| accepted);
    /// let receipt = pending.accepted(accepted)?;
    /// println!("{} deliveries are on their way", receipt.deliveries.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn prepare(
        &self,
        route: Route<'_>,
        notification: impl Into<Notification>,
        key: Option<&str>,
    ) -> Result<(Intake, PendingSubmission), NotifyError> {
        let (intake, pending) = self.prepare_for_any(route, notification.into(), key)?;
        match intake.intents.is_empty() {
            true => Err(NotifyError::NoChannel),
            false => Ok((intake, pending)),
        }
    }

    /// Prepares a submission, also to no channel: its key may have been used when there were some.
    fn prepare_for_any(
        &self,
        route: Route<'_>,
        notification: Notification,
        key: Option<&str>,
    ) -> Result<(Intake, PendingSubmission), NotifyError> {
        let inner = &self.0;
        inner.runtime_home.check()?;
        let outbox = inner.outbox.as_ref().ok_or(NotifyError::NoStore)?;
        let mut notification = notification.to(route.named());
        let own = notification.take_key();
        let key = key.map(str::to_owned).or(own);
        check_key(key.as_deref())?;
        let (host, addressees) = self.0.current.with(|current| current.route(route))?;
        let rendered = self.render(host, notification)?;
        let token = outbox.begin_claim().ok_or(NotifyError::Closed)?;
        let (intake, deliveries) = outbox.prepare(Submission {
            rendered,
            addressees,
            key,
        });
        let pending = PendingSubmission {
            engine: self.clone(),
            deliveries,
            _token: token,
        };
        Ok((intake, pending))
    }
}
