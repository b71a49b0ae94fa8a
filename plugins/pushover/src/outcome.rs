//! The classification table: what an answer of the service means.
//!
//! The statuses are those of <https://pushover.net/api#friendly>. The service's texts are passed on
//! without the secrets that they may contain.

use std::time::{Duration, SystemTime};

use annunciator_sdk::{Class, Fault, HttpResponse, Outcome, redacted};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::api::NoAnswer;
use crate::quota::Quota;

/// The minimum delay before a retry after an error of the service, as the service asks for.
const MIN_RETRY_DELAY: Duration = Duration::from_secs(5);

/// The service's words for the limit of messages a month, in lower case.
const MONTHLY: [&str; 3] = ["quota", "monthly", "message limit"];

/// The service's answer to a message.
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

/// Returns the outcome of a message that was answered, and the service's answer if it is one.
///
/// `secrets` are removed from all texts.
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
            "something other than Pushover answered",
        )
        .hint("check api_url, and whether a proxy or login portal is in between")
        .after(MIN_RETRY_DELAY),
        (429, answer) => too_many(target, response, answer.as_ref(), now),
        (408 | 500.., _) => {
            let problem = Outcome::retry(target, Fault::Remote, "Pushover has a temporary problem");
            let wait = response.retry_after(now).unwrap_or_default();
            let problem = problem.after(wait.max(MIN_RETRY_DELAY));
            match status {
                500.. => problem.hint("see https://status.pushover.net"),
                _ => problem,
            }
        }
        (413, _) => Outcome::permanent(
            target,
            Fault::Message,
            "the request is too large for Pushover",
        ),
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
        (_, None) => Outcome::permanent(target, Fault::Remote, "Pushover refused the request"),
    };
    let outcome = match outcome.class() {
        Class::Delivered => outcome,
        _ => outcome.code(format!("HTTP {status}")),
    };
    (outcome, answer)
}

/// Returns the outcome of a message that was refused with the status 429.
///
/// Only the service's own words or headers prove that the month's messages are used up: a proxy in
/// front of the service, and the service itself, may also ask for a pause.
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
        let outcome = Outcome::retry(target, Fault::Remote, "Pushover asks for a pause");
        return match response.retry_after(now) {
            Some(wait) => outcome.after(wait),
            None => outcome,
        };
    }
    let outcome = Outcome::retry(
        target,
        Fault::Remote,
        "the account has used up its messages for this month",
    )
    .hint("buy messages at https://pushover.net, or use another channel until next month");
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
        text if text.is_empty() => "Pushover refused the request without a reason".to_owned(),
        text => redacted(&text, secrets),
    };
    if named("token") {
        return Outcome::permanent(target, Fault::Config, detail)
            .hint("check token: it is the application's, from https://pushover.net/apps");
    }
    if named("user") {
        return Outcome::permanent(target, Fault::Recipient, detail)
            .hint("check user: it is the key of a user or group, not an e-mail address");
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

/// Returns the outcome of a request that got no answer. `secrets` are removed from all texts.
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
