//! What signal-cli answers to `send`, over either way: results by recipient,
//! or a failure.

use std::{io::ErrorKind, time::Duration};

use annunciator_sdk::HostError;
use serde::Deserialize;
use serde_json::Value;

use crate::java::JavaProblem;

/// A good answer, or the part of a failure that says who got it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Response {
    /// The message's own time in milliseconds, which is also its id.
    pub(crate) timestamp: Option<u64>,
    /// One for each recipient; versions before 0.11 have none.
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

/// Who it was, by all names that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Address {
    pub(crate) uuid: Option<String>,
    pub(crate) number: Option<String>,
    pub(crate) username: Option<String>,
}

impl Address {
    /// The name that a person knows best.
    pub(crate) fn shown(&self) -> &str {
        [&self.number, &self.username, &self.uuid]
            .into_iter()
            .find_map(|name| name.as_deref())
            .unwrap_or("somebody")
    }

    /// Whether a recipient of the configuration is this one.
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

/// Why there is no good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// signal-cli refused or failed: its JSON-RPC code, its words, and who
    /// got it all the same.
    Refused {
        code: i64,
        message: String,
        response: Option<Response>,
    },
    /// The program could not be started.
    NotStarted {
        /// Its path, and what the system says.
        text: String,
        why: ErrorKind,
    },
    /// It was started, and Java could not run it.
    Java(JavaProblem),
    /// The daemon could not be reached; nothing was sent.
    NotReached(String),
    /// There was no time left to begin.
    NoTime,
    /// The line or the program ended before there was an answer.
    Lost(String),
    /// No answer came in time.
    TimedOut(&'static str),
    /// The answer can't be understood.
    Garbage(String),
    /// The daemon's http server answered with another status than 200.
    Status {
        /// Which.
        status: u16,
        /// How long it wants to be left alone, if it says so.
        wait: Option<Duration>,
    },
    /// The host could not make the request, or read no answer.
    Host(HostError),
}

/// Either.
pub(crate) type Answer = Result<Response, Failure>;

/// Reads the object that answers a JSON-RPC request.
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

/// The beginning of a text of unknown length, on one line.
pub(crate) fn beginning(text: &str) -> String {
    let line = text.trim().replace(['\n', '\r', '\t'], " ");
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}
