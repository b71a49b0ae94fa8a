//! One claim, from its attempt to its record.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use tokio::sync::OwnedSemaphorePermit;

use super::{
    attempt::{Call, attempt},
    channel::Held,
    meter::{UnderWay, meter},
    outbox::{Outbox, PATIENCE, milliseconds},
    pipeline::report,
    report::ChannelReport,
    retry::{Tried, Verdict, judge, pause_after},
    settle::settle,
    waiting::Progress,
};
use crate::{
    config::OnUnknown,
    event::Rendered,
    store::{Attempt, Claim, DeliveryId, Next, Settled, Settlement, State, StoreError},
};

/// What comes later than this says so: people take what they read for news.
const LATE: Duration = Duration::from_secs(300);
/// How long a store is left alone that cannot record an outcome.
const PAUSE: Duration = Duration::from_secs(5);

/// A claim, and the place on its channel.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) claim: Claim,
    pub(super) channel: Held,
    /// The notification, where it is at hand.
    pub(super) rendered: Option<Rendered>,
    pub(super) permit: OwnedSemaphorePermit,
}

impl Claimed {
    /// Takes it through its stages.
    pub(super) async fn deliver(mut self, outbox: &Outbox) {
        let under_way = UnderWay::begin();
        let rendered = self.rendered.take();
        let read = || Rendered::from_content(&self.claim.content);
        match rendered.map_or_else(read, Ok) {
            Ok(rendered) => self.try_it(outbox, &rendered).await,
            Err(error) => {
                let why = format!("what was kept of it cannot be read: {error}");
                let next = Next::End {
                    state: State::Failed,
                    why,
                };
                self.record(outbox, None, next, || {}).await;
            }
        }
        drop(under_way);
        let channel = self.channel;
        drop(self.permit);
        if channel.behind.swap(false, Ordering::SeqCst) {
            outbox.wake.notify_one();
        }
    }

