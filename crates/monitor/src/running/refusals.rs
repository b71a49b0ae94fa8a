//! Counts what came in, and logs refusals at a limited rate.

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

/// So much of a host's name is logged, in characters: whoever reaches the port
/// may claim any.
const MAX_LOGGED_CHARS: usize = 64;
/// A reason is logged at most this often.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
struct Reason {
    count: AtomicU64,
    /// When it was logged, and how many there were then.
    logged: Mutex<Option<(Instant, u64)>>,
}

/// Counters of accepted datagrams, and of refused ones by reason.
#[derive(Debug, Default)]
pub struct Refusals {
    taken: AtomicU64,
    reasons: [Reason; Reject::ALL.len()],
    hosts: Mutex<HashMap<Box<str>, [u64; Reject::ALL.len()]>>,
}

impl Refusals {
    /// Counts a datagram that was taken.
    pub(super) fn taken(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a datagram that was refused, and logs it unless its reason was
    /// logged just before, with the host that it claims to be from.
    pub(super) fn refused(&self, reason: Reject, from: SocketAddr, claimed: Option<&str>) {
        let entry = &self.reasons[index(reason)];
        let count = entry.count.fetch_add(1, Ordering::Relaxed) + 1;
        if reason == Reject::Repeated {
            // Senders repeat what matters: that is as it should be.
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

    /// Counts it for the host that it claims to be from, which is one of the
    /// configuration.
    pub(super) fn refused_of(&self, host: &str, reason: Reject) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if !hosts.contains_key(host) {
            hosts.insert(host.into(), Default::default());
        }
        if let Some(counts) = hosts.get_mut(host) {
            counts[index(reason)] += 1;
        }
    }

    /// How many were refused in a host's name, by reason.
    pub(super) fn counts_of(&self, host: &str) -> impl Iterator<Item = (Reject, u64)> + use<> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        Reject::ALL
            .into_iter()
            .zip(hosts.get(host).copied().unwrap_or_default())
    }

    /// Returns how many datagrams were accepted since the start.
    #[must_use]
    pub fn taken_count(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Returns how many datagrams were refused since the start, by reason; every
    /// reason occurs once.
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

/// A name that anybody may have made up, as a log may have it.
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
