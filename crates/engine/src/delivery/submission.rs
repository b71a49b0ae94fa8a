//! The submission of a notification: decides its admission to each channel, has the store accept
//! it, starts the attempts that can be made at once without querying the store again, and waits for
//! outcomes if the caller does.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use annunciator_store::{
    Accepted, AcceptedDelivery, Begin, Claim, DedupWindow, Digest, Intake, Intent, Query, State,
    Step, StoreError,
};
use futures_util::future::join_all;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    attempt::AttemptTask,
    channel::ChannelGuard,
    outbox::{Outbox, STORE_TIMEOUT},
    persist::log_outcome,
    report::{ChannelReport, Report, StepReport},
    suppression::{SuppressionRule, dedup_window, suppression_of},
    waiters::{Progress, Waiter},
};
use crate::{
    clock::milliseconds,
    event::{Kind, Rendered},
};

/// The first interval between two polls of the store: a person does not notice a second. The
/// interval doubles with each poll, up to [`MAX_POLL_INTERVAL`], because a poll reads the whole
/// record.
const FIRST_POLL: Duration = Duration::from_secs(1);
/// The maximum interval between two polls of the store. See [`FIRST_POLL`].
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(8);

/// A notification, its channels and its idempotency key.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) rendered: Rendered,
    pub(crate) addressees: Vec<Addressee>,
    /// The caller's idempotency key.
    pub(crate) key: Option<String>,
}

/// A submission that was sent to the store and is not answered yet.
#[derive(Debug)]
pub(crate) struct PendingDeliveries {
    rendered: Rendered,
    content: Arc<str>,
    admissions: Vec<Admission>,
    permits: ReservedPermits,
    now_ms: i64,
}

impl PendingDeliveries {
    /// Returns a handle that can release the reserved permits.
    pub(crate) fn permits(&self) -> ReservedPermits {
        self.permits.clone()
    }

    /// Returns the deliveries to the channels for which the store has accepted the submission.
    /// The permits of the others are released.
    pub(super) fn only_accepted(self, accepted: &Accepted) -> Self {
        let permits = self.permits.take();
        let is_accepted = |admission: &Admission| {
            let mut deliveries = accepted.deliveries.iter();
            deliveries.any(|placed| placed.channel == admission.channel.config.name)
        };
        let admissions = self.admissions.into_iter().zip(permits);
        let (admissions, permits) = admissions
            .filter(|(admission, _)| is_accepted(admission))
            .unzip();
        Self {
            admissions,
            permits: ReservedPermits(Arc::new(Mutex::new(permits))),
            ..self
        }
    }
}

/// The permits that a submission has reserved on its channels, one for each channel that had a free
/// one.
///
/// A store that does not answer must not hold them: eventually no channel would have a permit left
/// for the attempts that are made without a record.
#[derive(Debug, Clone)]
pub(crate) struct ReservedPermits(Arc<Mutex<Vec<Option<OwnedSemaphorePermit>>>>);

