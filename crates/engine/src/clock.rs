//! The clock as a value: whatever needs the time is given a [`Clock`], so that tests own it.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::LazyLock,
    time::{Duration, Instant, SystemTime},
};

/// A future that ends when its time has come.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tells the time and lets it pass.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;

    /// Milliseconds since some time in the past: a clock that nobody sets, for
    /// what is only in memory. That of [`now_ms`](Self::now_ms) may be set back
    /// by an hour.
    fn steady_ms(&self) -> i64 {
        self.now_ms()
    }

    /// Ends after this long.
    fn sleep(&self, duration: Duration) -> Sleep;

    /// A number from 0 to 1, by chance, all of them as likely, both ends among them:
    /// a pause between two attempts is this share of its full length, so that who
    /// failed together does not come back together. 1 is the whole pause, and 0 none:
    /// the next attempt is due at once. What is less counts as 0, and what is more, or
    /// is no number, as 1.
    ///
    /// Whoever owns the time in a test owns chance too: `of` is the same for the same
    /// pause.
    fn chance(&self, of: u64) -> f64 {
        let _ = of;
        let bits = uuid::Uuid::new_v4().as_u64_pair().1;
        // The upper bits of that half hold the variant.
        (bits & u64::from(u32::MAX)) as f64 / f64::from(u32::MAX)
    }
}

/// The system's clock, and tokio's timers.
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

/// A duration in milliseconds, as stores count time; what is too long for that is as long
/// as can be.
pub(crate) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A clock for tests, which stands still until it is moved.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct ManualClock(std::sync::atomic::AtomicI64);

#[cfg(test)]
impl ManualClock {
    /// Sets the time, in milliseconds since the Unix epoch.
    pub(crate) fn set(&self, now_ms: i64) {
        self.0.store(now_ms, std::sync::atomic::Ordering::SeqCst);
    }

    /// Moves the time on.
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
        // A quarter each; that it is less than a tenth happens once in 10^30.
        assert!(low > 100 && high > 100, "{low} and {high} of 1000");
    }
}
