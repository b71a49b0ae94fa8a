//! An act, as it is recorded and read.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::scope::Credential;

/// An act.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Act {
    /// Its number: later acts have greater ones.
    #[serde(default)]
    pub number: u64,
    /// When it began, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What was done, such as `acknowledge`.
    pub act: String,
    /// Who did it; none for somebody who is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// How they have shown who they are: `socket`, `token`, `session` or `proxy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub credential: Option<Credential>,
    /// The address from which they did it; none for this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it was done to: an incident, a host, a channel, a delivery, or a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Whether it was done; none if whoever did it did not wait for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<bool>,
    /// Why it was refused, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A page of acts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActPage {
    /// The newest first.
    pub acts: Vec<Act>,
    /// The cursor of the next page: acts `before` this one. None on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
}
