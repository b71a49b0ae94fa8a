//! Persists the outcome of a claimed delivery: retries until the store accepts it, logs it for each
//! target, and notifies the callers that wait for it.

use std::time::{Duration, UNIX_EPOCH};

use annunciator_store::{Attempt, Next, Settled, Settlement, State, StoreError, Superseded};
use tracing::field::{DisplayValue, display};

use super::{
    attempt::AttemptTask,
    metrics::count_delivery,
    outbox::{Outbox, STORE_TIMEOUT},
    report::ChannelReport,
    target_report::{Class, TargetReport},
    waiters::Progress,
};
use crate::event::{Proof, Rendered};

/// The delay before an outcome that the store did not accept is written again.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// An attempt that was made.
pub(super) struct MadeAttempt {
    pub(super) attempt: Attempt,
    /// Whether the attempt was a probe of the circuit breaker, which does not count as an attempt.
    pub(super) is_uncounted: bool,
}

/// The outcome of a claim, to be persisted.
pub(super) struct Settling {
    made: Option<MadeAttempt>,
    proof: Option<Proof>,
    may_have_arrived: bool,
    next: Next,
}

impl From<Next> for Settling {
    /// Returns an outcome without an attempt.
    fn from(next: Next) -> Self {
        Self {
            made: None,
            proof: None,
            may_have_arrived: false,
            next,
        }
    }
}

impl AttemptTask {
    /// Logs, counts and persists an outcome, and notifies the callers that wait for it.
    pub(super) async fn finish(
        &self,
        outbox: &Outbox,
        rendered: &Rendered,
        made: Option<MadeAttempt>,
        next: Next,
        mut report: ChannelReport,
    ) {
        let ended = match &next {
            Next::End { state, why, .. } => {
                report.state = *state;
                report.add_reason(why);
                true
            }
            Next::Suppressed { rule, .. } => {
                report.state = State::Suppressed;
                report.add_reason(rule);
                true
            }
            Next::Retry { .. } => {
                report.state = State::Pending;
                false
            }
        };
        let (id, host) = (&rendered.message.id, &rendered.message.host);
        log_outcome(&report, id, host, Some(&next));
        if ended {
            count_delivery(&self.channel.label, &report);
        }
        let name = &self.channel.config.name;
        let notify = |report: &ChannelReport, ended| {
            let progress = Progress::of(report.clone(), ended);
            outbox.waiters.notify(id, name, progress);
        };
        // The outcome is persisted first, because a notified caller may query the store next.
        let outcome = Settling {
            proof: proof(&report.targets),
            may_have_arrived: made.is_some() && may_have_arrived(&report.targets),
            made,
            next,
        };
        let superseded = self
            .persist(outbox, outcome, || notify(&report, ended))
            .await;
        notify(&report, ended);
        // This delivery may be one of them.
        outbox.notify_superseded(&superseded);
    }

    /// Persists an outcome: retries every [`RETRY_DELAY`] until the store accepts it or the engine
    /// may not wait any longer. Calls `on_delay` once if that takes longer than [`STORE_TIMEOUT`]
    /// or fails. Returns the deliveries that the outcome supersedes.
    pub(super) async fn persist(
        &self,
        outbox: &Outbox,
        outcome: Settling,
        on_delay: impl Fn(),
    ) -> Vec<Superseded> {
        let mut has_delay = false;
        loop {
            let mut settling = outbox.store.settle(Settlement {
                delivery: self.claim.delivery,
                fence: self.claim.fence,
                now_ms: outbox.clock.now_ms(),
                attempt: outcome.made.as_ref().map(|made| made.attempt.clone()),
                is_uncounted: outcome.made.as_ref().is_some_and(|made| made.is_uncounted),
                proof: outcome.proof,
                may_have_arrived: outcome.may_have_arrived,
                next: outcome.next.clone(),
            });
            let settled = loop {
                tokio::select! {
                    settled = &mut settling => break settled,
                    () = outbox.abandon.cancelled() => return Vec::new(),
                    () = outbox.clock.sleep(STORE_TIMEOUT), if !has_delay => {
                        has_delay = true;
                        on_delay();
                        tracing::error!(
                            delivery = %self.claim.delivery,
                            "{}; outcomes are recorded when it answers",
                            StoreError::Silent(STORE_TIMEOUT)
                        );
                    }
                }
            };
            outbox.update_store_alert(settled.as_ref().err());
            match settled {
                Ok(Settled::Recorded { superseded }) => {
                    if let Some(at_ms) = outcome.next.due_ms() {
                        outbox.wakeup.schedule(at_ms);
                    }
                    return superseded;
                }
                Ok(Settled::Stale) => {
                    tracing::warn!(
                        delivery = %self.claim.delivery,
                        "another process has claimed this delivery meanwhile: it may arrive twice"
                    );
                    return Vec::new();
                }
                Err(StoreError::Closed) => return Vec::new(),
                Err(error) if !has_delay => {
                    has_delay = true;
                    // Callers learn the outcome before the disk works again.
                    on_delay();
                    tracing::error!(
                        delivery = %self.claim.delivery,
                        "{error}; outcomes are recorded when that is fixed"
                    );
                }
                Err(_) => {}
            }
            let delay = outbox.clock.sleep(RETRY_DELAY);
            if outbox.abandon.run_until_cancelled(delay).await.is_none() {
                return Vec::new();
            }
        }
    }
}

