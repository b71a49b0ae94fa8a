//! Reads what signal-cli answers to `send`, as a program or as a daemon: results for each
//! recipient, or a failure.

use std::{io::ErrorKind, time::Duration};

use annunciator_sdk::HostError;
use serde::Deserialize;
use serde_json::Value;

use crate::java::JavaProblem;

/// The answer to a successful call, or the part of a failure that says who got the message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Response {
    /// The message's timestamp in milliseconds, which is also its ID.
    pub(crate) timestamp: Option<u64>,
    /// One result for each recipient. Versions before 0.11 have none.
    pub(crate) results: Option<Vec<Member>>,
}

/// The result for one recipient, or for one member of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Member {
    #[serde(default)]
    pub(crate) recipient_address: Address,
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
    pub(crate) token: Option<String>,
    pub(crate) retry_after_seconds: Option<u64>,
}

/// A recipient, by all names that signal-cli knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Address {
    pub(crate) uuid: Option<String>,
    pub(crate) number: Option<String>,
    pub(crate) username: Option<String>,
}

impl Address {
    /// Returns the name that people know best.
    pub(crate) fn shown(&self) -> &str {
        [&self.number, &self.username, &self.uuid]
            .into_iter()
            .find_map(|name| name.as_deref())
            .unwrap_or("somebody")
    }

    /// Returns whether a recipient of the configuration is this one.
    pub(crate) fn is(&self, recipient: &str) -> bool {
        let bare = recipient.strip_prefix("u:").unwrap_or(recipient);
        let bare = bare.strip_prefix("PNI:").unwrap_or(bare);
        [&self.number, &self.username, &self.uuid]
            .into_iter()
            .flatten()
            .any(|name| {
                name.eq_ignore_ascii_case(bare)
                    || name
                        .strip_prefix("PNI:")
                        .is_some_and(|id| id.eq_ignore_ascii_case(bare))
            })
    }
}

/// The reason why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// signal-cli refused or failed: the JSON-RPC code, the error's text, and who got the message
    /// all the same.
    Refused {
        code: i64,
        message: String,
        response: Option<Response>,
    },
    /// The program could not be started.
    NotStarted {
        /// The program's path and the system's error, or its exit status and message.
        text: String,
        why: ErrorKind,
    },
    /// The program was started, but Java could not run it.
    Java(JavaProblem),
    /// The daemon could not be reached. Nothing was sent.
    NotReached(String),
    /// There was no time left to begin.
    NoTime,
    /// The connection or the program ended before there was an answer.
    Lost(String),
    /// There was no answer in time.
    TimedOut(&'static str),
    /// The answer cannot be parsed. This is its beginning.
    Garbage(String),
    /// The daemon's HTTP server answered with a status other than 200.
    Status {
        /// The status.
        status: u16,
        /// How long the server asked to wait before the next attempt, if it did.
        wait: Option<Duration>,
    },
    /// The host could not make the request, or read no answer.
    Host(HostError),
}

/// The answer to `send`.
pub(crate) type Answer = Result<Response, Failure>;

/// Reads the response to a JSON-RPC request, and returns its result.
pub(crate) fn read_rpc(answer: &Value) -> Result<Value, Failure> {
    if let Some(result) = answer.get("result") {
        return Ok(result.clone());
    }
    let Some(error) = answer.get("error") else {
        return Err(Failure::Garbage(beginning(&answer.to_string())));
    };
    let message = error.get("message").and_then(Value::as_str);
    Err(Failure::Refused {
        code: error
            .get("code")
            .and_then(Value::as_i64)
            .unwrap_or_default(),
        message: beginning(message.unwrap_or_default()),
        response: error
            .pointer("/data/response")
            .and_then(|response| serde_json::from_value(response.clone()).ok()),
    })
}

/// Reads a result of `send`.
pub(crate) fn read_response(result: Value) -> Answer {
    let text = beginning(&result.to_string());
    serde_json::from_value(result).map_err(|_| Failure::Garbage(text))
}

/// Returns the beginning of a text of any length, on one line.
pub(crate) fn beginning(text: &str) -> String {
    let line = text.trim().replace(['\n', '\r', '\t'], " ");
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}
