//! Limits of version 1 of the protocol.
//!
//! Where a limit names no other source, it is the protocol's own choice; all of
//! them are part of its description, `docs/protocol.md`.

use std::time::Duration;

/// The version of the protocol that this crate reads and writes.
pub const VERSION: u64 = 1;

/// The maximum length of a datagram, in bytes.
///
/// With its headers it fits IPv6's minimum MTU of 1,280 bytes (RFC 8200,
/// section 5), so that no network fragments it.
pub const MAX_DATAGRAM_BYTES: usize = 1200;

/// The maximum length of a host's name, in bytes: what DNS allows (RFC 1035,
/// section 2.3.4, without the final dot).
pub const MAX_HOST_BYTES: usize = 253;

/// The maximum length of a boot's name, in bytes: a UUID has 36.
pub const MAX_BOOT_BYTES: usize = 64;

/// The maximum length of a key's id, in bytes.
pub const MAX_KEY_ID_BYTES: usize = 32;

/// The maximum length of a host's message, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 512;

/// The maximum length of a metric's path, in bytes.
pub const MAX_PATH_BYTES: usize = 128;

/// The maximum number of metrics in a datagram.
pub const MAX_METRICS: usize = 64;

/// The maximum nesting of objects and lists in members that this version does
/// not know.
pub const MAX_NESTING: usize = 8;

/// The shortest interval between heartbeats that a host may announce.
pub const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// The longest interval between heartbeats that a host may announce: one day.
pub const MAX_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest absence that a host may announce with its shutdown: 30 days.
pub const MAX_ABSENCE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The latest time that a datagram may carry, in milliseconds since the Unix
/// epoch: the last millisecond of the year 9999.
pub const MAX_TIME_MS: i64 = 253_402_300_799_999;

/// The minimum length of a key's secret, in bytes: 128 bits if they are random.
pub const MIN_SECRET_BYTES: usize = 16;

/// The maximum length of a key's secret, in bytes.
pub const MAX_SECRET_BYTES: usize = 1024;
