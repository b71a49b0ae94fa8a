//! Suppression by rules (`min_severity`, `quiet_hours`, `rate_limit`, a silence of the embedding
//! program): decides whether a channel is notified at all, from the configuration, the time and
//! earlier notifications. Also identifies repetitions (`dedup`).
//!
//! The rate limit is a token bucket for each channel. It counts in this process: of several engines
//! on one store, each has its own limit.

use std::{
    collections::HashMap,
    fmt,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use annunciator_store::DedupWindow;
use governor::{
    Quota, RateLimiter,
    clock::Clock as TicksClock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};
use serde::{Serialize, Serializer};

use crate::{
    clock::{Clock, milliseconds},
    config::{ChannelOptions, Rate},
    event::{Kind, Rendered, Severity},
};

/// The name of the rule of quiet hours.
pub(super) const QUIET_HOURS: &str = "quiet_hours";
/// The name of the rule of the rate limit.
const RATE_LIMIT: &str = "rate_limit";
/// The maximum number of messages that are remembered within their deduplication windows.
const MAX_RECENT: usize = 1024;

/// A rule that suppresses a notification on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SuppressionRule {
    /// The name of the rule, a colon, and the reason why it applies, for people.
    pub(crate) sentence: String,
    /// When a digest reports the notifications that the rule suppresses, in milliseconds since the
    /// Unix epoch, or `None` if no digest does.
    pub(crate) digest_ms: Option<i64>,
}

impl SuppressionRule {
    /// Returns a rule whose suppressed notifications no digest reports.
    pub(super) fn without_digest(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            digest_ms: None,
        }
    }

    /// Returns the name of the rule.
    pub(super) fn name(&self) -> &str {
        self.sentence.split(':').next().unwrap_or_default()
    }
}

/// Returns the rule that suppresses a notification on a channel at a time, or `None` if the
/// notification passes.
///
/// A recovery passes whatever the channel's rules are: the store sends it only to the recipients of
/// the problem.
pub(super) fn suppression_of(
    rendered: &Rendered,
    options: &ChannelOptions,
    now_ms: i64,
) -> Option<SuppressionRule> {
    if let Some(rule) = &rendered.suppressed_by {
        return Some(SuppressionRule::without_digest(&**rule));
    }
    if rendered.ends_a_problem() || rendered.kind == Kind::Test {
        return None;
    }
    if rendered.ignores_min_severity {
        return suppression_by_time(rendered.severity, options, now_ms);
    }
    suppression_by_severity(rendered.severity, options, now_ms)
}

/// Returns the rule that suppresses messages of a severity at a time.
pub(crate) fn suppression_by_severity(
    severity: Severity,
    options: &ChannelOptions,
    now_ms: i64,
) -> Option<SuppressionRule> {
    let least = options.min_severity;
    if severity < least {
        let sentence = format!("min_severity: {severity} is milder than {least}");
        return Some(SuppressionRule::without_digest(sentence));
    }
    suppression_by_time(severity, options, now_ms)
}

/// Returns the rule that suppresses messages of a severity because of the time of the day.
fn suppression_by_time(
    severity: Severity,
    options: &ChannelOptions,
    now_ms: i64,
) -> Option<SuppressionRule> {
    let quiet = options.quiet_hours.as_ref()?;
    if severity >= quiet.except || !quiet.covers(now_ms) {
        return None;
    }
    Some(SuppressionRule {
        sentence: format!("{QUIET_HOURS}: {quiet}"),
        digest_ms: Some(quiet.ends_after(now_ms)),
    })
}

/// Returns the deduplication window of a message, or `None` if it has none, as recoveries and tests
/// do.
pub(super) fn dedup_window(
    rendered: &Rendered,
    dedup: Option<Duration>,
    now_ms: i64,
) -> Option<DedupWindow> {
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

/// The engine's clock, in the form that `governor` requires.
#[derive(Clone)]
struct Ticks(Arc<dyn Clock>);

impl TicksClock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let ms = u64::try_from(self.0.steady_ms()).unwrap_or_default();
        Nanos::new(ms.saturating_mul(1_000_000))
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Nanos>>;

/// A channel's rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RateLimitStatus {
    /// The rate, such as 30 messages in 1 h; as a text in JSON.
    #[serde(serialize_with = "as_text")]
    pub rate: Rate,
    /// When the limit last suppressed a message; `None` if it never did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_suppressed_ms: Option<i64>,
}

fn as_text<S: Serializer>(rate: &Rate, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(rate)
}

/// The rate limit of one channel.
pub(super) struct RateLimit {
    limiter: Option<(Limiter, Rate)>,
    /// The fingerprints of messages that passed, and when their deduplication windows end, in
    /// milliseconds since the Unix epoch. Repetitions until then are not sent and do not count.
    recent: Mutex<HashMap<u64, i64>>,
    /// When the limit last suppressed a message, in milliseconds since the Unix epoch;
    /// [`i64::MIN`] if it never did.
    last_suppressed_ms: AtomicI64,
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit").finish_non_exhaustive()
    }
}

