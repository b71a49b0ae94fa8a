//! What the signal-cli stand-in shall answer: who gets the message, who
//! doesn't, and what goes wrong.
//!
//! The script is data, since the executable reads it from a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What Signal makes of one recipient; the names are signal-cli's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResultType {
    /// The server took it.
    #[default]
    Success,
    /// The line to the server broke.
    NetworkFailure,
    /// Nobody has this number.
    UnregisteredFailure,
    /// The recipient's key changed.
    IdentityFailure,
    /// Too many messages.
    RateLimitFailure,
    /// The recipient's keys could not be used.
    InvalidPreKeyFailure,
}

/// The result for one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What became of it.
    pub kind: ResultType,
    /// How long to wait, told by versions that know it.
    pub retry_after_seconds: Option<u64>,
    /// The token that a CAPTCHA needs.
    pub token: Option<String>,
}

impl Verdict {
    /// A result without further data.
    pub fn of(kind: ResultType) -> Self {
        Self {
            kind,
            ..Self::default()
        }
    }

    /// A rate limit that says how long, or asks for a CAPTCHA.
    pub fn rate_limit(seconds: Option<u64>, token: Option<&str>) -> Self {
        Self {
            kind: ResultType::RateLimitFailure,
            retry_after_seconds: seconds,
            token: token.map(str::to_owned),
        }
    }
}

/// Something that goes wrong with a whole call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The call fails with this JSON-RPC code (the executable exits with the
    /// status that belongs to it) and no results.
    Error {
        /// The JSON-RPC code.
        code: i64,
        /// The text.
        message: String,
    },
    /// The message is sent, but signal-cli reports this error without results.
    SentThenError {
        /// The JSON-RPC code.
        code: i64,
        /// The text.
        message: String,
    },
    /// No answer ever; the executable sleeps, with a child of its own if asked.
    Hang {
        /// Whether it starts a child that sleeps as well.
        grandchild: bool,
    },
    /// This text instead of JSON.
    Garbage(String),
    /// The program dies in mid-request; the message may or may not be sent.
    Die {
        /// Whether it was sent before.
        after_sending: bool,
    },
    /// A good answer with neither results nor anything but the timestamp, as
    /// the manual still shows it.
    OnlyTimestamp,
}

/// The whole script.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The registered accounts.
    pub accounts: Vec<String>,
    /// Results by recipient, where not success.
    pub recipients: BTreeMap<String, Verdict>,
    /// The known groups: each member's result, by member.
    pub groups: BTreeMap<String, BTreeMap<String, Verdict>>,
    /// What goes wrong with the calls of `send`, in their order.
    pub faults: Vec<Option<Fault>>,
    /// Whether it takes the arguments of 0.14 besides those of 0.13.19.
    pub newer: bool,
    /// Whether a plain rate limit tells no waiting time, as before 0.14.3.
    pub stale: bool,
}
