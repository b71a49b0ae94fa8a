//! The attempt: one call of the provider, within the channel's timeout, and the task that carries
//! out a claimed delivery, from its attempt to its persisted outcome.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use annunciator_core::{
    code,
    ffi::{RString, RVec},
    message::DeliveryV1,
    outcome::OutcomeV1,
};
use annunciator_store::{Attempt, Claim, DeliveryId, Next, State};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    channel::{Channel, ChannelGuard},
    metrics::UnderWay,
    outbox::Outbox,
    persist::MadeAttempt,
    report::{ChannelReport, Disabled},
    retry::{AttemptResults, Verdict, backoff_after_abandonment, next_step},
    suppression::suppression_of,
    target_report::{ALL_TARGETS, Class, TargetReport},
};
use crate::{
    clock::milliseconds,
    event::{Kind, Rendered},
    plugin::CallError,
};

/// The reason that is recorded for an expired delivery.
pub(super) const EXPIRED_REASON: &str = "its time to live has passed";
/// A message that is sent later than this after the event says so, because people assume that what
/// they read is current.
const LATE_AFTER: Duration = Duration::from_secs(300);

/// The hint in the report of a plugin that violates the contract.
const REPORT: &str = "report this to the plugin's author";

/// A claimed delivery and the permit on its channel.
#[derive(Debug)]
pub(super) struct AttemptTask {
    pub(super) claim: Claim,
    pub(super) channel: ChannelGuard,
    /// The notification, if it need not be read from the claim.
    pub(super) rendered: Option<Rendered>,
    /// The permit for the attempt. It is released when the attempt has ended, because persisting
    /// the outcome may take long.
    pub(super) permit: Option<OwnedSemaphorePermit>,
    /// The probe, if the attempt probes a half-open circuit breaker.
    pub(super) probe: Option<Probe>,
}

/// The one attempt that a half-open circuit breaker permits. Dropping it releases the probe if no
/// attempt was made.
#[derive(Debug)]
pub(super) struct Probe(Option<ChannelGuard>);

impl Probe {
    pub(super) fn of(channel: &ChannelGuard) -> Self {
        Self(Some(channel.clone()))
    }

    /// Marks the attempt as made: its result updates the breaker.
    fn make(mut self) {
        self.0 = None;
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if let Some(channel) = &self.0 {
            channel.breaker.release_probe();
        }
    }
}

impl AttemptTask {
    /// Spawns the task that carries out the claim.
    pub(super) fn spawn(mut self, outbox: &Arc<Outbox>) {
        let guard = outbox.in_flight.begin(self.claim.delivery);
        let deliveries = outbox.deliveries.clone();
        let outbox = Arc::clone(outbox);
        drop(deliveries.spawn(async move {
            if self.permit.is_none() {
                let permits = Arc::clone(&self.channel.attempt_permits);
                // A closed channel grants no more permits, and waits for this task.
                self.permit = permits.acquire_owned().await.ok();
                if self.is_lease_too_short(&outbox) {
                    self.give_back(&outbox).await;
                    return;
                }
            }
            self.deliver(&outbox).await;
            drop(guard);
        }));
    }

    /// Returns whether the lease of a claim that was made at its acceptance may expire during the
    /// attempt. Another process would then send the message, too.
    fn is_lease_too_short(&self, outbox: &Outbox) -> bool {
        let lease_until_ms = self.channel.lease_until_ms(self.claim.accepted_ms);
        let timeout_ms = milliseconds(self.channel.config.options.timeout);
        outbox.clock.now_ms().saturating_add(timeout_ms) > lease_until_ms
    }

    /// Returns the claim to the store, where any engine may claim the delivery again.
    async fn give_back(mut self, outbox: &Outbox) {
        let next = Next::Retry {
            at_ms: outbox.clock.now_ms(),
            targets: self.claim.targets.clone(),
        };
        let superseded = self.persist(outbox, next.into(), || {}).await;
        self.release_permit(outbox);
        outbox.notify_superseded(&superseded);
    }

