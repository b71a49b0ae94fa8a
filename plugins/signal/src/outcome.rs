//! Decides what signal-cli's answer means for a target: its class (delivered, retry, permanent or
//! unknown), who can fix a failure, and with which command.
//!
//! If there are results, they decide. They take precedence over an exit status and a code: for
//! signal-cli, one success among failures is a success, and "user error" includes a network that is
//! down.

use std::{io::ErrorKind, time::Duration};

use annunciator_sdk::{Class, Fault, Outcome};

use crate::{
    refusal::{refused, typed},
    reply::{Answer, Failure, Member, Response},
    target::Target,
};

/// The delay before the next attempt after a rate limit without a duration. Signal often means a
/// day (signal-cli issue 1161), but lifts some limits within the hour.
pub(crate) const RATE_LIMIT_DELAY: Duration = Duration::from_secs(3600);
/// The delay before the next attempt after keys could not be used. They may be replaced meanwhile.
const BAD_KEYS_DELAY: Duration = Duration::from_secs(300);

/// A verdict on one result or failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) class: Class,
    fault: Fault,
    detail: String,
    pub(crate) hint: String,
    code: String,
    wait: Option<Duration>,
}

impl Verdict {
    pub(crate) fn new(
        class: Class,
        fault: Fault,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
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

    pub(crate) fn wait(self, wait: Duration) -> Self {
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

/// Returns the outcomes of one call, in the order of its targets.
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
    // If a recipient hides the phone number, the result has an ID only. With a single target, it
    // can be nobody else's.
    let only = (targets == 1 && results.len() == 1).then(|| &results[0]);
    match (own.or(only), failure) {
        (Some(result), _) => member(user, result).outcome(name),
        (None, Some(failure)) => judge(user, failure).outcome(name),
        // In some versions, a note to self has no result.
        (None, None) if *target == Target::NoteToSelf => Outcome::delivered(name),
        (None, None) => Verdict::new(
            Class::Unknown,
            Fault::Remote,
            "signal-cli reported success, but no result for this recipient",
            "ask the recipient before you send the message again",
        )
        .outcome(name),
    }
}

/// Returns the outcome of a group, which is one target: a retry would send the message again to
/// those who have it.
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
                format!(
                    "{who} did not get it: {} ({})",
                    verdict.detail, verdict.hint
                )
            })
            .collect();
        if verdicts.is_empty() {
            notes.push("the group has no other members".to_owned());
        }
        return Outcome::delivered(name).notes(notes);
    }
    // Nobody has the message. If one member may get it later, a retry is worthwhile.
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

/// Returns the verdict on the result for one recipient.
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
                "compare the safety number (`signal-cli -a {account} listIdentities -n {who}`), then \
                 run `signal-cli -a {account} trust -v SAFETY_NUMBER {who}`",
                account = typed(user),
                who = typed(who),
            ),
        ),
        "INVALID_PRE_KEY_FAILURE" => Verdict::new(
            Retry,
            Fault::Remote,
            "the recipient's keys could not be used",
            "a retry may succeed; otherwise the recipient has to open Signal",
        )
        .wait(BAD_KEYS_DELAY),
        other => Verdict::new(
            Unknown,
            Fault::Remote,
            format!("signal-cli answered {other:?}, which this plugin does not know"),
            "use a newer version of the plugin",
        ),
    };
    verdict.code(result.kind.chars().take(60).collect::<String>())
}

fn rate_limit(user: &str, result: &Member) -> Verdict {
    let wait = result
        .retry_after_seconds
        .map_or(RATE_LIMIT_DELAY, Duration::from_secs);
    let hint = match &result.token {
        Some(token) => format!(
            "solve the CAPTCHA at https://signalcaptchas.org/challenge/generate.html, then run \
             `signal-cli -a {} submitRateLimitChallenge --challenge {} --captcha RESULT`",
            typed(user),
            typed(token)
        ),
        None => "send fewer messages, or send to one group instead of many recipients".to_owned(),
    };
    let detail = "Signal limits how much this account sends";
    Verdict::new(Class::Retry, Fault::Remote, detail, hint).wait(wait)
}

/// Returns the verdict on a call that failed without results.
fn judge(user: &str, failure: &Failure) -> Verdict {
    use Class::{Retry, Unknown};

    let again = "check the recipient's Signal app, if possible, before you send the message again";
    match failure {
        Failure::Refused { code, message, .. } => {
            refused(user, *code, message).code(code.to_string())
        }
        // Nothing was sent. The program may be missing only while it is being replaced.
        Failure::NotStarted { text, why } => Verdict::new(
            Retry,
            Fault::Config,
            format!("signal-cli was not started: {text}"),
            match why {
                ErrorKind::NotFound => {
                    "install signal-cli, and set `cli_path` to its absolute path"
                }
                ErrorKind::PermissionDenied => {
                    "give the user that runs this program the permission to execute `cli_path`"
                }
                _ => "",
            },
        ),
        Failure::Java(problem) => {
            Verdict::new(Retry, Fault::Config, problem.to_string(), problem.hint())
        }
        Failure::NotReached(text) => Verdict::new(
            Retry,
            Fault::Network,
            format!("signal-cli's daemon was not reached: {text}"),
            "check `rpc`, and that the daemon is running",
        ),
        Failure::NoTime => Verdict::new(
            Retry,
            Fault::Remote,
            "signal-cli was busy with other messages until the timeout",
            "use a daemon (`rpc`), which sends several messages concurrently",
        ),
        Failure::Lost(text) => Verdict::new(Unknown, Fault::Remote, text, again),
        Failure::TimedOut(text) => Verdict::new(Unknown, Fault::Remote, *text, again),
        Failure::Garbage(text) => Verdict::new(
            Unknown,
            Fault::Remote,
            format!("the answer is not from signal-cli: {text:?}"),
            "check that `cli_path` or `rpc` is that of signal-cli",
        ),
        Failure::Status { status, wait } => by_status(*status, *wait),
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

/// Returns the verdict on a status of the daemon's HTTP server, or of a proxy in front of it.
fn by_status(status: u16, wait: Option<Duration>) -> Verdict {
    let (class, fault) = match status {
        // The message was not accepted, by RFC 9110, RFC 4918 and RFC 6585.
        408 | 423 | 425 | 429 => (Class::Retry, Fault::Remote),
        500.. => (Class::Unknown, Fault::Config),
        _ => (Class::Permanent, Fault::Config),
    };
    let hint = match status {
        404 | 405 => "check the address in `rpc`; its path is /api/v1/rpc",
        _ => "",
    };
    let detail = format!("the daemon answered with HTTP status {status}");
    let verdict = Verdict::new(class, fault, detail, hint).code(format!("HTTP {status}"));
    match wait.filter(|_| class != Class::Permanent) {
        Some(wait) => verdict.wait(wait),
        None => verdict,
    }
}

/// Explains a failure for a check: returns who can fix it, what it is, and what to do.
pub(crate) fn explain(user: &str, failure: &Failure) -> (Fault, String, String) {
    let verdict = judge(user, failure);
    (verdict.fault, verdict.detail, verdict.hint)
}
