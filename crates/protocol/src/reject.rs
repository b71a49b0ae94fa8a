//! The reasons to refuse a datagram.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The reason why a monitor refused a datagram.
///
/// A monitor counts refused datagrams by this reason and never answers them. The
/// variants down to [`UnsignedShutdown`](Self::UnsignedShutdown) come from
/// [`decode`](crate::decode); a monitor adds the rest, which depend on what it
/// knows of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reject {
    /// The datagram is empty.
    Empty,
    /// The datagram is longer than
    /// [`MAX_DATAGRAM_BYTES`](crate::limits::MAX_DATAGRAM_BYTES).
    TooLong,
    /// The datagram is not the JSON object that the protocol describes: truncated,
    /// nested too deeply, with other members, or no JSON at all.
    Malformed,
    /// The datagram is of another version of the protocol.
    Version,
    /// A name or the message is empty, too long, or contains characters that are
    /// not allowed.
    Name,
    /// A number is out of range.
    Number,
    /// The datagram has more than
    /// [`MAX_METRICS`](crate::limits::MAX_METRICS) metrics.
    TooManyMetrics,
    /// The datagram is signed with a key that is not configured or does not apply
    /// to the host.
    UnknownKey,
    /// The signature is wrong.
    WrongSignature,
    /// The datagram is not signed although a key applies to its host.
    Unsigned,
    /// The datagram announces a shutdown without a signature although keys are
    /// configured: accepted, it would mute an alarm.
    UnsignedShutdown,
    /// The host is not configured.
    UnknownHost,
    /// A datagram with this counter was accepted before. This is not a sign of an attack,
    /// since senders repeat important datagrams.
    Repeated,
    /// The counter is too far behind those that were accepted.
    Replayed,
    /// The datagram is of an earlier boot of its host.
    EarlierBoot,
    /// The sender's clock is too far ahead.
    Future,
    /// The sender's clock is too far behind.
    Past,
}

impl Reject {
    /// Every reason.
    pub const ALL: [Self; 17] = [
        Self::Empty,
        Self::TooLong,
        Self::Malformed,
        Self::Version,
        Self::Name,
        Self::Number,
        Self::TooManyMetrics,
        Self::UnknownKey,
        Self::WrongSignature,
        Self::Unsigned,
        Self::UnsignedShutdown,
        Self::UnknownHost,
        Self::Repeated,
        Self::Replayed,
        Self::EarlierBoot,
        Self::Future,
        Self::Past,
    ];

    /// Returns the name in metrics and logs, such as `too_long`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Version => "version",
            Self::Name => "name",
            Self::Number => "number",
            Self::TooManyMetrics => "too_many_metrics",
            Self::UnknownKey => "unknown_key",
            Self::WrongSignature => "wrong_signature",
            Self::Unsigned => "unsigned",
            Self::UnsignedShutdown => "unsigned_shutdown",
            Self::UnknownHost => "unknown_host",
            Self::Repeated => "repeated",
            Self::Replayed => "replayed",
            Self::EarlierBoot => "earlier_boot",
            Self::Future => "future",
            Self::Past => "past",
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::error::Error for Reject {}
