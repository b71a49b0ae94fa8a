//! How fast a client may come back, and what it did against the rules.
//!
//! Decides only on time, connections and the query; everything that the
//! service answers stands elsewhere.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::time::Instant;

use crate::http::{Request, Seen};

/// Both for a poll of a receipt and for a repeat after an error:
/// <https://pushover.net/api#friendly>, <https://pushover.net/api/receipts>.
pub(super) const MIN_POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The connections that a client may use at the same time, by the same page.
const MAX_CONNECTIONS: usize = 2;

/// A rule that the client broke without being refused for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// More than two connections carried a request at the same time.
    TooManyConnections(usize),
    /// A request was repeated unchanged sooner than 5 s after it had failed
    /// with this status.
    RepeatedTooSoon(u16),
    /// A receipt was fetched sooner than 5 s after the time before.
    PolledTooSoon(String),
    /// A token or user key stood in the query of a call that takes it in the
    /// body; the path of that call.
    SecretInQuery(String),
}

/// What the rules on time need to remember.
#[derive(Debug)]
pub(super) struct Pace {
    pub(super) pause: Duration,
    failed: HashMap<u64, (Instant, u16)>,
    polled: HashMap<String, Instant>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            pause: MIN_POLL_INTERVAL,
            failed: HashMap::new(),
            polled: HashMap::new(),
        }
    }
}

impl Pace {
    /// Judges a request after its answer.
    pub(super) fn after(&mut self, request: &Request, seen: &Seen) -> Vec<Violation> {
        let mut found = Vec::new();
        if seen.in_use > MAX_CONNECTIONS {
            found.push(Violation::TooManyConnections(seen.in_use));
        }
        let mark = fingerprint(request);
        if let Some((at, status)) = self.failed.remove(&mark)
            && request.arrived().saturating_duration_since(at) < self.pause
        {
            found.push(Violation::RepeatedTooSoon(status));
        }
        if let Some(status) = seen.status.filter(|status| *status >= 400) {
            self.failed.insert(mark, (Instant::now(), status));
        }
        found
    }

    /// Judges a poll of a receipt.
    pub(super) fn poll(&mut self, receipt: &str) -> Option<Violation> {
        let now = Instant::now();
        let before = self.polled.insert(receipt.to_owned(), now)?;
        (now.duration_since(before) < self.pause)
            .then(|| Violation::PolledTooSoon(receipt.to_owned()))
    }
}

fn fingerprint(request: &Request) -> u64 {
    let mut hasher = DefaultHasher::new();
    request.method().hash(&mut hasher);
    request.path().hash(&mut hasher);
    request.body().hash(&mut hasher);
    hasher.finish()
}
