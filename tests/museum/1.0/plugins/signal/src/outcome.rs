//! What signal-cli's answer means for a target: delivered, another try,
//! never, or nobody knows; whose fault it is; what to type.
//!
//! The results decide where there are any. Neither an exit status nor a code
//! is trusted before them: one success among failures is a success to
//! signal-cli, and "user error" also covers a network that is down.

use std::time::Duration;

use annunciator_sdk::{Class, Fault, Outcome};

use crate::{
    reply::{Answer, Failure, Member, Response},
    target::Target,
};

/// How long to wait after a rate limit that doesn't say. Signal often means
/// a day (signal-cli issue 1161), but lifts some limits within the hour.
const RATE_LIMITED: Duration = Duration::from_secs(3600);
/// How long to wait after keys could not be used; they may be replaced.
const BAD_KEYS: Duration = Duration::from_secs(300);

/// A verdict on one result or failure.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Verdict {
    class: Class,
    fault: Fault,
    detail: String,
    hint: String,
    code: String,
    wait: Option<Duration>,
}

impl Verdict {
    fn new(class: Class, fault: Fault, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            class,
            fault,
            detail: detail.into(),
            hint: hint.into(),
            code: String::new(),
            wait: None,
        }
    }

    fn code(self, code: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            ..self
        }
    }

    fn wait(self, wait: Duration) -> Self {
        Self {
            wait: Some(wait),
            ..self
        }
    }

    fn outcome(self, target: &str) -> Outcome {
        let outcome = match self.class {
            Class::Delivered => Outcome::delivered(target),
            Class::Retry => Outcome::retry(target, self.fault, self.detail),
            Class::Permanent => Outcome::permanent(target, self.fault, self.detail),
            Class::Unknown => Outcome::unknown(target, self.fault, self.detail),
        };
        let outcome = outcome.code(self.code).hint(self.hint);
        match self.wait {
            Some(wait) => outcome.after(wait),
            None => outcome,
        }
    }
}

/// The outcomes of one call, in its targets' order.
pub(crate) fn outcomes(
    user: &str,
    targets: &[Target],
    answer: &Answer,
    notes: &[String],
) -> Vec<Outcome> {
    let (response, failure) = match answer {
        Ok(response) => (Some(response), None),
        Err(failure) => match failure {
            Failure::Refused {
                response: Some(response),
                ..
            } => (Some(response), Some(failure)),
            _ => (None, Some(failure)),
        },
    };
    let results = response.and_then(|response| response.results.as_ref());
    targets
        .iter()
        .map(|target| {
            let name = target.name();
            let outcome = match (results, failure) {
                (Some(results), _) => {
                    by_results(user, target, &name, targets.len(), results, failure)
                }
                (None, Some(failure)) => judge(user, failure).outcome(&name),
                (None, None) => Outcome::delivered(&name),
            };
            let outcome = match response.and_then(|response: &Response| response.timestamp) {
                Some(timestamp) => outcome.id(timestamp.to_string()),
                None => outcome,
            };
            outcome.notes(notes.to_vec())
        })
        .collect()
}

fn by_results(
    user: &str,
    target: &Target,
    name: &str,
    targets: usize,
    results: &[Member],
    failure: Option<&Failure>,
) -> Outcome {
    if matches!(target, Target::Group(_)) {
        return group(user, name, results, failure);
    }
    let own = match target {
        Target::Recipient(text) | Target::Username(text) => results
            .iter()
            .find(|result| result.recipient_address.is(text)),
        _ => results
            .iter()
            .find(|result| result.recipient_address.is(user)),
    };
    // A number that hides its owner comes back as an id only: with a single
    // target it can be nobody else.
    let only = (targets == 1 && results.len() == 1).then(|| &results[0]);
    match (own.or(only), failure) {
        (Some(result), _) => member(user, result).outcome(name),
        (None, Some(failure)) => judge(user, failure).outcome(name),
        // A note to self has no result of its own in some versions.
        (None, None) if *target == Target::NoteToSelf => Outcome::delivered(name),
        (None, None) => Verdict::new(
            Class::Unknown,
            Fault::Remote,
            "signal-cli reported success, but no result for this recipient",
            "ask the recipient, before it is sent again",
        )
        .outcome(name),
    }
}

