//! How often a client may call, and the rules that it broke.
//!
//! Only time, connections and the query are judged here; the service's answers are elsewhere.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::time::Instant;

use crate::http::{Request, Seen};

/// The minimum interval between polls of a receipt, and before a retry after an error:
/// <https://pushover.net/api#friendly>, <https://pushover.net/api/receipts>.
pub(super) const MIN_POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The maximum number of connections that a client may use at once, by the same page.
const MAX_CONNECTIONS: usize = 2;

/// A rule that the client broke without being refused for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// More than two connections carried a request at the same time.
    TooManyConnections(usize),
    /// A request was repeated unchanged sooner than 5 s after it had failed with this status.
    RepeatedTooSoon(u16),
    /// A receipt was fetched again within 5 s.
    PolledTooSoon(String),
    /// The query of a call to this path contained a token or user key, which belongs in the body.
    SecretInQuery(String),
}

/// The state that the rules on time need.
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
    /// Judges a request after it was answered.
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