    async fn try_it(&self, outbox: &Outbox, rendered: &Rendered) {
        let channel = &self.channel;
        let began_ms = outbox.clock.now_ms();
        if let Some((state, why)) = self.is_over(began_ms) {
            let mut report =
                ChannelReport::unsent(&channel.config.name, channel.config.channel_type(), state);
            report.attempts = self.claim.attempts;
            let next = Next::End { state, why };
            self.finish(outbox, rendered, None, next, report).await;
            return;
        }
        let alone = || pause_after(self.claim.again, &channel.config.options, dice());
        if let Some(pause) = self.claim.left_behind.then(alone).flatten() {
            let next = Next::Again {
                at_ms: began_ms.saturating_add(milliseconds(pause)),
                targets: self.claim.targets.clone(),
            };
            let superseded = self.record(outbox, None, next, || {}).await;
            outbox.are_superseded(&superseded);
            return;
        }
        let waited = began_ms.saturating_sub(self.claim.accepted_ms);
        let waited = Duration::from_millis(u64::try_from(waited).unwrap_or_default());
        let late = (waited >= LATE).then(|| rendered.delayed_by(waited));
        let rendered = late.as_ref().unwrap_or(rendered);
        let number = self.claim.attempts + 1;
        let call = Call {
            rendered,
            attempt: number,
            targets: &self.claim.targets,
        };
        let start = Instant::now();
        let attempt = attempt(channel, &call);
        let Some(outcomes) = outbox.abandon.run_until_cancelled(attempt).await else {
            // Whoever opens the store next sees that it was left behind.
            return;
        };
        let mut report = report(channel, rendered, outcomes, start);
        report.attempts = number;
        let ended_ms = outbox.clock.now_ms();
        let left_ms = self
            .claim
            .expires_ms
            .map(|at_ms| at_ms.saturating_sub(ended_ms));
        let left = left_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
        let failed_before = self.failed_before(outbox).await;
        let tried = Tried {
            targets: &report.targets,
            attempt: number,
            failed_before,
            left,
        };
        let next = match judge(&tried, &channel.config.options, dice()) {
            Verdict::Over { state, why } => Next::End { state, why },
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
        self.finish(outbox, rendered, Some(attempt), next, report)
            .await;
    }

    /// What needs no attempt any more.
    fn is_over(&self, now_ms: i64) -> Option<(State, String)> {
        if self.claim.left_behind && self.channel.config.options.on_unknown == OnUnknown::Drop {
            let why = "whoever sent it was gone before it could record what came of it";
            return Some((State::Unknown, why.to_owned()));
        }
        let expired = self.claim.expires_ms.is_some_and(|at_ms| at_ms <= now_ms);
        expired.then(|| (State::Expired, "its time to live has passed".to_owned()))
    }

    /// Whether a target failed for good in an earlier attempt.
    async fn failed_before(&self, outbox: &Outbox) -> bool {
        if self.claim.attempts == 0 || self.claim.targets.is_empty() {
            return false;
        }
        let attempts = outbox.store.attempts(self.claim.delivery);
        let attempts = outbox.abandon.run_until_cancelled(attempts).await;
        let attempts = attempts.and_then(Result::ok).unwrap_or_default();
        let permanent = |attempt: &Attempt| {
            let targets: Vec<serde_json::Value> =
                serde_json::from_str(&attempt.outcome).unwrap_or_default();
            targets.iter().any(|target| target["class"] == "permanent")
        };
        attempts.iter().any(permanent)
    }

    /// Records it, and tells everybody who wants to know.
    async fn finish(
        &self,
        outbox: &Outbox,
        rendered: &Rendered,
        attempt: Option<Attempt>,
        next: Next,
        mut report: ChannelReport,
    ) {
        let ended = match &next {
            Next::End { state, why } => {
                report.state = *state;
                report.because(why);
                true
            }
            Next::Again { .. } => {
                report.state = State::Pending;
                false
            }
        };
        let (id, host) = (&rendered.message.id, &rendered.message.host);
        settle(&report, id, host);
        if ended {
            meter(&self.channel.label, &report);
        }
        let name = &self.channel.config.name;
        let tell = |report: &ChannelReport, ended| {
            let report = Some(report.clone());
            outbox.waiting.tell(id, name, Progress { report, ended });
        };
        // Recorded first: whoever is told may ask the store next.
        let superseded = self
            .record(outbox, attempt, next, || tell(&report, ended))
            .await;
        let over = superseded.contains(&self.claim.delivery);
        if over {
            report.state = State::Superseded;
        }
        tell(&report, ended || over);
        outbox.are_superseded(&superseded);
    }

    /// Records it, however long it takes until the store can be written, or
    /// the engine may not wait any longer. Answers what was superseded by that.
    async fn record(
        &self,
        outbox: &Outbox,
        attempt: Option<Attempt>,
        next: Next,
        in_vain: impl Fn(),
    ) -> Vec<DeliveryId> {
        let mut told = false;
        loop {
            let mut settling = outbox.store.settle(Settlement {
                delivery: self.claim.delivery,
                fence: self.claim.fence,
                now_ms: outbox.clock.now_ms(),
                attempt: attempt.clone(),
                proof: None,
                next: next.clone(),
            });
            let settled = loop {
                tokio::select! {
                    settled = &mut settling => break settled,
                    () = outbox.abandon.cancelled() => return Vec::new(),
                    () = outbox.clock.sleep(PATIENCE), if !told => {
                        told = true;
                        in_vain();
                        tracing::error!(
                            delivery = %self.claim.delivery,
                            "{}; what came of a delivery is recorded when it answers",
                            StoreError::Silent(PATIENCE)
                        );
                    }
                }
            };
            match settled {
                Ok(Settled::Recorded { superseded }) => return superseded,
                Ok(Settled::Stale) => {
                    tracing::warn!(
                        delivery = %self.claim.delivery,
                        "somebody else has taken this delivery over meanwhile: it may arrive twice"
                    );
                    return Vec::new();
                }
                Err(StoreError::Closed) => return Vec::new(),
                Err(error) if !told => {
                    told = true;
                    // Nobody waits for a disk to learn what happened.
                    in_vain();
                    tracing::error!(
                        delivery = %self.claim.delivery,
                        "{error}; what came of a delivery is recorded when that is mended"
                    );
                }
                Err(_) => {}
            }
            let pause = outbox.clock.sleep(PAUSE);
            if outbox.abandon.run_until_cancelled(pause).await.is_none() {
                return Vec::new();
            }
        }
    }
}

/// By chance, between 0 and 1.
fn dice() -> f64 {
    let bits = uuid::Uuid::new_v4().as_u64_pair().1;
    // The upper bits of that half hold the variant.
    (bits & u64::from(u32::MAX)) as f64 / f64::from(u32::MAX)
}