impl RateLimit {
    pub(super) fn new(rate: Option<Rate>, clock: &Arc<dyn Clock>) -> Self {
        let limiter = rate.and_then(|rate| {
            let messages = NonZeroU32::new(rate.messages)?;
            let quota = Quota::with_period(rate.per / rate.messages)?.allow_burst(messages);
            let limiter = RateLimiter::direct_with_clock(quota, Ticks(Arc::clone(clock)));
            Some((limiter, rate))
        });
        Self {
            limiter,
            recent: Mutex::default(),
            last_suppressed_ms: AtomicI64::new(i64::MIN),
        }
    }

    pub(super) fn status(&self) -> Option<RateLimitStatus> {
        let (_, rate) = self.limiter.as_ref()?;
        let last_ms = self.last_suppressed_ms.load(Ordering::Relaxed);
        Some(RateLimitStatus {
            rate: *rate,
            last_suppressed_ms: (last_ms != i64::MIN).then_some(last_ms),
        })
    }

    /// Takes a token. Returns the rule that suppresses the message if no token is left.
    pub(super) fn suppression(&self, now_ms: i64) -> Option<SuppressionRule> {
        let (limiter, rate) = self.limiter.as_ref()?;
        limiter.check().err()?;
        self.last_suppressed_ms.store(now_ms, Ordering::Relaxed);
        let per = humantime::format_duration(rate.per);
        Some(SuppressionRule {
            sentence: format!("{RATE_LIMIT}: more than {} in {per}", rate.messages),
            digest_ms: Some(now_ms.saturating_add(milliseconds(rate.per))),
        })
    }

    /// Returns whether the same message has passed and its deduplication window is still open.
    pub(super) fn has_passed(&self, fingerprint: u64, now_ms: i64) -> bool {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent
            .get(&fingerprint)
            .is_some_and(|until| *until > now_ms)
    }

    /// Records that a message has passed.
    pub(super) fn note_passed(&self, fingerprint: u64, until_ms: i64, now_ms: i64) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= MAX_RECENT {
            recent.retain(|_, until| *until > now_ms);
        }
        if recent.len() < MAX_RECENT {
            recent.insert(fingerprint, until_ms);
        }
    }
}

/// Returns a hash that is equal for messages with equal texts.
fn fingerprint(texts: &[&str]) -> u64 {
    // FNV-1a. The hash is written to files, so it must never change.
    // <https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Returns the deduplication window, or `None` if it is empty.
fn window(dedup: Option<Duration>) -> Option<Duration> {
    dedup.filter(|window| !window.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::ManualClock, event::Notification};

    #[test]
    fn what_is_too_mild_is_suppressed_but_for_recoveries_and_tests() {
        let options = ChannelOptions {
            min_severity: Severity::Warning,
            ..ChannelOptions::default()
        };
        let check = |severity, kind, incident: &str, expected: Option<&str>| {
            let notification = Notification::new("x").severity(severity).kind(kind);
            let rendered = notification.incident(incident).render("h", 0).unwrap();
            let rule = suppression_of(&rendered, &options, 0).map(|rule| rule.sentence);
            assert_eq!(rule.as_deref(), expected);
        };
        let rule = Some("min_severity: info is milder than warning");
        check(Severity::Info, Kind::Message, "", rule);
        check(Severity::Info, Kind::Problem, "i", rule);
        check(Severity::Info, Kind::Recovery, "", rule);
        check(Severity::Warning, Kind::Problem, "i", None);
        check(Severity::Critical, Kind::Message, "", None);
        check(Severity::Info, Kind::Recovery, "i", None);
        check(Severity::Info, Kind::Test, "", None);
    }

    #[test]
    fn who_has_taken_over_is_not_too_mild_but_may_wait_for_the_morning() {
        let mut options = ChannelOptions {
            min_severity: Severity::Critical,
            ..ChannelOptions::default()
        };
        let rendered = Notification::new("x").render("h", 0).unwrap();
        let notice = Rendered {
            ignores_min_severity: true,
            ..rendered
        };
        assert_eq!(suppression_of(&notice, &options, 0), None);
        let quiet = r#"{"from": "22:00", "to": "07:00", "timezone": "UTC"}"#;
        options.quiet_hours = Some(serde_json::from_str(quiet).unwrap());
        let rule = suppression_of(&notice, &options, 0).unwrap();
        assert_eq!(rule.name(), QUIET_HOURS);
    }

    #[test]
    fn so_many_pass_at_once_and_then_as_many_in_the_time() {
        let manual = Arc::new(ManualClock::default());
        let clock: Arc<dyn Clock> = Arc::clone(&manual) as _;
        let rate = Rate {
            messages: 3,
            per: Duration::from_secs(60),
        };
        let limit = RateLimit::new(Some(rate), &clock);
        let pass = || limit.suppression(manual.now_ms()).is_none();
        assert_eq!((0..5).filter(|_| pass()).count(), 3);
        manual.set(20_000);
        assert_eq!((0..5).filter(|_| pass()).count(), 1);
        let rule = limit.suppression(20_000).unwrap();
        assert_eq!(rule.sentence, "rate_limit: more than 3 in 1m");
        assert_eq!(rule.digest_ms, Some(80_000));
        assert!(RateLimit::new(None, &clock).suppression(0).is_none());
    }

    #[test]
    fn fingerprints_stay_what_they_are() {
        assert_eq!(fingerprint(&[]), 0xcbf2_9ce4_8422_2325);
        assert_ne!(fingerprint(&["ab", ""]), fingerprint(&["a", "b"]));
        assert_eq!(fingerprint(&["a"]), fingerprint(&["a"]));
    }
}
