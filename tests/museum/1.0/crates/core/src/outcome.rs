//! What travels from a provider to the host: outcomes, findings, refusals.
//!
//! The provider classifies, the engine decides: nothing here says "wait" or
//! "give up", only what the remote did and how long it asked to be left alone.
//! Frozen like the messages, and for the same reason.

use abi_stable::{
    StableAbi,
    std_types::{RString, RVec},
};

use serde::{Deserialize, Serialize};

use crate::code::{CheckStatus, Fault, OutcomeClass, ProblemLevel, Proof};

/// What came of one attempt for one target (a recipient, a device, a room).
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeV1 {
    /// Which target, by a name that is stable over attempts and holds no secret.
    pub target: RString,
    /// What became of it.
    pub class: OutcomeClass,
    /// Whose fault a failure was.
    pub fault: Fault,
    /// How much a delivery proves.
    pub proof: Proof,
    /// The remote's own name for what it took; empty where it gives none.
    pub remote_id: RString,
    /// The remote's code, such as `550 5.1.1` or `HTTP 404`; may be empty.
    pub code: RString,
    /// What happened, in words, without secrets.
    pub detail: RString,
    /// What a person can do about it; may be empty.
    pub hint: RString,
    /// How long the remote asked to wait, in milliseconds; -1 where it did not say.
    pub retry_after_ms: i64,
    /// What else is worth telling, such as that a text was cut.
    pub notes: RVec<RString>,
    /// A JSON object for what later versions add; empty text for none.
    pub extension_json: RString,
}

/// What came of one attempt: an outcome for each target that was asked for.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryResultV1 {
    /// One for each target.
    pub outcomes: RVec<OutcomeV1>,
    /// A JSON object for what later versions add; empty text for none.
    pub extension_json: RString,
}

/// What a check of the settings against the remote found, nothing delivered.
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

/// Something that is wrong with a channel's settings.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemV1 {
    /// Whether it stops the channel.
    pub level: ProblemLevel,
    /// The field, such as `recipients[1]`; empty for the settings as a whole.
    pub path: RString,
    /// What is wrong.
    pub message: RString,
    /// What would be right; may be empty.
    pub help: RString,
}

/// Why a provider could not be opened.
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
