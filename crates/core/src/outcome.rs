//! Results from a provider to the host: outcomes, findings and errors.
//!
//! The provider classifies, and the engine decides. Therefore nothing here says "wait" or "give
//! up", only what the remote did and how long it asked to wait. The layout is frozen like that of
//! the messages, and for the same reason.

use abi_stable::{
    StableAbi,
    std_types::{RString, RVec},
};

use serde::{Deserialize, Serialize};

use crate::code::{CheckStatus, Fault, OutcomeClass, ProblemLevel, Proof};

/// The outcome of one attempt for one target (a recipient, a device or a room).
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeV1 {
    /// The name of the target, which stays the same over attempts and contains no secret.
    pub target: RString,
    /// The class of the outcome.
    pub class: OutcomeClass,
    /// Whose fault a failure was.
    pub fault: Fault,
    /// How much the delivery proves.
    pub proof: Proof,
    /// The remote's identifier of the message; empty if it gives none.
    pub remote_id: RString,
    /// The remote's code, such as `550 5.1.1` or `HTTP 404`; may be empty.
    pub code: RString,
    /// What happened, in words, without secrets.
    pub detail: RString,
    /// What a person can do about it; may be empty.
    pub hint: RString,
    /// How long the remote asked to wait, in milliseconds; -1 if it did not say.
    pub retry_after_ms: i64,
    /// Further remarks, for example that a text was truncated.
    pub notes: RVec<RString>,
    /// A JSON object for what later versions add; empty text for none.
    pub extension_json: RString,
}

/// The result of one attempt, with an outcome for each target that was requested.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryResultV1 {
    /// The outcome for each target.
    pub outcomes: RVec<OutcomeV1>,
    /// A JSON object for what later versions add; empty text for none.
    pub extension_json: RString,
}

/// The result of a check of the settings against the remote, without delivering anything.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResultV1 {
    /// The verdict.
    pub status: CheckStatus,
    /// Whose fault a failure is.
    pub fault: Fault,
    /// What was found, in words, without secrets.
    pub detail: RString,
    /// What a person can do about it; may be empty.
    pub hint: RString,
    /// A JSON object for what later versions add; empty text for none.
    pub extension_json: RString,
}

/// A problem in a channel's settings.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemV1 {
    /// Whether the problem stops the channel.
    pub level: ProblemLevel,
    /// The field, such as `recipients[1]`; empty for the settings as a whole.
    pub path: RString,
    /// What is wrong.
    pub message: RString,
    /// What would be right; may be empty.
    pub help: RString,
}

/// The error when a provider cannot be opened.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenErrorV1 {
    /// Whose fault it is.
    pub fault: Fault,
    /// What happened, in words, without secrets.
    pub detail: RString,
    /// What a person can do about it; may be empty.
    pub hint: RString,
}
