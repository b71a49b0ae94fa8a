//! Counts datagrams, and logs refusals at a limited rate.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use annunciator_protocol::Reject;
use tracing::field::display;

/// The maximum length of a logged host name, in characters: a datagram may claim any name.
const MAX_LOGGED_CHARS: usize = 64;
/// The minimum interval between log lines about the same reason.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
struct Reason {
    count: AtomicU64,
    /// When the reason was logged last, and its count at that time.
    logged: Mutex<Option<(Instant, u64)>>,
}

/// Counters of accepted datagrams, and of refused ones by reason.
#[derive(Debug, Default)]
pub struct Refusals {
    accepted: AtomicU64,
    reasons: [Reason; Reject::ALL.len()],
    hosts: Mutex<HashMap<Box<str>, [u64; Reject::ALL.len()]>>,
}

impl Refusals {
    /// Counts an accepted datagram.
    pub(super) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a refused datagram. Logs it with the host that it claims to come from, unless
    /// its reason was logged just before.
    pub(super) fn refused(&self, reason: Reject, from: SocketAddr, claimed: Option<&str>) {
        let entry = &self.reasons[index(reason)];
        let count = entry.count.fetch_add(1, Ordering::Relaxed) + 1;
        if reason == Reject::Repeated {
            // Senders repeat important datagrams: this is normal.
            return;
        }
        let mut logged = entry.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if logged.is_some_and(|(at, _)| now.duration_since(at) < LOG_INTERVAL) {
            return;
        }
        let since = logged.map_or(0, |(_, count)| count);
        *logged = Some((now, count));
        drop(logged);
        let others = count - since - 1;
        let host = claimed.map(|name| display(logged_name(name)));
        tracing::warn!(%from, %reason, host, others, "a datagram was refused");
    }

    /// Counts a refused datagram for the configured host that it claims to come from.
    pub(super) fn refused_of(&self, host: &str, reason: Reject) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if !hosts.contains_key(host) {
            hosts.insert(host.into(), Default::default());
        }
        if let Some(counts) = hosts.get_mut(host) {
            counts[index(reason)] += 1;
        }
    }

    /// Returns how many datagrams were refused in a host's name, by reason.
    pub(super) fn counts_of(&self, host: &str) -> impl Iterator<Item = (Reject, u64)> + use<> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        Reject::ALL
            .into_iter()
            .zip(hosts.get(host).copied().unwrap_or_default())
    }

    /// Returns how many datagrams were accepted since the start.
    #[must_use]
    pub fn accepted_count(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Returns how many datagrams were refused since the start, by reason. Every reason
    /// occurs once.
    pub fn counts(&self) -> impl Iterator<Item = (Reject, u64)> {
        let counts = self
            .reasons
            .iter()
            .map(|reason| reason.count.load(Ordering::Relaxed));
        Reject::ALL.into_iter().zip(counts)
    }
}

fn index(reason: Reject) -> usize {
    let known = Reject::ALL.iter().position(|known| *known == reason);
    known.unwrap_or_default()
}

/// Returns a host name in a form that is safe to log, since anybody may have made it up.
fn logged_name(name: &str) -> String {
    let escaped = name.escape_debug().to_string();
    match escaped.char_indices().nth(MAX_LOGGED_CHARS) {
        Some((end, _)) => format!("{}…", &escaped[..end]),
        None => escaped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_was_made_up_does_no_harm_to_a_log() {
        assert_eq!(logged_name("web-01"), "web-01");
        assert_eq!(logged_name("a\nb\u{202e}"), "a\\nb\\u{202e}");
        let long = logged_name(&"ß".repeat(200));
        assert_eq!(long.chars().count(), MAX_LOGGED_CHARS + 1);
    }
}
