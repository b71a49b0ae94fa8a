//! The admission of a notification to a channel, decided before the store accepts it: which
//! rule suppresses it, when its turn is, and whether an attempt can be made at once.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use annunciator_store::{Begin, DedupWindow, Digest, Intent};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    addressee::{Addressee, Turn},
    channel::ChannelGuard,
    rate_limit::{fingerprint, window},
    suppression::{SuppressionRule, suppression_of},
};
use crate::{
    clock::milliseconds,
    event::{Kind, Rendered},
};

/// What was decided for one channel of a submission.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) channel: ChannelGuard,
    /// The permit for an attempt, where one may be made at once.
    pub(super) permit: Option<OwnedSemaphorePermit>,
    /// The rule that suppresses it.
    pub(super) suppression: Option<SuppressionRule>,
    /// The digest that reports it later.
    pub(super) digest: Option<Digest>,
    pub(super) turn: Option<Turn>,
    pub(super) dedup: Option<DedupWindow>,
}

impl Admission {
    /// Decides by the channel's rules, rate limit, circuit breaker and free permits.
    ///
    /// No permit is reserved where deliveries of the channel wait already: they come
    /// first. The rules of a later step are applied when its turn comes.
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

    /// Returns what the store is asked to accept for this channel.
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

/// Returns the deduplication window of a message, where it is subject to one: recoveries and
/// tests are not.
fn dedup_window(rendered: &Rendered, dedup: Option<Duration>, now_ms: i64) -> Option<DedupWindow> {
    let dedup = window(dedup)?;
    if rendered.ends_a_problem() || rendered.kind == Kind::Test {
        return None;
    }
    let message = &rendered.message;
    let same = [&*message.host, &*message.title, &*message.body];
    let kind = rendered.kind.name();
    Some(DedupWindow {
        fingerprint: fingerprint(&[kind, same[0], same[1], same[2], &message.incident]),
        until_ms: now_ms.saturating_add(milliseconds(dedup)),
        rule: format!(
            "dedup: the same was accepted within the last {}",
            humantime::format_duration(dedup)
        ),
    })
}
