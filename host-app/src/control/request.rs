//! What can be asked of a running monitor.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::circumstances::{Circumstances, MAX_ATTRIBUTES, MAX_TEXT_LENGTH};

/// As much of a message is read, in bytes: four times what the engine takes, so that it
/// can say how much it cut.
pub const MAX_MESSAGE_LENGTH: usize = 4 * 1024 * 1024;
/// The longest argument of a program: 32 pages (`MAX_ARG_STRLEN`, execve(2)). A host and
/// a title are such.
const MAX_ARGUMENT_LENGTH: usize = 128 * 1024;
/// A request is not longer than this, in bytes, with the end of its line: whatever
/// `hbd send` would take fits. JSON writes a control character in six bytes (`\u0001`).
pub const MAX_REQUEST_LENGTH: usize = 6
    * (MAX_MESSAGE_LENGTH
        + 2 * MAX_ATTRIBUTES * MAX_TEXT_LENGTH
        + 2 * MAX_ARGUMENT_LENGTH
        + 64 * 1024);

/// As many lines of history and messages are answered: what somebody may read,
/// and what the monitor has in memory meanwhile.
pub const MAX_LINES: u32 = 10_000;

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
        /// How many lines of history; more than [`MAX_LINES`] are cut.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{EventKind, circumstances::MAX_KEY_LENGTH};

    #[test]
    fn the_longest_message_fits_whatever_it_is_of() {
        let worst = |length: usize| "\u{1}".repeat(length);
        let circumstances = Circumstances {
            standing: Some(EventKind::Reminder),
            incident: Some(worst(MAX_TEXT_LENGTH)),
            key: Some(worst(MAX_KEY_LENGTH)),
            attributes: vec![(worst(MAX_TEXT_LENGTH), worst(MAX_TEXT_LENGTH)); MAX_ATTRIBUTES],
            occurred_at_ms: Some(i64::MAX),
        };
        let request = Request::Notify {
            host: Some(worst(MAX_ARGUMENT_LENGTH)),
            message: worst(MAX_MESSAGE_LENGTH),
            title: Some(worst(MAX_ARGUMENT_LENGTH)),
            severity: "critical".to_owned(),
            circumstances,
            dry_run: true,
        };
        let line = serde_json::to_vec(&request).unwrap();
        assert!(line.len() < MAX_REQUEST_LENGTH, "{}", line.len());
    }
}