impl ReservedPermits {
    fn take(&self) -> Vec<Option<OwnedSemaphorePermit>> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<OwnedSemaphorePermit>>> {
        // The guarded value is consistent between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbox {
    /// Releases all reserved permits, for which other deliveries may wait. If the store accepts the
    /// submission later, each attempt waits for a permit again.
    pub(crate) fn release(&self, permits: &ReservedPermits) {
        permits.lock().fill_with(|| None);
        self.wake();
    }

    /// Decides what to record of a submission, and reserves permits for the attempts that may be
    /// made at once. Records nothing yet.
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

    /// Starts the deliveries that the store has accepted, or handles its error.
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
            drop(pending);
            // Other notifications may have waited for its permits.
            self.wake();
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
                State::InFlight => AttemptTask {
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
                }
                .spawn(self),
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
                        (&accepted.notification, &rendered.message.host),
                        &admission.channel,
                        placed,
                        &rule,
                    );
                    if permit.is_some() {
                        drop(permit);
                        self.wake();
                    }
                }
            }
        }
        Ok(accepted)
    }

    /// Records a notification and starts its deliveries. What goes to no channel is not recorded:
    /// it would use up its key, and once there are channels nobody would be notified.
    pub(crate) async fn submit(
        self: &Arc<Self>,
        intake: Intake,
        pending: PendingDeliveries,
    ) -> Result<Accepted, StoreError> {
        let accepting = async {
            if intake.intents.is_empty() {
                let notification = intake.notification.clone();
                let known = self.store.known(intake).await?;
                return Ok(known.unwrap_or_else(|| to_nobody(notification)));
            }
            self.store.accept(intake).await
        };
        let accepted = self.abandon.run_until_cancelled(accepting).await;
        self.begin_accepted(pending, accepted.unwrap_or(Err(StoreError::Closed)))
    }

    /// Submits a notification and waits up to `deadline` for the outcomes of its deliveries.
    /// Deliveries without an outcome by then are reported in their current state.
    ///
    /// # Errors
    /// [`StoreError`] when the store did not accept the notification, or not within
    /// [`STORE_TIMEOUT`].
    pub(crate) async fn submit_and_wait(
        self: &Arc<Self>,
        submission: Submission,
        deadline: Duration,
    ) -> Result<Report, StoreError> {
        let id = submission.rendered.message.id.to_string();
        // Waiters are added before there can be an outcome.
        let addressees = submission.addressees.iter();
        let mut waiters: Vec<Waiter> = addressees
            .map(|addressee| {
                let turn = addressee.turn.as_ref();
                let step = turn.map(|turn| StepReport::of(&turn.step));
                self.waiters.add(&id, &addressee.channel, step)
            })
            .collect();
        let outbox = Arc::clone(self);
        let (intake, pending) = self.prepare(submission);
        let permits = pending.permits();
        // A task of its own, which continues if the caller stops waiting.
        let submitting = self
            .deliveries
            .spawn(async move { outbox.submit(intake, pending).await });
        let accepted = tokio::select! {
            submitted = submitting => submitted.map_err(|_| StoreError::Closed)??,
            // The task continues, and the store may still accept: twice is better than never.
            () = self.clock.sleep(STORE_TIMEOUT) => {
                let silent = StoreError::Silent(STORE_TIMEOUT);
                self.update_store_alert(Some(&silent));
                // The attempt without a record needs the permits.
                self.release(&permits);
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

    /// Polls the store for deliveries that have ended in another process, and notifies their
    /// waiters. Never returns. Polls nothing if the store is not shared.
    async fn watch_other_processes(&self, accepted: &Accepted) -> Infallible {
        if !self.store.is_shared() {
            return std::future::pending().await;
        }
        let mut interval = FIRST_POLL;
        loop {
            self.clock.sleep(interval).await;
            interval = (interval * 2).min(MAX_POLL_INTERVAL);
            for placed in &accepted.deliveries {
                // The tasks of this process report more than the store records.
                let is_handled_here = || {
                    self.in_flight.contains(placed.delivery)
                        || self.waiters.has_ended(placed.delivery)
                };
                if is_handled_here() {
                    continue;
                }
                let query = Query::one(placed.delivery);
                // A failing store is reported where it is written.
                let found = self.store.deliveries(query).await.unwrap_or_default();
                let Some(record) = found.into_iter().find(|record| record.state.has_ended()) else {
                    continue;
                };
                // The delivery may have been claimed here while the store was queried.
                if is_handled_here() {
                    continue;
                }
                let ended = AcceptedDelivery {
                    state: record.state,
                    why: record.why,
                    proof: record.proof,
                    ..placed.clone()
                };
                self.waiters
                    .ended_in_other_process(placed.delivery, |channel_type| {
                        let report = ChannelReport::from_other_process(
                            channel_type,
                            &ended,
                            record.attempts,
                        );
                        Progress::of(report, true)
                    });
            }
        }
    }

    /// Notifies the waiters that no attempt is made until the disabled channel is repaired, so that
    /// they do not wait for that.
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
            "{}; what waits for it is delivered once that is fixed, or expires",
            disabled.sentence()
        );
    }

    /// Logs a delivery that ended without an attempt, and notifies its waiters.
    fn report_suppressed(
        &self,
        (notification, host): (&str, &str),
        channel: &ChannelGuard,
        placed: &AcceptedDelivery,
        rule: &str,
    ) {
        let config = &channel.config;
        let mut report =
            ChannelReport::without_attempt(&config.name, config.channel_type(), placed.state);
        report.add_reason(rule);
        log_outcome(&report, notification, host, None);
        let progress = Progress::of(report, true);
        self.waiters.notify(notification, &config.name, progress);
    }
}

/// Returns the intake of a notification, which the store is asked to accept.
pub(crate) fn intake(rendered: &Rendered, intents: Vec<Intent>, now_ms: i64) -> Intake {
    let message = &rendered.message;
    let incident = message.incident.to_string();
    Intake {
        notification: message.id.to_string(),
        key: None,
        host: message.host.to_string(),
        lane: incident.clone(),
        incident,
        kind: rendered.kind,
        severity: rendered.severity,
        accepted_ms: now_ms,
        content: rendered.to_content().unwrap_or_default().into(),
        intents,
    }
}

/// Returns the answer to a notification that goes to no channel.
fn to_nobody(notification: String) -> Accepted {
    Accepted {
        notification,
        repeated: false,
        deliveries: Vec::new(),
        superseded: Vec::new(),
    }
}

