//! A datagram's content, once it has been read and its form is sound.

use std::{fmt, net::IpAddr, time::Duration};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// The address family by which a heartbeat came: the specification's
/// `connection_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Family {
    /// Internet Protocol version 4, also where it came mapped into an IPv6
    /// address.
    #[serde(rename = "IPv4")]
    V4,
    /// Internet Protocol version 6.
    #[serde(rename = "IPv6")]
    V6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// The name, as messages have it.
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

/// What a host says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It is alive.
    Heartbeat,
    /// It has just booted.
    Boot,
    /// It is about to go down.
    Shutdown {
        /// How long it expects to be away, where it knows.
        expected: Option<Duration>,
    },
    /// It has trouble, in its own words.
    Message(String),
}

impl Event {
    /// Its name in datagrams.
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

/// One datagram, read: its form is sound, and its signature where it has one.
/// Whether it is fresh and its host is known is the monitor's to judge.
#[derive(Debug, Clone, PartialEq)]
pub struct Datagram {
    /// The name of the host.
    pub host: CompactString,
    /// Names this boot of the host; another one means that it has booted.
    pub boot: CompactString,
    /// Grows with every datagram within a boot.
    pub counter: u64,
    /// The sender's time, in milliseconds since the Unix epoch.
    pub sent_at_ms: i64,
    /// What it says.
    pub event: Event,
    /// How often it means to send.
    pub interval: Option<Duration>,
    /// Values by their path, such as `cpu_monitor.cpu_percent`.
    pub metrics: Vec<(CompactString, f64)>,
    /// Whether it carried a signature, which then was right.
    pub signed: bool,
}
