//! The content of a datagram.

use std::{fmt, net::IpAddr, time::Duration};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// The address family by which a heartbeat arrived: the `connection_type` of
/// the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Family {
    /// Internet Protocol version 4, including addresses mapped into IPv6.
    #[serde(rename = "IPv4")]
    V4,
    /// Internet Protocol version 6.
    #[serde(rename = "IPv6")]
    V6,
}

impl Family {
    /// Returns the family of an address; an IPv4-mapped IPv6 address is IPv4.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// Returns the name as messages show it: `IPv4` or `IPv6`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a host reports with a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The host is alive.
    Heartbeat,
    /// The host has just booted.
    Boot,
    /// The host is about to shut down.
    Shutdown {
        /// How long the host expects to be away, at most
        /// [`MAX_ABSENCE`](crate::limits::MAX_ABSENCE); `None` if it does not know.
        expected: Option<Duration>,
    },
    /// The host reports a problem in its own words, which are valid for
    /// [`name::is_message`](crate::name::is_message).
    Message(String),
}

impl Event {
    /// Returns the event's name in datagrams, such as `heartbeat`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Boot => "boot",
            Self::Shutdown { .. } => "shutdown",
            Self::Message(_) => "message",
        }
    }
}

/// One datagram: what a host sends to a monitor.
///
/// A sender fills it in and calls [`encode`](Datagram::encode).
/// [`decode`](crate::decode) returns one whose form is valid and whose signature,
/// if it has one, is right. Whether the host is known and the datagram fresh is
/// for the monitor to decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Datagram {
    /// The host's name.
    pub host: CompactString,
    /// Identifies this boot of the host; a different value means that the host
    /// has rebooted.
    pub boot: CompactString,
    /// Increases with every datagram within a boot.
    pub counter: u64,
    /// The sender's clock, in milliseconds since the Unix epoch.
    pub sent_at_ms: i64,
    /// What the host reports.
    pub event: Event,
    /// The interval at which the host intends to send; `None` if irregular.
    pub interval: Option<Duration>,
    /// Values of metrics by path, such as `cpu_monitor.cpu_percent`.
    pub metrics: Vec<(CompactString, f64)>,
    /// Whether the datagram carried a valid signature. Ignored when encoding.
    pub signed: bool,
}