    /// Makes the attempt and persists its outcome.
    async fn deliver(mut self, outbox: &Outbox) {
        let under_way = UnderWay::begin();
        let rendered = self.rendered.take();
        let read = || Rendered::from_content(&self.claim.content);
        let mut may_unblock_others = self.claim.step > 0;
        match rendered.map_or_else(read, Ok) {
            Ok(rendered) => {
                may_unblock_others |=
                    rendered.digest_of.is_some() || !rendered.message.incident.is_empty();
                self.run_attempt(outbox, rendered).await;
            }
            Err(error) => {
                let why = format!("its stored content cannot be read: {error}");
                let next = Next::End {
                    state: State::Failed,
                    why,
                    targets: Vec::new(),
                };
                self.persist(outbox, next.into(), || {}).await;
            }
        }
        drop(under_way);
        drop(self.probe.take());
        self.release_permit(outbox);
        // A failed step makes the next step due. Deliveries behind this one in its incident may be
        // sent, and so may recoveries of what a digest reported.
        if self.channel.has_backlog.swap(false, Ordering::SeqCst) || may_unblock_others {
            outbox.wake();
        }
    }

    fn release_permit(&mut self, outbox: &Outbox) {
        if self.permit.take().is_some() && self.channel.has_backlog.load(Ordering::SeqCst) {
            outbox.wake();
        }
    }

    async fn run_attempt(&mut self, outbox: &Outbox, rendered: Rendered) {
        let probe = self.probe.take();
        let channel = &self.channel.clone();
        let began_ms = outbox.clock.now_ms();
        let action = self.next_action(outbox, rendered, began_ms);
        // The store may never answer.
        let Some(action) = outbox.abandon.run_until_cancelled(action).await else {
            return;
        };
        let rendered = match action {
            Action::Send(rendered) => rendered,
            Action::End { rendered, next } => {
                let (name, channel_type) = (&channel.config.name, channel.config.channel_type());
                // `finish` sets the state.
                let mut report = ChannelReport::without_attempt(name, channel_type, State::Pending);
                report.attempts = self.claim.attempts;
                self.finish(outbox, &rendered, None, next, report).await;
                return;
            }
        };
        let rendered = &rendered;
        let abandoned_backoff = || {
            backoff_after_abandonment(
                self.claim.reclaims,
                &channel.config.options,
                self.jitter(outbox),
            )
        };
        if let Some(backoff) = self.claim.abandoned.then(abandoned_backoff).flatten() {
            let next = Next::Retry {
                at_ms: began_ms.saturating_add(milliseconds(backoff)),
                targets: self.claim.targets.clone(),
            };
            let superseded = self.persist(outbox, next.into(), || {}).await;
            outbox.notify_superseded(&superseded);
            return;
        }
        // The notification may have been accepted a while after the event.
        let since_ms = rendered.message.occurred_at_ms.min(self.claim.accepted_ms);
        let waited = began_ms.saturating_sub(since_ms);
        let waited = Duration::from_millis(u64::try_from(waited).unwrap_or_default());
        // A digest and a later step are sent late on purpose.
        let has_waited = rendered.digest_of.is_some() || self.is_first_try_of_later_step();
        let is_late = waited >= LATE_AFTER && !has_waited;
        let late = is_late.then(|| rendered.delayed_by(waited));
        let rendered = late.as_ref().unwrap_or(rendered);
        let number = self.claim.attempts + 1;
        let call = AttemptCall {
            rendered,
            attempt: number,
            targets: &self.claim.targets,
            delivery: Some(self.claim.delivery),
        };
        let is_probe = probe.map(Probe::make).is_some();
        let start = Instant::now();
        outbox
            .waiters
            .attempt_begins(&rendered.message.id, &channel.config.name);
        let attempt = attempt(channel, &call);
        let Some(outcomes) = outbox.abandon.run_until_cancelled(attempt).await else {
            // The engine that opens the store next finds the claim abandoned.
            return;
        };
        self.release_permit(outbox);
        let mut report = ChannelReport::of_outcomes(channel.config(), rendered, outcomes, start);
        report.attempts = number;
        let ended_ms = outbox.clock.now_ms();
        let alerts = (&channel.config.name, &*outbox.alerts);
        let steady_ms = outbox.clock.steady_ms();
        channel
            .breaker
            .update_health(alerts, &report.targets, is_probe, steady_ms);
        let left_ms = self
            .claim
            .expires_ms
            .map(|at_ms| at_ms.saturating_sub(ended_ms));
        let left = left_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
        let failed_before = self.failed_before(outbox).await;
        let results = AttemptResults {
            targets: &report.targets,
            attempt: number,
            is_probe,
            resend: channel.config.resends_unknown(),
            failed_before: !failed_before.is_empty(),
            left,
        };
        let next = match next_step(&results, &channel.config.options, self.jitter(outbox)) {
            Verdict::Ended { state, why } => Next::End {
                state,
                why,
                targets: undelivered(&report.targets, failed_before),
            },
            Verdict::Retry { after, targets } => Next::Retry {
                at_ms: ended_ms.saturating_add(milliseconds(after)),
                targets,
            },
        };
        report.delivered = matches!(
            next,
            Next::End {
                state: State::Delivered,
                ..
            }
        );
        let outcome = serde_json::to_string(&report.targets).unwrap_or_default();
        let attempt = Attempt {
            began_ms,
            ended_ms,
            outcome,
        };
        let made = MadeAttempt {
            attempt,
            is_uncounted: is_probe,
        };
        self.finish(outbox, rendered, Some(made), next, report)
            .await;
    }

