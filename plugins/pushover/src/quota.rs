//! The quota of messages for the month, from the headers of every answer:
//! <https://pushover.net/api#limits>.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use annunciator_sdk::HttpResponse;

/// The quota is low when fewer messages are left than the limit divided by this number.
const LOW_SHARE: u64 = 20;

/// The values of the three headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    /// When the quota is renewed, in Unix seconds.
    pub(crate) reset: u64,
}

impl Quota {
    pub(crate) fn read(answer: &HttpResponse) -> Option<Self> {
        let number = |name: &str| answer.header(name)?.trim().parse::<u64>().ok();
        Some(Self {
            limit: number("X-Limit-App-Limit")?,
            remaining: number("X-Limit-App-Remaining")?,
            reset: number("X-Limit-App-Reset")?,
        })
    }

    pub(crate) fn is_low(self) -> bool {
        self.remaining.saturating_mul(LOW_SHARE) < self.limit
    }

    /// Returns how long it takes until the quota is renewed; zero if that time has passed.
    pub(crate) fn wait(self, now: SystemTime) -> Duration {
        let reset = UNIX_EPOCH.checked_add(Duration::from_secs(self.reset));
        reset
            .and_then(|reset| reset.duration_since(now).ok())
            .unwrap_or_default()
    }

    pub(crate) fn note(self, now: SystemTime) -> String {
        let hours = self.wait(now).as_secs() / 3600;
        format!(
            "{} of {} messages are left; new ones come in {} days and {} hours",
            self.remaining,
            self.limit,
            hours / 24,
            hours % 24
        )
    }
}

/// Logs a warning each time that the quota becomes low.
#[derive(Debug, Default)]
pub(crate) struct Watch(AtomicBool);

impl Watch {
    /// Returns a note for the outcome while the quota is low.
    pub(crate) fn look(&self, quota: Quota, now: SystemTime) -> Option<String> {
        let low = quota.is_low();
        let was_low = self.0.swap(low, Ordering::Relaxed);
        let note = low.then(|| quota.note(now))?;
        if !was_low {
            tracing::warn!(
                remaining = quota.remaining,
                limit = quota.limit,
                "the Pushover quota runs low: {note}"
            );
        }
        Some(note)
    }
}