/// A group is one target: a repeat would reach again those who have it.
fn group(user: &str, name: &str, results: &[Member], failure: Option<&Failure>) -> Outcome {
    let verdicts: Vec<(&Member, Verdict)> = results
        .iter()
        .map(|result| (result, member(user, result)))
        .collect();
    let failed = |verdict: &Verdict| verdict.class != Class::Delivered;
    let reached = verdicts.iter().any(|(_, verdict)| !failed(verdict));
    if reached || (verdicts.is_empty() && failure.is_none()) {
        let mut notes: Vec<String> = verdicts
            .iter()
            .filter(|(_, verdict)| failed(verdict))
            .map(|(result, verdict)| {
                let who = result.recipient_address.shown();
                format!("{who} didn't get it: {} ({})", verdict.detail, verdict.hint)
            })
            .collect();
        if verdicts.is_empty() {
            notes.push("the group has no other members".to_owned());
        }
        return Outcome::delivered(name).notes(notes);
    }
    // Nobody has it: as long as one member may get it later, it is worth it.
    let wait = verdicts
        .iter()
        .filter_map(|(_, verdict)| verdict.wait)
        .max();
    let first = verdicts
        .into_iter()
        .map(|(_, verdict)| verdict)
        .min_by_key(|verdict| verdict.class != Class::Retry);
    match (first, failure) {
        (Some(verdict), _) => Verdict { wait, ..verdict }.outcome(name),
        (None, Some(failure)) => judge(user, failure).outcome(name),
        (None, None) => Outcome::delivered(name),
    }
}

/// The verdict on one recipient's result.
fn member(user: &str, result: &Member) -> Verdict {
    use Class::{Delivered, Permanent, Retry, Unknown};

    let who = result.recipient_address.shown();
    let verdict = match result.kind.as_str() {
        "SUCCESS" => Verdict::new(Delivered, Fault::Remote, "", ""),
        "NETWORK_FAILURE" => Verdict::new(
            Retry,
            Fault::Network,
            "Signal's server was not reached",
            "check this machine's network",
        ),
        "RATE_LIMIT_FAILURE" => rate_limit(user, result),
        "UNREGISTERED_FAILURE" => Verdict::new(
            Permanent,
            Fault::Recipient,
            "the recipient is not registered with Signal",
            "check the number or name",
        ),
        "IDENTITY_FAILURE" => Verdict::new(
            Permanent,
            Fault::Recipient,
            "the recipient's key has changed and is not trusted",
            format!(
                "compare the safety number (`signal-cli -a {user} listIdentities -n {who}`), then \
                 type `signal-cli -a {user} trust -v SAFETY_NUMBER {who}`"
            ),
        ),
        "INVALID_PRE_KEY_FAILURE" => Verdict::new(
            Retry,
            Fault::Remote,
            "the recipient's keys could not be used",
            "it may pass; else the recipient has to open Signal",
        )
        .wait(BAD_KEYS),
        other => Verdict::new(
            Unknown,
            Fault::Remote,
            format!("signal-cli answered {other:?}, which this plugin doesn't know"),
            "use a newer version of the plugin",
        ),
    };
    verdict.code(result.kind.chars().take(60).collect::<String>())
}

fn rate_limit(user: &str, result: &Member) -> Verdict {
    let wait = result
        .retry_after_seconds
        .map_or(RATE_LIMITED, Duration::from_secs);
    let hint = match &result.token {
        Some(token) => format!(
            "solve the CAPTCHA at https://signalcaptchas.org/challenge/generate.html, then type \
             `signal-cli -a {user} submitRateLimitChallenge --challenge {token} --captcha RESULT`"
        ),
        None => "send less, or to one group instead of many recipients".to_owned(),
    };
    let detail = "Signal limits how much this account sends";
    Verdict::new(Class::Retry, Fault::Remote, detail, hint).wait(wait)
}