    /// Returns the jitter of the backoff after this claim, between 0 and 1.
    fn jitter(&self, outbox: &Outbox) -> f64 {
        let claim = u64::from(self.claim.attempts) << 32 | u64::from(self.claim.reclaims);
        let delivery = self.claim.delivery.0.cast_unsigned();
        outbox.clock.chance(delivery.rotate_left(48) ^ claim)
    }

    /// Returns the attempt to make, or the outcome if no attempt is needed any more.
    async fn next_action(&self, outbox: &Outbox, rendered: Rendered, now_ms: i64) -> Action {
        let end = |state, why| Next::End {
            state,
            why,
            targets: self.claim.targets.clone(),
        };
        if let Some((state, why)) = self.ended_without_attempt(now_ms) {
            let next = end(state, why);
            return Action::End { rendered, next };
        }
        if let Some(next) = self.suppress(&rendered, now_ms) {
            return Action::End { rendered, next };
        }
        if rendered.digest_of.is_none() {
            return Action::Send(rendered);
        }
        match outbox.fill_digest(self.claim.delivery, &rendered).await {
            Ok(Some(digest)) => Action::Send(digest),
            Ok(None) => {
                let next = end(State::Superseded, "nothing was suppressed".to_owned());
                Action::End { rendered, next }
            }
            // Without its contents, the digest still reports that something was suppressed.
            Err(error) => {
                tracing::error!("{error}; a digest does not say what was suppressed");
                Action::Send(rendered)
            }
        }
    }

    /// Returns the final state and its reason if the delivery is abandoned for good or has expired.
    fn ended_without_attempt(&self, now_ms: i64) -> Option<(State, String)> {
        if self.claim.abandoned && !self.channel.config.resends_unknown() {
            let why = "the process that sent it ended before it could record the outcome";
            return Some((State::Unknown, why.to_owned()));
        }
        let expired = self.claim.expires_ms.is_some_and(|at_ms| at_ms <= now_ms);
        expired.then(|| (State::Expired, EXPIRED_REASON.to_owned()))
    }

    /// Returns whether this is the first attempt of a later step of a group. A delivery that a
    /// person retries never expires, and no rule applies to it.
    fn is_first_try_of_later_step(&self) -> bool {
        self.claim.step > 1 && self.claim.attempts == 0 && self.claim.expires_ms.is_some()
    }

    /// Returns the outcome of a later step that a rule suppresses now.
    fn suppress(&self, rendered: &Rendered, now_ms: i64) -> Option<Next> {
        if !self.is_first_try_of_later_step() {
            return None;
        }
        let rule = suppression_of(rendered, &self.channel.config.options, now_ms);
        let is_free = rendered.ends_a_problem() || rendered.kind == Kind::Test;
        let limit = || self.channel.rate_limit.suppression(now_ms);
        let rule = rule.or_else(|| if is_free { None } else { limit() })?;
        Some(Next::Suppressed {
            digest: self.channel.digest(&rule, rendered.severity, now_ms),
            rule: rule.sentence,
        })
    }

    /// Returns the targets that failed permanently in earlier attempts.
    async fn failed_before(&self, outbox: &Outbox) -> Vec<String> {
        if self.claim.targets.is_empty() {
            return Vec::new();
        }
        let attempts = outbox.store.attempts(self.claim.delivery);
        let attempts = outbox.abandon.run_until_cancelled(attempts).await;
        let attempts = attempts.and_then(Result::ok).unwrap_or_default();
        let mut failed = BTreeSet::new();
        for target in attempts.iter().flat_map(TargetReport::of_attempt) {
            if target.class == Class::Permanent {
                failed.insert(target.target);
            } else {
                failed.remove(&target.target);
            }
        }
        // Targets that a person retries are open again.
        self.claim.targets.iter().for_each(|left| {
            failed.remove(left);
        });
        failed.into_iter().collect()
    }
}

