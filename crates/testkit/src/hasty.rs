//! A clock that runs fast, so that tests can use the same delays as a real system.

use std::time::{Duration, Instant, SystemTime};

use annunciator::{Clock, Sleep};

/// How much faster time passes.
const HASTE: u32 = 50;

/// A clock that runs fast.
#[derive(Debug, Clone)]
pub struct Hasty {
    began: Instant,
    began_ms: i64,
}

impl Hasty {
    /// Creates a clock that continues from a given time, as if it had been running unobserved.
    #[must_use]
    pub fn going_on_from(began_ms: i64) -> Self {
        Self {
            began: Instant::now(),
            began_ms,
        }
    }
}

impl Default for Hasty {
    fn default() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let ms = since.unwrap_or_default().as_millis();
        Self::going_on_from(i64::try_from(ms).unwrap_or(i64::MAX))
    }
}

impl Clock for Hasty {
    fn now_ms(&self) -> i64 {
        let passed = self.began.elapsed() * HASTE;
        self.began_ms + i64::try_from(passed.as_millis()).unwrap_or(i64::MAX)
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration / HASTE))
    }
}
