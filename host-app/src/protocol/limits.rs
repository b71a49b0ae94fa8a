//! The bounds of the protocol's version 1. All are the protocol's own choice,
//! and part of its description in `docs/protocol.md`.

use std::time::Duration;

/// The version that this monitor speaks.
pub const VERSION: u64 = 1;

/// A datagram is never longer, in bytes: with its headers it fits IPv6's
/// minimum MTU of 1,280 bytes (RFC 8200, section 5), so that no network
/// splits it.
pub const LONGEST_DATAGRAM: usize = 1200;

/// A host's name is never longer, in bytes: what DNS allows (RFC 1035,
/// section 2.3.4, without the last dot).
pub const LONGEST_HOST: usize = 253;

/// A boot's name is never longer, in bytes.
pub const LONGEST_BOOT: usize = 64;

/// A key's id is never longer, in bytes.
pub const LONGEST_KEY_ID: usize = 32;

/// A message is never longer, in bytes.
pub const LONGEST_MESSAGE: usize = 512;

/// A metric's path is never longer, in bytes.
pub const LONGEST_PATH: usize = 128;

/// A datagram never has more metrics.
pub const MOST_METRICS: usize = 64;

/// Objects and lists in members that this version does not know are never
/// nested deeper.
pub const DEEPEST_NESTING: usize = 8;

/// No host sends more often.
pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// No host sends more rarely: once a day.
pub const LONGEST_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// No host announces a longer absence: 30 days.
pub const LONGEST_ABSENCE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The last millisecond of the year 9999: a sender's time is never later.
pub const LATEST_TIME_MS: i64 = 253_402_300_799_999;

/// A key's secret is never shorter, in bytes: 128 bits, if they are random.
pub const SHORTEST_SECRET: usize = 16;

/// A key's secret is never longer, in bytes.
pub const LONGEST_SECRET: usize = 1024;