/// How a claim continues.
enum Action {
    Send(Rendered),
    End { rendered: Rendered, next: Next },
}

/// Returns the targets that were not delivered. An empty list means all targets.
fn undelivered(targets: &[TargetReport], failed_before: Vec<String>) -> Vec<String> {
    let left = targets
        .iter()
        .filter(|target| target.class != Class::Delivered);
    let mut left: Vec<String> = left.map(|target| target.target.clone()).collect();
    left.extend(failed_before);
    if left.iter().any(|target| target == ALL_TARGETS) {
        left.clear();
    }
    left
}

/// The parameters of an attempt.
#[derive(Debug)]
pub(super) struct AttemptCall<'a> {
    pub(super) rendered: &'a Rendered,
    /// The number of the attempt, from 1.
    pub(super) attempt: u32,
    /// The targets to attempt. An empty list means all targets.
    pub(super) targets: &'a [String],
    /// The delivery's identifier, under which the provider may report proofs later.
    pub(super) delivery: Option<DeliveryId>,
}

/// Calls the provider once. Always returns at least one outcome.
pub(super) async fn attempt(channel: &Channel, call: &AttemptCall<'_>) -> Vec<OutcomeV1> {
    let limit = channel.config.options.timeout;
    let instance = match &channel.provider {
        Ok(instance) => instance,
        Err(disabled) => return vec![when_disabled(disabled)],
    };
    let delivery = DeliveryV1 {
        notification: call.rendered.message.clone(),
        attempt: call.attempt,
        timeout_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        targets: call
            .targets
            .iter()
            .map(|target| RString::from(&**target))
            .collect(),
        reference: call
            .delivery
            .map_or_else(RString::new, |id| id.to_string().into()),
        extension_json: RString::new(),
    };
    match instance.deliver(delivery, limit).await {
        Ok(result) if result.outcomes.is_empty() => vec![OutcomeV1 {
            hint: REPORT.into(),
            ..outcome(
                code::OutcomeClass::UNKNOWN,
                code::Fault::PLUGIN,
                format!("plugin {} did not report an outcome", instance.file()),
            )
        }],
        Ok(result) => result.outcomes.into(),
        Err(error) => vec![outcome_of_call_error(&error, limit)],
    }
}

/// Returns the outcome on a disabled channel for a delivery without a record. A recorded delivery
/// waits until the channel is repaired.
fn when_disabled(disabled: &Disabled) -> OutcomeV1 {
    OutcomeV1 {
        hint: disabled.hint.as_str().into(),
        ..outcome(
            code::OutcomeClass::PERMANENT,
            disabled.fault,
            disabled.sentence(),
        )
    }
}

fn outcome_of_call_error(error: &CallError, limit: std::time::Duration) -> OutcomeV1 {
    let sentence = error.sentence("while it delivered");
    let (class, fault) = match error {
        CallError::Late(_) => (code::OutcomeClass::UNKNOWN, code::Fault::REMOTE),
        CallError::Panicked(_) | CallError::TooLong(_) | CallError::Crashed { .. } => {
            (code::OutcomeClass::UNKNOWN, code::Fault::PLUGIN)
        }
        CallError::Stuck(_) | CallError::BackingOff { .. } => {
            (code::OutcomeClass::RETRY, code::Fault::PLUGIN)
        }
        CallError::Closed(_) | CallError::NotCalled(_) | CallError::NotStarted { .. } => {
            (code::OutcomeClass::RETRY, code::Fault::HOST)
        }
    };
    let left = match error {
        CallError::BackingOff { left, .. } => i64::try_from(left.as_millis()).ok(),
        _ => None,
    };
    OutcomeV1 {
        retry_after_ms: left.unwrap_or(-1),
        hint: error.hint(limit).into(),
        ..outcome(class, fault, sentence)
    }
}

/// Returns an outcome that the engine itself reports for the whole channel.
pub(super) fn outcome(class: code::OutcomeClass, fault: code::Fault, detail: String) -> OutcomeV1 {
    OutcomeV1 {
        target: RString::new(),
        class,
        fault,
        proof: code::Proof::ACCEPTED,
        remote_id: RString::new(),
        code: RString::new(),
        detail: detail.into(),
        hint: RString::new(),
        retry_after_ms: -1,
        notes: RVec::new(),
        extension_json: RString::new(),
    }
}
