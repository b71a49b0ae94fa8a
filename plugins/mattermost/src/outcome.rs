//! The classification tables: what an answer of the server means.
//!
//! The status decides, since current servers name no cause and put the webhook's token into their
//! message. The texts that are passed on contain no secret.

use std::time::{Duration, SystemTime};

use annunciator_sdk::{Class, Fault, HttpResponse, Outcome, redacted};
use serde::Deserialize;

/// The ID of a current server's refusal, which names no cause.
const GENERAL: &str = "web.incoming_webhook.general.app_error";

/// The server's error document.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Refusal {
    #[serde(default)]
    pub(crate) id: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    request_id: String,
}

impl Refusal {
    /// Reads the document in an answer. Returns `None` if there is none.
    pub(crate) fn read(response: &HttpResponse) -> Option<Self> {
        let refusal: Self = response.json().ok()?;
        (!refusal.id.is_empty()).then_some(refusal)
    }

    /// Returns this plugin's sentence, followed by the server's own one, unless that is the general
    /// one, and by the IDs with which its log can be searched.
    fn append_to(&self, sentence: &str, secrets: &[String]) -> String {
        let own = match self.id.as_str() {
            GENERAL => String::new(),
            _ => format!(": {}", self.message),
        };
        let whole = format!("{sentence}{own} ({}, request {})", self.id, self.request_id);
        redacted(&whole, secrets)
    }
}

/// One row of a table.
struct Row {
    class: Class,
    fault: Fault,
    sentence: &'static str,
    hint: &'static str,
}

fn permanent(fault: Fault, sentence: &'static str, hint: &'static str) -> Row {
    Row {
        class: Class::Permanent,
        fault,
        sentence,
        hint,
    }
}

fn retry(sentence: &'static str, hint: &'static str) -> Row {
    Row {
        class: Class::Retry,
        fault: Fault::Remote,
        sentence,
        hint,
    }
}

/// Returns the row of an answer that means the same for webhooks and bots.
fn general(status: u16, refusal: Option<&Refusal>) -> Row {
    match status {
        300..=399 => permanent(
            Fault::Config,
            "the address redirects elsewhere",
            "check host and scheme: write the address at which the browser ends up",
        ),
        404 | 405 if refusal.is_none() => permanent(
            Fault::Config,
            "this is not an address of a Mattermost server",
            "check host, with its path if the server has one, and the token's shape",
        ),
        408 | 429 => retry("the server asks for a pause", ""),
        413 => permanent(
            Fault::Message,
            "the message is too large for the server",
            "raise the server's maximum payload size, or send shorter messages",
        ),
        501 if refusal.is_some() => permanent(
            Fault::Config,
            "incoming webhooks are disabled on this server",
            "an administrator can enable them under Integrations in the System Console",
        ),
        // The request's ID is in the answer.
        500.. if refusal.is_some() => retry(
            "the server has a temporary problem",
            "look for the request in the server's log",
        ),
        500.. => retry("the server has a temporary problem", ""),
        // A status of success, without the answer of a Mattermost server.
        200..=299 => permanent(
            Fault::Config,
            "something other than Mattermost answered",
            "check host, and whether a proxy or login portal is in between",
        ),
        _ => permanent(Fault::Remote, "the server refused the request", ""),
    }
}

fn webhook(status: u16, refusal: Option<&Refusal>) -> Row {
    let id = refusal
        .map(|refusal| refusal.id.as_str())
        .unwrap_or_default();
    let names = |part: &str| id.contains(part);
    match status {
        400 if names(".text.") => permanent(
            Fault::Message,
            "the server found no text in the message",
            "",
        ),
        400 if names(".user.") => permanent(
            Fault::Config,
            "the server has no such user",
            "check channel: write @ and the name with which the person logs in",
        ),
        400 if names(".priority.") => permanent(
            Fault::Config,
            "the server does not accept this priority",
            "remove priority and priorities: they may need another licence of the server",
        ),
        400 if names("incoming_webhook") => permanent(
            Fault::Config,
            "the server has no such webhook, or no such @user",
            "check token: it is the part after /hooks/ of the webhook's address",
        ),
        401 => permanent(
            Fault::Config,
            "something in front of the server requires a login",
            "a webhook needs no login: let the proxy pass /hooks/",
        ),
        403 if refusal.is_some() => permanent(
            Fault::Config,
            "the webhook may not post to this channel",
            "it is locked to another channel, or its creator has left this one",
        ),
        404 if refusal.is_some() => permanent(
            Fault::Config,
            "the server has no such channel",
            "check channel: write the name in the channel's address, not the display name",
        ),
        _ => general(status, refusal),
    }
}