/// A channel that is notified, and when.
#[derive(Debug, Clone)]
pub(crate) struct Addressee {
    pub(crate) channel: ChannelGuard,
    /// The step, if the channel belongs to a group.
    pub(crate) turn: Option<Turn>,
}

/// When a step of a group is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) step: Step,
    /// The time after the first step.
    pub(crate) after: Duration,
}

/// Skips steps on disabled channels, which cannot be enough for now: the next step is due at once,
/// and the steps behind it are due earlier by as much. Takes the steps in their order, each with
/// whether its channel is disabled.
pub(crate) fn pass_over_disabled<'t>(turns: impl Iterator<Item = (bool, &'t mut Turn)>) {
    // For each group: how much earlier its steps are due, and when the previous step would have
    // begun, if its channel is disabled.
    let mut groups: BTreeMap<Arc<str>, (Duration, Option<Duration>)> = BTreeMap::new();
    for (is_disabled, turn) in turns {
        let (sooner, before) = groups.entry(Arc::clone(&turn.step.group)).or_default();
        let after = turn.after;
        *sooner += before.map_or(Duration::ZERO, |before| after.saturating_sub(before));
        *before = is_disabled.then_some(after);
        turn.after = after.saturating_sub(*sooner);
    }
}

/// The admission of a submission to one channel.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) channel: ChannelGuard,
    /// The permit for an attempt, if one may be made at once.
    pub(super) permit: Option<OwnedSemaphorePermit>,
    /// The rule that suppresses the notification.
    pub(super) suppression: Option<SuppressionRule>,
    /// The digest that reports the notification later.
    pub(super) digest: Option<Digest>,
    pub(super) turn: Option<Turn>,
    pub(super) dedup: Option<DedupWindow>,
}

impl Admission {
    /// Decides by the channel's rules, rate limit, circuit breaker and free permits.
    ///
    /// No permit is reserved if deliveries of the channel wait already, because they come first.
    /// The rules of a later step are applied when its turn comes.
    pub(super) fn decide(addressee: Addressee, rendered: &Rendered, now_ms: i64) -> Self {
        let Addressee { channel, turn } = addressee;
        // A recovery reaches the recipients of the problem at once.
        let turn = turn.filter(|_| !rendered.ends_a_problem());
        let is_now = turn.as_ref().is_none_or(|turn| turn.after.is_zero());
        let dedup = dedup_window(rendered, channel.config.options.dedup, now_ms);
        let rule = suppression_of(rendered, &channel.config.options, now_ms);
        let rule = rule.filter(|rule| is_now || rule.digest_ms.is_none());
        let is_exempt = !is_now || rendered.ends_a_problem() || rendered.kind == Kind::Test;
        let is_known =
            |dedup: &DedupWindow| channel.rate_limit.has_passed(dedup.fingerprint, now_ms);
        let is_exempt = is_exempt || rule.is_some() || dedup.as_ref().is_some_and(is_known);
        let limit = || channel.rate_limit.suppression(now_ms);
        let rule = rule.or_else(|| if is_exempt { None } else { limit() });
        let waits = rule.is_some()
            || !is_now
            || channel.provider.is_err()
            || channel.has_backlog.load(Ordering::Relaxed)
            || channel.breaker.is_open();
        let permit = Arc::clone(&channel.attempt_permits)
            .try_acquire_owned()
            .ok();
        let digest = |rule| channel.digest(rule, rendered.severity, now_ms);
        Self {
            digest: rule.as_ref().and_then(digest),
            permit: permit.filter(|_| !waits),
            suppression: rule,
            turn,
            dedup,
            channel,
        }
    }

    /// Returns the intent for this channel, which the store is asked to accept.
    pub(super) fn intent(&self, now_ms: i64) -> Intent {
        let after = self.turn.as_ref().map_or(Duration::ZERO, |turn| turn.after);
        let begin_ms = now_ms.saturating_add(milliseconds(after));
        Intent {
            channel: Arc::clone(&self.channel.config.name),
            expires_ms: self.channel.expires_ms(begin_ms),
            begin: match (&self.suppression, &self.permit) {
                (Some(rule), _) => Begin::Suppressed {
                    rule: rule.sentence.clone(),
                    digest: self.digest.clone(),
                },
                (None, Some(_)) => Begin::Claimed {
                    lease_until_ms: self.channel.lease_until_ms(now_ms),
                },
                (None, None) => Begin::At(begin_ms),
            },
            step: self.turn.as_ref().map(|turn| turn.step.clone()),
            dedup: self.dedup.clone(),
        }
    }
}
