//! The requests to a running monitor.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::circumstances::{Circumstances, MAX_ATTRIBUTES, MAX_TEXT_LENGTH};

/// The maximum length of a message that is read, in bytes: four times what the engine
/// accepts, so that the engine can say how much it truncated.
pub const MAX_MESSAGE_LENGTH: usize = 4 * 1024 * 1024;
/// The maximum length of a program's argument, such as a host or a title: 32 pages
/// (`MAX_ARG_STRLEN`, execve(2)).
const MAX_ARGUMENT_LENGTH: usize = 128 * 1024;
/// The maximum length of a request, in bytes, with the end of its line. Everything that
/// `hbd send` accepts fits: JSON writes a control character in six bytes (`\u0001`).
pub const MAX_REQUEST_LENGTH: usize = 6
    * (MAX_MESSAGE_LENGTH
        + 2 * MAX_ATTRIBUTES * MAX_TEXT_LENGTH
        + 2 * MAX_ARGUMENT_LENGTH
        + 64 * 1024);

/// The maximum number of lines of history and of messages in an answer: more than anybody
/// reads, and bounded in the monitor's memory.
pub const MAX_LINES: u32 = 10_000;

/// The maximum length of a silence: a year. A host that is silenced for good should not be
/// watched.
pub const MAX_SILENCE: Duration = Duration::from_secs(366 * 24 * 3600);

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// Asks for the state of all hosts and of the monitor itself.
    Status,
    /// Asks for the state of one host, with the evidence.
    Explain {
        /// The host.
        host: String,
        /// The maximum number of history lines; more than [`MAX_LINES`] are cut.
        lines: u32,
    },
    /// Suppresses a host's notifications for a while.
    Silence {
        /// The host.
        host: String,
        /// The length in seconds; 0 ends a silence.
        seconds: u64,
        /// The reason.
        why: String,
    },
    /// Sends a message to the channels of a host, or to the default channels.
    Notify {
        /// The host; `None` for the default channels.
        host: Option<String>,
        /// The text.
        message: String,
        /// The title: one line above the text.
        title: Option<String>,
        /// The severity, by its name.
        severity: String,
        /// The circumstances of the message.
        #[serde(default, skip_serializing_if = "Circumstances::is_empty")]
        circumstances: Circumstances,
        /// Whether to return only who would be notified, without sending anything.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        dry_run: bool,
    },
    /// Reloads the configuration.
    Reload,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The request was carried out, with this result.
    Done(Json),
    /// The request was refused, for this reason in words.
    Refused(String),
    /// The request is wrong, for this reason in words, such as a host that is not configured.
    Wrong(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{EventKind, circumstances::MAX_KEY_LENGTH};

    #[test]
    fn the_longest_message_fits_whatever_it_is_of() {
        let worst = |length: usize| "\u{1}".repeat(length);
        let circumstances = Circumstances {
            kind: Some(EventKind::Reminder),
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
