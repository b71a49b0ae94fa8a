//! What an answer of the service means: the classification table.
//!
//! Statuses by <https://pushover.net/api#friendly>; texts of the service are
//! passed on without the secrets that they may hold.

use std::time::{Duration, SystemTime};

use annunciator_sdk::{Class, Fault, HttpResponse, Outcome, redacted};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::api::NoAnswer;
use crate::quota::Quota;

/// The service asks for this pause after an error of its own.
const MIN_RETRY_DELAY: Duration = Duration::from_secs(5);

/// Words of the service about the messages of a month, in lower case.
const MONTHLY: [&str; 3] = ["quota", "monthly", "message limit"];

/// What the service says about a message.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Answer {
    #[serde(default)]
    pub(crate) status: i64,
    #[serde(default)]
    pub(crate) request: String,
    #[serde(default)]
    pub(crate) receipt: Option<String>,
    #[serde(default)]
    info: Option<String>,
    #[serde(default)]
    errors: Vec<String>,
    #[serde(flatten)]
    parameters: Map<String, Value>,
}

/// The outcome of a message that was answered.
pub(crate) fn answered(
    target: &str,
    response: &HttpResponse,
    now: SystemTime,
    secrets: &[&str],
) -> (Outcome, Option<Answer>) {
    let status = response.status();
    let answer = response.json::<Answer>().ok();
    let outcome = match (status, &answer) {
        (200, Some(answer)) if answer.status == 1 => {
            let outcome = Outcome::delivered(target).id(redacted(&answer.request, secrets));
            match &answer.info {
                Some(info) => outcome.note(redacted(info, secrets)),
                None => outcome,
            }
        }
        (200, None) => Outcome::retry(
            target,
            Fault::Remote,
            "something else than Pushover answered",
        )
        .hint("check api_url, and whether a proxy or portal stands in between")
        .after(MIN_RETRY_DELAY),
        (429, answer) => too_many(target, response, answer.as_ref(), now),
        (408 | 500.., _) => {
            let problem = Outcome::retry(target, Fault::Remote, "Pushover is in trouble");
            let wait = response.retry_after(now).unwrap_or_default();
            let problem = problem.after(wait.max(MIN_RETRY_DELAY));
            match status {
                500.. => problem.hint("see https://status.pushover.net"),
                _ => problem,
            }
        }
        (413, _) => Outcome::permanent(target, Fault::Message, "Pushover finds it too large"),
        (300..=399, _) => {
            Outcome::permanent(target, Fault::Config, "the address redirects elsewhere")
                .hint("check api_url")
        }
        (404 | 405, None) => Outcome::permanent(
            target,
            Fault::Config,
            "this is not an address of Pushover's API",
        )
        .hint("check api_url"),
        (_, Some(answer)) => refused(target, answer, secrets),
        (_, None) => Outcome::permanent(target, Fault::Remote, "Pushover refused it"),
    };
    let outcome = match outcome.class() {
        Class::Delivered => outcome,
        _ => outcome.code(format!("HTTP {status}")),
    };
    (outcome, answer)
}

/// Only the service's own words or headers say that the month's messages are used
/// up: whatever stands before it, and the service itself, may ask for a pause.
fn too_many(
    target: &str,
    response: &HttpResponse,
    answer: Option<&Answer>,
    now: SystemTime,
) -> Outcome {
    let quota = Quota::read(response);
    let says_so = |error: &String| {
        let error = error.to_ascii_lowercase();
        MONTHLY.iter().any(|word| error.contains(word))
    };
    let is_said = answer.is_some_and(|answer| answer.errors.iter().any(says_so));
    let is_used_up = quota.map_or(is_said, |quota| quota.remaining == 0);
    if !is_used_up {
        let outcome = Outcome::retry(target, Fault::Remote, "it asks for a pause");
        return match response.retry_after(now) {
            Some(wait) => outcome.after(wait),
            None => outcome,
        };
    }
    let outcome = Outcome::retry(
        target,
        Fault::Remote,
        "the account has used up its messages of this month",
    )
    .hint("buy messages at https://pushover.net, or use another channel until then");
    match quota {
        Some(quota) => outcome.after(quota.wait(now)).note(quota.note(now)),
        None => match response.retry_after(now) {
            Some(wait) => outcome.after(wait),
            None => outcome,
        },
    }
}

fn refused(target: &str, answer: &Answer, secrets: &[&str]) -> Outcome {
    let named = |name: &str| answer.parameters.contains_key(name);
    let detail = match answer.errors.join("; ") {
        text if text.is_empty() => "Pushover refused it without a reason".to_owned(),
        text => redacted(&text, secrets),
    };
    if named("token") {
        return Outcome::permanent(target, Fault::Config, detail)
            .hint("check token: it is the application's, from https://pushover.net/apps");
    }
    if named("user") {
        return Outcome::permanent(target, Fault::Recipient, detail)
            .hint("check user: it is the key of a user or group, no e-mail address");
    }
    if named("message") {
        return Outcome::permanent(target, Fault::Message, detail);
    }
    let settings = [
        "device",
        "sound",
        "priority",
        "retry",
        "expire",
        "callback",
        "tags",
        "url",
        "url_title",
        "ttl",
        "html",
        "monospace",
        "title",
        "timestamp",
    ];
    match settings.iter().find(|name| named(name)) {
        Some(name) => Outcome::permanent(target, Fault::Config, detail)
            .hint(format!("check {name} in the channel's settings")),
        None => Outcome::permanent(target, Fault::Config, detail),
    }
}

/// The outcome of a request that got no answer.
pub(crate) fn unanswered(target: &str, why: &NoAnswer, secrets: &[&str]) -> Outcome {
    let error = match why {
        NoAnswer::Failed(error) => error,
        NoAnswer::Late => {
            return Outcome::retry(target, Fault::Remote, why).hint(
                "Pushover answered too slowly; a longer delivery.timeout of the channel may help",
            );
        }
    };
    let outcome = error.redacted_outcome(target, secrets);
    match outcome.class() {
        Class::Unknown => outcome.after(MIN_RETRY_DELAY),
        _ => outcome,
    }
}
