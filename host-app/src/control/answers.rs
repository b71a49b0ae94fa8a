//! The answers of a running monitor, command by command.
//!
//! [`ask`](super::ask) returns an answer as JSON, so that `--json` prints everything that
//! the monitor says. Both ends use these types to write and read it.

use std::{collections::BTreeMap, net::SocketAddr};

use annunciator_monitor::Overview;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::planned::Preview;

/// The answer to [`Request::Status`](super::Request::Status).
#[derive(Debug, Serialize, Deserialize)]
pub struct StatusAnswer {
    /// The state of all hosts and of the monitor itself.
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
    /// The message was accepted, with this outcome.
    Outcome(NotifyOutcome),
    /// The preview of a dry run.
    Preview {
        /// What would be sent to each channel, and when.
        preview: Preview,
        /// Warnings about possible mistakes.
        warnings: Vec<String>,
    },
    /// The call has a mistake.
    Wrong {
        /// The mistake, in a sentence.
        wrong: String,
        /// The key that was used for another message, and how the two differ.
        #[serde(default)]
        conflict: Option<Json>,
    },
}

/// The outcome of a message.
#[derive(Debug, Serialize, Deserialize)]
pub struct NotifyOutcome {
    /// Whether the outcome is as expected.
    pub delivered: bool,
    /// The outcome in lines for people.
    pub lines: Vec<String>,
    /// The outcome for programs.
    pub report: ReportJson,
    /// Warnings about possible mistakes and about problems.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Whether its key was used before, so that the dry run sent nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeats: bool,
}

/// A [`Report`](annunciator::Report) as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReportJson {
    /// The channels, with whether the message was delivered there.
    pub results: BTreeMap<String, bool>,
    /// The other members of the report.
    #[serde(flatten)]
    pub more: BTreeMap<String, Json>,
}
