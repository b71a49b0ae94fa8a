//! The script of the signal-cli stand-in: who gets the message, who does not, and what fails.
//!
//! It is data, since the executable reads it from a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Signal's result for one recipient, with signal-cli's names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResultType {
    /// The server accepted the message.
    #[default]
    Success,
    /// The connection to the server failed.
    NetworkFailure,
    /// Nobody is registered with this number.
    UnregisteredFailure,
    /// The recipient's identity key has changed.
    IdentityFailure,
    /// Too many messages were sent.
    RateLimitFailure,
    /// The recipient's keys could not be used.
    InvalidPreKeyFailure,
}

/// The result for one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The result.
    pub kind: ResultType,
    /// The delay before the next attempt, in versions that report it.
    pub retry_after_seconds: Option<u64>,
    /// The token for a CAPTCHA.
    pub token: Option<String>,
}

impl Verdict {
    /// Creates a result without further data.
    pub fn of(kind: ResultType) -> Self {
        Self {
            kind,
            ..Self::default()
        }
    }

    /// Creates a rate limit with a delay, or with a token for a CAPTCHA.
    pub fn rate_limit(seconds: Option<u64>, token: Option<&str>) -> Self {
        Self {
            kind: ResultType::RateLimitFailure,
            retry_after_seconds: seconds,
            token: token.map(str::to_owned),
        }
    }
}

/// A fault of a whole call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The call fails with this JSON-RPC code (the executable exits with the corresponding
    /// status) and without results.
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
    /// The call is never answered; the executable sleeps, with a child of its own on request.
    Hang {
        /// Whether it starts a child that sleeps as well.
        grandchild: bool,
    },
    /// The answer is this text instead of JSON.
    Garbage(String),
    /// The program dies during the request.
    Die {
        /// Whether the message is sent before that.
        after_sending: bool,
    },
    /// The answer is a success with only the timestamp and without results, as in the manual.
    OnlyTimestamp,
}

/// The whole script.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The registered accounts.
    pub accounts: Vec<String>,
    /// The results by recipient, if not success.
    pub recipients: BTreeMap<String, Verdict>,
    /// The known groups: the results of their members, by member.
    pub groups: BTreeMap<String, BTreeMap<String, Verdict>>,
    /// The faults of the calls of `send`, in order.
    pub faults: Vec<Option<Fault>>,
    /// Whether the arguments of 0.14 are accepted in addition to those of 0.13.19.
    pub newer: bool,
    /// Whether a plain rate limit reports no delay, as before 0.14.3.
    pub stale: bool,
}
