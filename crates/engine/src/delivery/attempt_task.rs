//! One claim, from its attempt to its record.

use std::{
    collections::BTreeSet,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use annunciator_store::{Attempt, Claim, Next, State};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    attempt::{Call, attempt},
    channel::Held,
    classify::ALL_TARGETS,
    deliver_once::report,
    gate::kept_back,
    meter::UnderWay,
    outbox::Outbox,
    persist::MadeAttempt,
    report::{ChannelReport, Class, TargetReport},
    retry::{Tried, Verdict, judge, pause_after},
};
use crate::clock::milliseconds;
use crate::event::{Kind, Rendered};

/// Why it ended that has come too late.
pub(super) const EXPIRED_REASON: &str = "its time to live has passed";
/// What comes later than this says so: people take what they read for news.
const LATE_AFTER: Duration = Duration::from_secs(300);

/// A claim, and the place on its channel.
#[derive(Debug)]
pub(super) struct AttemptTask {
    pub(super) claim: Claim,
    pub(super) channel: Held,
    /// The notification, where it is at hand.
    pub(super) rendered: Option<Rendered>,
    /// Given back when the attempt has ended: recording it may take long.
    pub(super) permit: Option<OwnedSemaphorePermit>,
    /// Where it is to see whether the remote is back.
    pub(super) probe: Option<Probe>,
}

/// The one attempt that may be made of a remote that is out of order; given
/// back where none is made.
#[derive(Debug)]
pub(super) struct Probe(Option<Held>);

impl Probe {
    pub(super) fn of(channel: &Held) -> Self {
        Self(Some(channel.clone()))
    }