/// Returns whether the message reached, or may have reached, any target.
fn may_have_arrived(targets: &[TargetReport]) -> bool {
    let arrived = [Class::Delivered, Class::Unknown];
    targets.iter().any(|target| arrived.contains(&target.class))
}

/// Returns the strongest proof of any target.
fn proof(targets: &[TargetReport]) -> Option<Proof> {
    targets.iter().filter_map(|target| target.proof).max()
}

/// Logs a channel's report, target by target: a permanent failure as an error, a failure that is
/// retried as a warning with the time of the next attempt, and a suppressed message as information.
pub(super) fn log_outcome(
    report: &ChannelReport,
    notification: &str,
    host: &str,
    next: Option<&Next>,
) {
    let (channel, channel_type) = (&report.channel, &report.channel_type);
    let ms = report.duration.as_millis();
    let host = unless_empty(host);
    if report.delivered {
        let targets = report.targets.len();
        tracing::info!(%channel, %channel_type, host, notification, targets, ms, "sent notification");
    }
    // A suppressed or superseded message is not a failure.
    if matches!(report.state, State::Suppressed | State::Superseded) {
        let notes = report.targets.iter().flat_map(|target| &target.notes);
        let why = notes.map(String::as_str).collect::<Vec<_>>().join("; ");
        let state = report.state;
        tracing::info!(%channel, %channel_type, host, notification, %state, why, "is not sent");
        return;
    }
    for failure in report.failures() {
        let (target, fault, detail) = (&failure.target, failure.fault, &failure.detail);
        let (code, hint) = (unless_empty(&failure.code), unless_empty(&failure.hint));
        // Users of the specification search the log for these words.
        match next_attempt(failure, next) {
            Some(at) => tracing::warn!(
                %channel, %channel_type, host, notification, ms, %target, %fault, code, hint,
                "failed to send notification: {detail}; tried again at {at}"
            ),
            None => tracing::error!(
                %channel, %channel_type, host, notification, ms, %target, %fault, code, hint,
                "failed to send notification: {detail}"
            ),
        }
    }
    for target in &report.targets {
        for note in &target.notes {
            tracing::info!(%channel, target = %target.target, notification, "{note}");
        }
    }
}

/// Returns when a target is attempted next, or `None` if it is not.
fn next_attempt(
    failure: &TargetReport,
    next: Option<&Next>,
) -> Option<humantime::Rfc3339Timestamp> {
    let Some(Next::Retry { at_ms, targets }) = next else {
        return None;
    };
    let is_left = targets.is_empty() || targets.contains(&failure.target);
    let at = Duration::from_millis(u64::try_from(*at_ms).unwrap_or_default());
    let at = UNIX_EPOCH.checked_add(at)?;
    (is_left && failure.class != Class::Permanent).then(|| humantime::format_rfc3339_seconds(at))
}

/// Returns a field for the log, or `None` if it is empty.
fn unless_empty(text: &str) -> Option<DisplayValue<&str>> {
    (!text.is_empty()).then(|| display(text))
}