fn rest(status: u16, refusal: Option<&Refusal>) -> Row {
    match status {
        400 => permanent(Fault::Message, "the server refused the post", ""),
        401 if refusal.is_some() => permanent(
            Fault::Config,
            "the server does not know this bot",
            "check bot_token: it may have been revoked",
        ),
        403 if refusal.is_some() => permanent(
            Fault::Config,
            "the bot may not do this",
            "add the bot to the team and to the channel",
        ),
        404 if refusal.is_some() => permanent(
            Fault::Config,
            "the server has no such team or channel",
            "check team and channel: write the names in the channel's address",
        ),
        501 => permanent(Fault::Config, "this feature is disabled on the server", ""),
        _ => general(status, refusal),
    }
}

fn outcome(
    target: &str,
    row: &Row,
    response: &HttpResponse,
    now: SystemTime,
    secrets: &[String],
) -> Outcome {
    let detail = match Refusal::read(response) {
        Some(refusal) => refusal.append_to(row.sentence, secrets),
        None => row.sentence.to_owned(),
    };
    let outcome = match row.class {
        Class::Retry => Outcome::retry(target, row.fault, detail),
        Class::Unknown => Outcome::unknown(target, row.fault, detail),
        _ => Outcome::permanent(target, row.fault, detail),
    };
    let outcome = outcome
        .code(format!("HTTP {}", response.status()))
        .hint(row.hint);
    match wait(response, now) {
        Some(wait) if row.class == Class::Retry => outcome.after(wait),
        _ => outcome,
    }
}

/// Returns how long the server asks to wait. Both headers are in seconds from now; that of a proxy
/// may be a date.
pub(crate) fn wait(response: &HttpResponse, now: SystemTime) -> Option<Duration> {
    response.retry_after(now).or_else(|| {
        let limited = response.status() == 429;
        let reset = response.header("X-RateLimit-Reset").filter(|_| limited)?;
        reset.trim().parse().ok().map(Duration::from_secs)
    })
}

/// Returns the outcome of a webhook's call. If a text becomes several posts, the first ones may
/// have been posted although the server answers with an internal error. `secrets` are removed from
/// all texts.
pub(crate) fn of_webhook(
    target: &str,
    response: &HttpResponse,
    posts: usize,
    now: SystemTime,
    secrets: &[String],
) -> Outcome {
    if response.status() == 200 && response.text().trim() == "ok" {
        return Outcome::delivered(target);
    }
    let mut row = webhook(response.status(), Refusal::read(response).as_ref());
    if response.status() == 500 && posts > 1 {
        row.class = Class::Unknown;
        row.hint = "check the channel: the first posts of the text may be there";
    }
    outcome(target, &row, response, now, secrets)
}

/// Returns the outcome of a refused call of the REST API. `secrets` are removed from all texts.
pub(crate) fn of_rest(
    target: &str,
    response: &HttpResponse,
    now: SystemTime,
    secrets: &[String],
) -> Outcome {
    let row = rest(response.status(), Refusal::read(response).as_ref());
    outcome(target, &row, response, now, secrets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_not_known_has_no_hint() {
        let unknown = Refusal {
            id: "app.moon.full.error".to_owned(),
            ..Refusal::default()
        };
        for status in [400, 402, 406, 409, 418, 422, 451] {
            for refusal in [None, Some(&unknown)] {
                assert_eq!(webhook(status, refusal).hint, "", "webhook: {status}");
                assert_eq!(rest(status, refusal).hint, "", "bot: {status}");
            }
        }
        // A proxy in front of the server may answer with these, too.
        for status in [403, 500, 501, 502, 503, 504] {
            assert_eq!(webhook(status, None).hint, "", "webhook: {status}");
            assert_eq!(rest(status, None).hint, "", "bot: {status}");
        }
    }
}