/// The verdict on a call that failed without results.
fn judge(user: &str, failure: &Failure) -> Verdict {
    use Class::{Permanent, Retry, Unknown};

    let again = "look at the recipient's Signal, if you can, before it is sent again";
    match failure {
        Failure::Refused { code, message, .. } => {
            refused(user, *code, message).code(code.to_string())
        }
        Failure::NotStarted(text) => Verdict::new(
            Permanent,
            Fault::Config,
            format!("signal-cli was not started: {text}"),
            "install signal-cli, and name its full path in `cli_path`",
        ),
        Failure::NotReached(text) => Verdict::new(
            Retry,
            Fault::Network,
            format!("signal-cli's daemon was not reached: {text}"),
            "check `rpc`, and that the daemon runs",
        ),
        Failure::NoTime => Verdict::new(
            Retry,
            Fault::Remote,
            "signal-cli was busy with other messages until the time was over",
            "use a daemon (`rpc`), which sends several at once",
        ),
        Failure::Lost(text) => Verdict::new(Unknown, Fault::Remote, text, again),
        Failure::TimedOut(text) => Verdict::new(
            Unknown,
            Fault::Remote,
            *text,
            "another signal-cli may hold the account's data; a daemon (`rpc`) is quicker",
        ),
        Failure::Garbage(text) => Verdict::new(
            Unknown,
            Fault::Remote,
            format!("the answer is no answer of signal-cli: {text:?}"),
            "check that `cli_path` or `rpc` is signal-cli's",
        ),
        Failure::Status(status) => Verdict::new(
            if *status >= 500 { Unknown } else { Permanent },
            Fault::Config,
            format!("the daemon answered with HTTP status {status}"),
            "check the address in `rpc`; its path is /api/v1/rpc",
        )
        .code(format!("HTTP {status}")),
        Failure::Host(error) => {
            let outcome = error.outcome("");
            Verdict::new(
                outcome.class(),
                outcome.fault().unwrap_or(Fault::Network),
                error.to_string(),
                outcome.raw().hint.as_str(),
            )
        }
    }
}

fn refused(user: &str, code: i64, message: &str) -> Verdict {
    use Class::{Permanent, Retry, Unknown};

    let lower = message.to_ascii_lowercase();
    let said = format!("signal-cli answered: {message}");
    let limited = lower.contains("[429]") || lower.contains("[413]") || lower.contains("ratelimit");
    match code {
        -32603 if limited => Verdict::new(
            // Parts of it may have been sent (signal-cli issue 2071).
            Unknown,
            Fault::Remote,
            said,
            "Signal limits how much this account sends; some may have got it",
        )
        .wait(RATE_LIMITED),
        -32603 if lower.contains("attachment") => {
            Verdict::new(Permanent, Fault::Message, said, "check the attachment")
        }
        -32603 | -3 => Verdict::new(Retry, Fault::Remote, said, "check this machine's network"),
        -4 => Verdict::new(
            Permanent,
            Fault::Recipient,
            said,
            format!(
                "compare the safety numbers (`signal-cli -a {user} listIdentities`), then type \
                 `signal-cli -a {user} trust -v SAFETY_NUMBER RECIPIENT`"
            ),
        ),
        -5 => Verdict::new(
            Retry,
            Fault::Remote,
            said,
            "send less, or to one group instead of many recipients",
        )
        .wait(RATE_LIMITED),
        -6 => Verdict::new(Permanent, Fault::Config, said, "solve a new CAPTCHA"),
        -32602 if lower.contains("account") => Verdict::new(
            Permanent,
            Fault::Config,
            said,
            format!("the daemon doesn't know {user}: check `user`, or register it and restart"),
        ),
        -32602 if lower.contains("--no-urgent") => Verdict::new(
            Permanent,
            Fault::Config,
            said,
            "`silent` needs signal-cli 0.14: remove it, or use a newer signal-cli",
        ),
        -32700..=-32600 => Verdict::new(
            Permanent,
            Fault::Config,
            said,
            "use a version of signal-cli that this plugin knows (0.13 or 0.14)",
        ),
        _ if lower.contains("not registered") || lower.contains("no local users") => Verdict::new(
            Permanent,
            Fault::Config,
            said,
            format!("type `signal-cli -a {user} register`, then `verify CODE`, or link a device"),
        ),
        _ if lower.contains("group") => Verdict::new(
            Permanent,
            Fault::Recipient,
            said,
            format!(
                "`signal-cli -a {user} listGroups` shows the ids; the account must be a member"
            ),
        ),
        _ => Verdict::new(Permanent, Fault::Recipient, said, "check the recipient"),
    }
}

/// A failure as a check tells it: whose fault, what, and what to do.
pub(crate) fn explain(user: &str, failure: &Failure) -> (Fault, String, String) {
    let verdict = judge(user, failure);
    (verdict.fault, verdict.detail, verdict.hint)
}
