//! The outcome of a request: by its status as HTTP defines it, by the settings where they differ,
//! and by the answer.

use std::time::SystemTime;

use annunciator_sdk::{Fault, HttpResponse, Outcome, redacted};

use crate::{
    answer,
    config::{Config, Meaning},
};

/// One row of the classification table.
struct Row {
    meaning: Meaning,
    fault: Fault,
    sentence: &'static str,
    hint: &'static str,
}

fn row(meaning: Meaning, fault: Fault, sentence: &'static str, hint: &'static str) -> Row {
    Row {
        meaning,
        fault,
        sentence,
        hint,
    }
}

/// Returns the row of a status, as HTTP defines it:
/// <https://www.rfc-editor.org/rfc/rfc9110#section-15>.
fn by_status(status: u16) -> Row {
    use Meaning::{Delivered, Permanent, Retry};
    match status {
        200..=299 => row(
            Delivered,
            Fault::Remote,
            "the service accepted the message",
            "",
        ),
        300..=399 => row(
            Permanent,
            Fault::Config,
            "the address redirects elsewhere",
            "set url to the address that it redirects to",
        ),
        401 => row(
            Permanent,
            Fault::Config,
            "the service requires other credentials",
            "check the token in headers or secrets: it may have been revoked",
        ),
        407 => row(Permanent, Fault::Config, "a proxy requires a login", ""),
        403 => row(
            Permanent,
            Fault::Config,
            "the service does not allow this",
            "check the permissions of the token",
        ),
        404 | 405 | 410 => row(
            Permanent,
            Fault::Config,
            "the service has no such address or method",
            "check url and method: the webhook may have been deleted",
        ),
        408 | 423 | 425 | 429 => row(Retry, Fault::Remote, "the service asks for a pause", ""),
        413 | 414 | 431 => row(
            Permanent,
            Fault::Message,
            "the request is too large for the service",
            "",
        ),
        501 | 505 => row(
            Permanent,
            Fault::Config,
            "the service does not support this request",
            "check url and method",
        ),
        500.. => row(
            Retry,
            Fault::Remote,
            "the service has a temporary problem",
            "",
        ),
        400 | 415 | 422 => row(
            Permanent,
            Fault::Message,
            "the service does not understand the request",
            "compare body and content_type with the service's documentation",
        ),
        _ => row(
            Permanent,
            Fault::Message,
            "the service refused the request",
            "",
        ),
    }
}

/// Returns the row of a status, with its meaning by the settings if they have one for the status or
/// for its class.
fn by_settings(config: &Config, status: u16) -> Row {
    let configured = config
        .statuses
        .get(&status.to_string())
        .or_else(|| config.statuses.get(&format!("{}xx", status / 100)));
    let mut row = by_status(status);
    if matches!(status, 401 | 403) && !config.has_token() {
        row.hint = "";
    }
    match configured {
        Some(meaning) if *meaning != row.meaning => Row {
            meaning: *meaning,
            fault: Fault::Remote,
            sentence: match meaning {
                Meaning::Delivered => "",
                Meaning::Retry => "by `statuses`, this status means a retry",
                Meaning::Permanent => "the service refused the request",
                Meaning::Unknown => {
                    "by `statuses`, this status does not show whether the message arrived"
                }
            },
            hint: "",
        },
        _ => row,
    }
}

/// Returns the outcome of a request that was answered. `secrets` are removed from all texts.
pub(crate) fn of_answer(
    target: &str,
    config: &Config,
    response: &HttpResponse,
    now: SystemTime,
    secrets: &[String],
) -> Outcome {
    let status = response.status();
    let mut row = by_settings(config, status);
    let values = answer::values(response);
    let says = &config.answer;
    if row.meaning == Meaning::Delivered && says.success(&values) == Some(false) {
        row = Row {
            meaning: Meaning::Permanent,
            fault: Fault::Remote,
            sentence: "the service answered that it did not accept the message",
            hint: "",
        };
    }
    if row.meaning != Meaning::Delivered && says.retry(&values) == Some(true) {
        row.meaning = Meaning::Retry;
    }
    let code = format!("HTTP {status}");
    if row.meaning == Meaning::Delivered {
        let delivered = Outcome::delivered(target).code(code);
        return match says.id(&values, secrets) {
            Some(id) => delivered.id(id),
            None => delivered,
        };
    }
    let detail = match says.detail(&values, secrets) {
        // The secrets are removed already; this shortens the sentence and the text together.
        Some(own) => redacted::<&str>(&format!("{}: {own}", row.sentence), &[]),
        None => row.sentence.to_owned(),
    };
    let outcome = match row.meaning {
        Meaning::Retry => Outcome::retry(target, row.fault, detail),
        Meaning::Unknown => Outcome::unknown(target, row.fault, detail),
        Meaning::Permanent | Meaning::Delivered => Outcome::permanent(target, row.fault, detail),
    };
    let outcome = outcome.code(code).hint(row.hint);
    let wait = || says.wait(&values).or_else(|| response.retry_after(now));
    match wait().filter(|_| row.meaning == Meaning::Retry) {
        Some(wait) => outcome.after(wait),
        None => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_is_not_known_has_no_hint() {
        for status in [402, 406, 407, 409, 412, 418, 451, 500, 502, 503, 599] {
            assert_eq!(by_status(status).hint, "", "{status}");
        }
        for status in [302, 400, 401, 403, 404, 415, 422, 501] {
            assert_ne!(by_status(status).hint, "", "{status}");
        }
    }
}
