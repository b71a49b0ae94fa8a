//! How much a channel may be sent in a time. What is beyond that is kept back
//! and told in one digest.
//!
//! Counted in this process: several engines on one store have a limit each.

use std::{
    collections::HashMap,
    fmt,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock as TicksClock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};

use super::gate::Rule;
use crate::clock::milliseconds;
use crate::{clock::Clock, config::Rate};

/// The name of that rule.
pub(super) const RATE_LIMIT: &str = "rate_limit";
/// So many messages are remembered that are told once within a time.
const MOST_RECENT: usize = 1024;

/// The engine's clock as the limiter wants it.
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

/// The limit of one channel.
pub(super) struct Limit {
    limiter: Option<(Limiter, Rate)>,
    /// What was let through a short time ago and would not be told again, and
    /// until when: it counts once.
    recent: Mutex<HashMap<u64, i64>>,
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit").finish_non_exhaustive()
    }
}

impl Limit {
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
        }
    }

    /// The rule that keeps back what comes now, where it does.
    pub(super) fn kept_back(&self, now_ms: i64) -> Option<Rule> {
        let (limiter, rate) = self.limiter.as_ref()?;
        limiter.check().err()?;
        let per = humantime::format_duration(rate.per);
        Some(Rule {
            sentence: format!("{RATE_LIMIT}: more than {} in {per}", rate.messages),
            digest_ms: Some(now_ms.saturating_add(milliseconds(rate.per))),
        })
    }

    /// Whether the same was let through and will not be told again.
    pub(super) fn was_let_through(&self, fingerprint: u64, now_ms: i64) -> bool {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent
            .get(&fingerprint)
            .is_some_and(|until| *until > now_ms)
    }

    /// Takes note that it was.
    pub(super) fn let_through(&self, fingerprint: u64, until_ms: i64, now_ms: i64) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= MOST_RECENT {
            recent.retain(|_, until| *until > now_ms);
        }
        if recent.len() < MOST_RECENT {
            recent.insert(fingerprint, until_ms);
        }
    }
}

/// The same for messages that read the same.
pub(super) fn fingerprint(texts: &[&str]) -> u64 {
    // FNV-1a: it is written to files, so it must stay what it is.
    // <https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A time of nothing is no time.
pub(super) fn window(dedup: Option<Duration>) -> Option<Duration> {
    dedup.filter(|window| !window.is_zero())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::clock::Sleep;

    #[derive(Debug, Default)]
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now_ms(&self) -> i64 {
            self.0.load(Ordering::SeqCst)
        }

        fn sleep(&self, _: Duration) -> Sleep {
            Box::pin(std::future::ready(()))
        }
    }

    #[test]
    fn so_many_pass_at_once_and_then_as_many_in_the_time() {
        let hand = Arc::new(Hand::default());
        let clock: Arc<dyn Clock> = Arc::clone(&hand) as _;
        let rate = Rate {
            messages: 3,
            per: Duration::from_secs(60),
        };
        let limit = Limit::new(Some(rate), &clock);
        let pass = || limit.kept_back(hand.now_ms()).is_none();
        assert_eq!((0..5).filter(|_| pass()).count(), 3);
        hand.0.store(20_000, Ordering::SeqCst);
        assert_eq!((0..5).filter(|_| pass()).count(), 1);
        let rule = limit.kept_back(20_000).unwrap();
        assert_eq!(rule.sentence, "rate_limit: more than 3 in 1m");
        assert_eq!(rule.digest_ms, Some(80_000));
        assert!(Limit::new(None, &clock).kept_back(0).is_none());
    }

    #[test]
    fn fingerprints_stay_what_they_are() {
        assert_eq!(fingerprint(&[]), 0xcbf2_9ce4_8422_2325);
        assert_ne!(fingerprint(&["ab", ""]), fingerprint(&["a", "b"]));
        assert_eq!(fingerprint(&["a"]), fingerprint(&["a"]));
    }
}
