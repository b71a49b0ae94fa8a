//! The clock as a value: code that needs the time takes a [`Clock`], so that tests can control it.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::LazyLock,
    time::{Duration, Instant, SystemTime},
};

/// A future that completes when its time has passed.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A source of the time, and of the randomness in a backoff.
///
/// Implement it in tests to control both; [`SystemClock`] is the default.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Returns the current time, in milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;

    /// Returns the time since some fixed moment, in milliseconds.
    ///
    /// This clock is monotonic: nobody sets it, whereas [`now_ms`](Self::now_ms) may go back by an
    /// hour. The engine uses it for what it keeps only in memory. By default it is the same as
    /// `now_ms`.
    fn steady_ms(&self) -> i64 {
        self.now_ms()
    }

    /// Returns a future that completes after this duration.
    fn sleep(&self, duration: Duration) -> Sleep;

    /// Returns a uniformly random number from 0 to 1, both included: the share of the backoff to
    /// wait, so that deliveries that failed together are not retried together.
    ///
    /// With 1 the whole backoff is waited, and with 0 the next attempt is due at once. The engine
    /// takes a number below 0 as 0, and one above 1 or NaN as 1.
    ///
    /// `of` identifies the backoff and is the same for the same backoff, so that a clock of a test
    /// can return the same number again.
    fn chance(&self, of: u64) -> f64 {
        let _ = of;
        let bits = uuid::Uuid::new_v4().as_u64_pair().1;
        // The upper bits of that half contain the variant.
        (bits & u64::from(u32::MAX)) as f64 / f64::from(u32::MAX)
    }
}

/// The clock of the system, with tokio's timers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn steady_ms(&self) -> i64 {
        static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
        i64::try_from(STARTED.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Converts a duration to milliseconds, the unit of stores. A duration that is too long becomes the
/// maximum.
pub(crate) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A clock for tests, which only advances when it is set.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct ManualClock(std::sync::atomic::AtomicI64);

#[cfg(test)]
impl ManualClock {
    /// Sets the time, in milliseconds since the Unix epoch.
    pub(crate) fn set(&self, now_ms: i64) {
        self.0.store(now_ms, std::sync::atomic::Ordering::SeqCst);
    }

    /// Advances the time.
    pub(crate) fn advance_minutes(&self, minutes: i64) {
        self.set(self.now_ms() + minutes * 60_000);
    }
}

#[cfg(test)]
impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }

    fn sleep(&self, _: Duration) -> Sleep {
        Box::pin(std::future::ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_reaches_from_nothing_to_the_whole() {
        let (mut low, mut high) = (0, 0);
        for of in 0..1_000 {
            let chance = SystemClock.chance(of);
            assert!((0.0..=1.0).contains(&chance), "{chance}");
            low += u32::from(chance < 0.25);
            high += u32::from(chance > 0.75);
        }
        // A quarter of the values is expected in each. The probability of less than a tenth is
        // 10^-30.
        assert!(low > 100 && high > 100, "{low} and {high} of 1000");
    }
}