    /// It is made.
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
    /// Takes it through its stages.
    pub(super) async fn deliver(mut self, outbox: &Outbox) {
        let under_way = UnderWay::begin();
        let rendered = self.rendered.take();
        let read = || Rendered::from_content(&self.claim.content);
        let mut may_unblock_others = self.claim.step > 0;
        match rendered.map_or_else(read, Ok) {
            Ok(rendered) => {
                may_unblock_others |=
                    rendered.sums_up.is_some() || !rendered.message.incident.is_empty();
                self.run_attempt(outbox, rendered).await;
            }
            Err(error) => {
                let why = format!("what was kept of it cannot be read: {error}");
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
        // Where a step has failed, the turn of the next has come; what is behind
        // it in its incident may be sent, and so may ends of what a digest told.
        if self.channel.behind.swap(false, Ordering::SeqCst) || may_unblock_others {
            outbox.wake();
        }
    }

    fn release_permit(&mut self, outbox: &Outbox) {
        if self.permit.take().is_some() && self.channel.behind.load(Ordering::SeqCst) {
            outbox.wake();
        }
    }

    async fn run_attempt(&mut self, outbox: &Outbox, rendered: Rendered) {
        let probe = self.probe.take();
        let channel = &self.channel.clone();
        let began_ms = outbox.clock.now_ms();
        let rendered = match self.next_action(outbox, rendered, began_ms).await {
            Action::Send(rendered) => rendered,
            Action::End { rendered, next } => {
                let (name, channel_type) = (&channel.config.name, channel.config.channel_type());
                // Its state follows from what is next.
                let mut report = ChannelReport::without_attempt(name, channel_type, State::Pending);
                report.attempts = self.claim.attempts;
                self.finish(outbox, &rendered, None, next, report).await;
                return;
            }
        };
        let rendered = &rendered;
        let abandoned_backoff = || {
            pause_after(
                self.claim.reclaims,
                &channel.config.options,
                self.jitter(outbox),
            )
        };
        if let Some(pause) = self.claim.abandoned.then(abandoned_backoff).flatten() {
            let next = Next::Again {
                at_ms: began_ms.saturating_add(milliseconds(pause)),
                targets: self.claim.targets.clone(),
            };
            let superseded = self.persist(outbox, next.into(), || {}).await;
            outbox.notify_superseded(&superseded);
            return;
        }
        // It may have been a while until it could be accepted.
        let since_ms = rendered.message.occurred_at_ms.min(self.claim.accepted_ms);
        let waited = began_ms.saturating_sub(since_ms);
        let waited = Duration::from_millis(u64::try_from(waited).unwrap_or_default());
        // A digest and a step come when they are meant to.
        let has_waited = rendered.sums_up.is_some() || self.is_first_try_of_later_step();
        let is_late = waited >= LATE_AFTER && !has_waited;
        let late = is_late.then(|| rendered.delayed_by(waited));
        let rendered = late.as_ref().unwrap_or(rendered);
        let number = self.claim.attempts + 1;
        let call = Call {
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
            // Whoever opens the store next sees that it was left behind.
            return;
        };
        self.release_permit(outbox);
        let mut report = report(channel, rendered, outcomes, start);
        report.attempts = number;
        let ended_ms = outbox.clock.now_ms();
        self.update_health(outbox, &report.targets, is_probe);
        let left_ms = self
            .claim
            .expires_ms
            .map(|at_ms| at_ms.saturating_sub(ended_ms));
        let left = left_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
        let failed_before = self.failed_before(outbox).await;
        let tried = Tried {
            targets: &report.targets,
            attempt: number,
            is_probe,
            resend: channel.config.resends_unknown(),
            failed_before: !failed_before.is_empty(),
            left,
        };
        let next = match judge(&tried, &channel.config.options, self.jitter(outbox)) {
            Verdict::Over { state, why } => Next::End {
                state,
                why,
                targets: undelivered(&report.targets, failed_before),
            },
            Verdict::Again { after, targets } => Next::Again {
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

    /// The chance of the pause after this claim.
    fn jitter(&self, outbox: &Outbox) -> f64 {
        let claim = u64::from(self.claim.attempts) << 32 | u64::from(self.claim.reclaims);
        let delivery = self.claim.delivery.0.cast_unsigned();
        outbox.clock.chance(delivery.rotate_left(48) ^ claim)
    }

    /// What is to be sent, unless it needs no attempt any more.
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
        if rendered.sums_up.is_none() {
            return Action::Send(rendered);
        }
        match outbox.fill_digest(self.claim.delivery, &rendered).await {
            Ok(Some(digest)) => Action::Send(digest),
            Ok(None) => {
                let next = end(State::Superseded, "nothing was held back".to_owned());
                Action::End { rendered, next }
            }
            // It says that something was held back: better than nothing.
            Err(error) => {
                tracing::error!("{error}; a digest does not say what was held back");
                Action::Send(rendered)
            }
        }
    }

    /// What needs no attempt any more.
    fn ended_without_attempt(&self, now_ms: i64) -> Option<(State, String)> {
        if self.claim.abandoned && !self.channel.config.resends_unknown() {
            let why = "whoever sent it was gone before it could record what came of it";
            return Some((State::Unknown, why.to_owned()));
        }
        let expired = self.claim.expires_ms.is_some_and(|at_ms| at_ms <= now_ms);
        expired.then(|| (State::Expired, EXPIRED_REASON.to_owned()))
    }

    /// A step whose turn has come only now. What a person has had tried again
    /// has no time to live, and no rule.
    fn is_first_try_of_later_step(&self) -> bool {
        self.claim.step > 1 && self.claim.attempts == 0 && self.claim.expires_ms.is_some()
    }

    /// What becomes of such a step where a rule keeps it back.
    fn suppress(&self, rendered: &Rendered, now_ms: i64) -> Option<Next> {
        if !self.is_first_try_of_later_step() {
            return None;
        }
        let rule = kept_back(rendered, &self.channel.config.options, now_ms);
        let is_free = rendered.ends_a_problem() || rendered.kind == Kind::Test;
        let limit = || self.channel.limit.kept_back(now_ms);
        let rule = rule.or_else(|| if is_free { None } else { limit() })?;
        Some(Next::KeptBack {
            digest: self.channel.digest(&rule, rendered.severity, now_ms),
            rule: rule.sentence,
        })
    }

    /// The targets that failed for good in an earlier attempt.
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
        // What a person has had tried again is among those that are left.
        self.claim.targets.iter().for_each(|left| {
            failed.remove(left);
        });
        failed.into_iter().collect()
    }
}

/// What is to happen with a claim.
enum Action {
    Send(Rendered),
    End { rendered: Rendered, next: Next },
}

/// The targets that were not delivered; empty for all.
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
