//! What can be asked of a running monitor.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::circumstances::Circumstances;

/// A request is not longer than this, in bytes, with the end of its line.
pub const LONGEST_REQUEST: usize = 64 * 1024;

/// As many lines of history and messages are answered: what somebody may read,
/// and what the monitor has in memory meanwhile.
pub const MOST_LINES: u32 = 10_000;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// All hosts, and the monitor itself.
    Status,
    /// One host and how it came to be as it is.
    Explain {
        /// The host.
        host: String,
        /// How many lines of history; more than [`MOST_LINES`] are cut.
        lines: u32,
    },
    /// Tells nothing of a host for a while.
    Silence {
        /// The host.
        host: String,
        /// For so many seconds; 0 ends a silence.
        seconds: u64,
        /// Why.
        why: String,
    },
    /// Sends a message to the channels of a host, or to the default ones.
    Notify {
        /// The host.
        host: Option<String>,
        /// The text.
        message: String,
        /// One line above it.
        title: Option<String>,
        /// How bad it is, by its name.
        severity: String,
        /// What else is said of it.
        #[serde(default, skip_serializing_if = "Circumstances::is_empty")]
        circumstances: Circumstances,
        /// Says who would be told, and tells nobody.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        dry_run: bool,
    },
    /// Reads the configuration again.
    Reload,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It was done; what there is to know.
    Done(Json),
    /// It was not done; why, in words for a person.
    Refused(String),
}
