//! The submission of a notification: decides its admission to each channel, has the store
//! accept that, and begins the attempts that can be made at once without another look at the
//! store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering};

use annunciator_store::{Accepted, AcceptedDelivery, Claim, Intake, State, StoreError};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    addressee::{Addressee, pass_over_disabled},
    admission::Admission,
    attempt_task::AttemptTask,
    channel::ChannelGuard,
    digest::intake,
    outbox::Outbox,
    report::ChannelReport,
    waiters::Progress,
};
use crate::event::Rendered;

/// A notification, its channels and its idempotency key.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) rendered: Rendered,
    pub(crate) addressees: Vec<Addressee>,
    /// The caller's idempotency key.
    pub(crate) key: Option<String>,
}

/// A submission between what the store is asked and what it answers.
#[derive(Debug)]
pub(crate) struct PendingDeliveries {
    rendered: Rendered,
    content: Arc<str>,
    admissions: Vec<Admission>,
    permits: ReservedPermits,
    now_ms: i64,
}

impl PendingDeliveries {
    /// Returns a handle by which the reserved attempts can be given up.
    pub(crate) fn permits(&self) -> ReservedPermits {
        self.permits.clone()
    }
}

/// The permits that a submission has reserved on its channels, one for each channel that
/// had one free.
///
/// A store that does not answer must not hold them: by and by no channel would have a
/// permit left for the attempts that are made without a record.
#[derive(Debug, Clone)]
pub(crate) struct ReservedPermits(Arc<Mutex<Vec<Option<OwnedSemaphorePermit>>>>);

impl ReservedPermits {
    /// Releases all permits. If the store accepts the submission after all, each attempt
    /// waits for a permit again.
    pub(crate) fn release(&self) {
        self.lock().fill_with(|| None);
    }

    fn take(&self) -> Vec<Option<OwnedSemaphorePermit>> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<OwnedSemaphorePermit>>> {
        // What is guarded is whole between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbox {
    /// Decides what is to be recorded of a submission, and reserves attempts where they
    /// may be made at once. Nothing is recorded yet.
    pub(crate) fn prepare(&self, submission: Submission) -> (Intake, PendingDeliveries) {
        let Submission {
            rendered,
            mut addressees,
            key,
        } = submission;
        let now_ms = self.clock.now_ms();
        let turns = addressees.iter_mut().filter_map(|addressee| {
            let is_disabled = addressee.channel.provider().is_err();
            Some((is_disabled, addressee.turn.as_mut()?))
        });
        pass_over_disabled(turns);
        let mut admissions: Vec<Admission> = addressees
            .into_iter()
            .map(|addressee| Admission::decide(addressee, &rendered, now_ms))
            .collect();
        let intents = admissions
            .iter()
            .map(|admission| admission.intent(now_ms))
            .collect();
        let intake = Intake {
            key,
            ..intake(&rendered, intents, now_ms)
        };
        let permits = admissions
            .iter_mut()
            .map(|admission| admission.permit.take())
            .collect();
        let pending = PendingDeliveries {
            content: Arc::clone(&intake.content),
            permits: ReservedPermits(Arc::new(Mutex::new(permits))),
            rendered,
            admissions,
            now_ms,
        };
        (intake, pending)
    }

    /// Begins to deliver what the store has accepted, or notes why it did not.
    pub(crate) fn begin_accepted(
        self: &Arc<Self>,
        pending: PendingDeliveries,
        accepted: Result<Accepted, StoreError>,
    ) -> Result<Accepted, StoreError> {
        self.update_store_alert(accepted.as_ref().err());
        let accepted = accepted?;
        self.notify_superseded(&accepted.superseded);
        if accepted.repeated {
            tracing::debug!(
                notification = accepted.notification,
                "was accepted before, and is not accepted again"
            );
            return Ok(accepted);
        }
        let PendingDeliveries {
            rendered,
            content,
            admissions,
            permits,
            now_ms,
        } = pending;
        let permits = permits.take();
        let admissions = admissions.into_iter().zip(permits);
        for ((admission, permit), placed) in admissions.zip(&accepted.deliveries) {
            let name = &admission.channel.config.name;
            self.waiters
                .assign(&accepted.notification, name, placed.delivery);
            if placed.state != State::Suppressed
                && let Some(dedup) = &admission.dedup
            {
                let rate_limit = &admission.channel.rate_limit;
                rate_limit.note_passed(dedup.fingerprint, dedup.until_ms, now_ms);
            }
            if let Some(digest) = &admission.digest {
                self.wakeup.schedule(digest.due_ms);
            }
            match placed.state {
                State::InFlight => self.spawn_attempt(AttemptTask {
                    claim: Claim {
                        delivery: placed.delivery,
                        fence: placed.fence,
                        attempts: 0,
                        abandoned: false,
                        reclaims: 0,
                        targets: Vec::new(),
                        accepted_ms: now_ms,
                        expires_ms: admission.channel.expires_ms(now_ms),
                        step: admission.turn.as_ref().map_or(0, |turn| turn.step.number),
                        content: Arc::clone(&content),
                    },
                    channel: admission.channel,
                    rendered: Some(rendered.clone()),
                    permit,
                    probe: None,
                }),
                State::Pending => {
                    self.report_if_disabled(&accepted.notification, &admission.channel);
                    admission.channel.has_backlog.store(true, Ordering::Relaxed);
                    self.wake();
                }
                _ => {
                    let rule = admission.suppression.map(|rule| rule.sentence);
                    let rule = rule
                        .or(admission.dedup.map(|dedup| dedup.rule))
                        .filter(|_| placed.why.is_empty())
                        .unwrap_or_else(|| placed.why.clone());
                    self.report_suppressed(
                        &accepted.notification,
                        &admission.channel,
                        placed,
                        &rule,
                    );
                }
            }
        }
        Ok(accepted)
    }

    /// Records a notification and begins to deliver it.
    pub(crate) async fn submit(
        self: &Arc<Self>,
        intake: Intake,
        pending: PendingDeliveries,
    ) -> Result<Accepted, StoreError> {
        let accepting = self.store.accept(intake);
        let accepted = self.abandon.run_until_cancelled(accepting).await;
        self.begin_accepted(pending, accepted.unwrap_or(Err(StoreError::Closed)))
    }

    /// Notifies the waiters that no attempt is made until the disabled channel is repaired:
    /// they need not wait for that.
    fn report_if_disabled(&self, notification: &str, channel: &ChannelGuard) {
        let Err(disabled) = channel.provider() else {
            return;
        };
        let config = &channel.config;
        let (name, is_shared) = (&config.name, self.store.is_shared());
        let report = ChannelReport::disabled(name, config.channel_type(), disabled, is_shared);
        self.waiters
            .notify_if_first(notification, &config.name, report);
        let name = config.name();
        tracing::warn!(
            notification,
            channel = name,
            "{}; what waits for it is delivered once that is mended, or expires",
            disabled.sentence()
        );
    }

    /// Logs a delivery that ended without an attempt, and notifies its waiters.
    fn report_suppressed(
        &self,
        notification: &str,
        channel: &ChannelGuard,
        placed: &AcceptedDelivery,
        rule: &str,
    ) {
        let config = &channel.config;
        let mut report =
            ChannelReport::without_attempt(&config.name, config.channel_type(), placed.state);
        report.add_reason(rule);
        let (state, channel) = (placed.state, config.name());
        tracing::info!(notification, channel, %state, rule, "is not sent");
        let progress = Progress::of(report, true);
        self.waiters.notify(notification, &config.name, progress);
    }
}
