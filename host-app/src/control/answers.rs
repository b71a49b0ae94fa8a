//! What a running monitor answers, command by command.
//!
//! [`ask`](super::ask) returns an answer as JSON, so that `--json` prints all that a
//! monitor says; these types are how both ends read and write it.

use std::{collections::BTreeMap, net::SocketAddr};

use annunciator_monitor::Overview;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::planned::Preview;

/// The answer to [`Request::Status`](super::Request::Status).
#[derive(Debug, Serialize, Deserialize)]
pub struct StatusAnswer {
    /// All hosts, and the monitor itself.
    #[serde(flatten)]
    pub overview: Overview,
    /// The address at which metrics are served; `None` if they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<SocketAddr>,
}

/// The answer to [`Request::Silence`](super::Request::Silence).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silenced {
    /// Whether the host was silenced before.
    pub was_silenced: bool,
}

/// The answer to [`Request::Notify`](super::Request::Notify).
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Notified {
    /// What came of the message.
    Outcome(NotifyOutcome),
    /// Who would be told.
    Preview {
        /// Of which channel when what.
        preview: Preview,
        /// What may be a mistake.
        warnings: Vec<String>,
    },
    /// Something is wrong with the call.
    Wrong {
        /// What, in a sentence.
        wrong: String,
        /// The key that was used for something else, and in what the two differ.
        #[serde(default)]
        conflict: Option<Json>,
    },
}

/// What came of a message.
#[derive(Debug, Serialize, Deserialize)]
pub struct NotifyOutcome {
    /// Whether it went as it should.
    pub delivered: bool,
    /// What came of it, for people.
    pub lines: Vec<String>,
    /// What came of it, for programs.
    pub report: ReportJson,
    /// What may be a mistake, or is out of order.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Whether its key was used before, and nothing was sent for a dry run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeats: bool,
}

/// A [`Report`](annunciator::Report) as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReportJson {
    /// Each channel, and whether it was delivered there.
    pub results: BTreeMap<String, bool>,
    /// What else the report has.
    #[serde(flatten)]
    pub more: BTreeMap<String, Json>,
}
