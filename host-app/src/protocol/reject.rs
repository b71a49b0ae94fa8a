//! Why a datagram was not taken.

use std::fmt;

/// Why a datagram was not taken. Each is counted under its name; none is ever
/// answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reject {
    /// It has no content.
    Empty,
    /// It is longer than the protocol allows.
    TooLong,
    /// It is not the JSON object that the protocol describes: cut, nested, of
    /// other fields, or no JSON at all.
    Malformed,
    /// It is of another version of the protocol.
    Version,
    /// A name in it, or its message, is empty, too long, or holds characters
    /// that do not belong there.
    Name,
    /// A number in it is out of its range.
    Number,
    /// It has more metrics than the protocol allows.
    TooManyMetrics,
    /// It is signed with a key that is not configured, or not for this host.
    UnknownKey,
    /// Its signature is wrong.
    WrongSignature,
    /// It is not signed, and its host has a key.
    Unsigned,
    /// It announces a shutdown without a signature although keys are
    /// configured: believed, it would mute an alarm.
    UnsignedShutdown,
    /// Its host is not in the configuration.
    UnknownHost,
    /// It, or another with its counter, was taken already: senders repeat
    /// what matters.
    Repeated,
    /// Its counter is too far behind those that were taken.
    Replayed,
    /// It is of an earlier boot of its host.
    EarlierBoot,
    /// Its sender's time is too far ahead.
    Future,
    /// Its sender's time is too far behind.
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

    /// Its name in counters and logs.
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
