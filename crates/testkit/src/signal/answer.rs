//! signal-cli's answer to a `send`: the results by recipient, and the error that it makes of
//! them.
//!
//! As in its code, a call succeeds if one recipient succeeded or there was none. If all failed,
//! only identity failures are -4, only rate limits -5, and any other mixture of failures is a
//! user error.

use serde_json::{Value, json};

use super::request::Send;
use super::script::{ResultType, Script, Verdict};

/// The timestamp of every sent message, in milliseconds.
pub(crate) const TIMESTAMP: u64 = 1_767_323_045_123;

/// A failed call: the JSON-RPC code, the text, and the results if there are any.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failed {
    pub(crate) code: i64,
    pub(crate) message: String,
    pub(crate) response: Option<Value>,
}

impl Failed {
    pub(crate) fn new(code: i64, message: &str) -> Self {
        Self {
            code,
            message: message.to_owned(),
            response: None,
        }
    }

    /// Returns the exit status of the executable for this failure.
    pub(crate) fn exit(&self) -> u8 {
        match self.code {
            -3 => 3,
            -4 => 4,
            -5 => 5,
            -6 => 6,
            -32603 => 2,
            _ => 1,
        }
    }
}

/// Answers a send that reached the server.
pub(crate) fn answer(script: &Script, send: &Send) -> Result<Value, Failed> {
    if let Some(refusal) = send.refusal() {
        return Err(Failed::new(-1, &refusal));
    }
    let mut results = Vec::new();
    let mut kinds = Vec::new();
    let mut add = |address: Value, group: Option<&String>, verdict: &Verdict| {
        let kind = serde_json::to_value(verdict.kind).unwrap_or_default();
        let mut result = json!({ "recipientAddress": address, "type": kind });
        if let Some(group) = group {
            result["groupId"] = json!(group);
        }
        if let Some(token) = &verdict.token {
            result["token"] = json!(token);
        }
        let known = verdict.token.is_some() || !script.stale;
        if let Some(seconds) = verdict.retry_after_seconds.filter(|_| known) {
            result["retryAfterSeconds"] = json!(seconds);
        }
        results.push(result);
        kinds.push(verdict.kind);
    };
    let success = Verdict::default();
    for recipient in &send.recipients {
        let verdict = script.recipients.get(recipient).unwrap_or(&success);
        add(address_of(recipient), None, verdict);
    }
    for username in &send.usernames {
        let verdict = script.recipients.get(username).unwrap_or(&success);
        add(address_of(&format!("u:{username}")), None, verdict);
    }
    if send.note_to_self {
        let own = send.account.clone().unwrap_or_default();
        add(address_of(&own), None, &success);
    }
    for group in &send.groups {
        let Some(members) = script.groups.get(group) else {
            return Err(Failed::new(-1, "Failed to send message: Group not found"));
        };
        for (member, verdict) in members {
            add(address_of(member), Some(group), verdict);
        }
    }
    let response = json!({ "timestamp": TIMESTAMP, "results": results });
    if kinds.is_empty() || kinds.contains(&ResultType::Success) {
        return Ok(response);
    }
    let all = |kind| kinds.iter().all(|seen| *seen == kind);
    let (code, message) = if all(ResultType::IdentityFailure) {
        (-4, "Failed to send message due to untrusted identities")
    } else if all(ResultType::RateLimitFailure) {
        (-5, "Failed to send message due to rate limiting")
    } else {
        (-1, "Failed to send message")
    };
    Err(Failed {
        code,
        message: message.to_owned(),
        response: Some(response),
    })
}

fn address_of(recipient: &str) -> Value {
    let hidden = "00000000-0000-4000-8000-0000000000aa";
    if let Some(name) = recipient.strip_prefix("u:") {
        json!({ "uuid": hidden, "number": null, "username": name })
    } else if recipient.starts_with('+') {
        json!({ "uuid": hidden, "number": recipient, "username": null })
    } else {
        json!({ "uuid": recipient, "number": null, "username": null })
    }
}
