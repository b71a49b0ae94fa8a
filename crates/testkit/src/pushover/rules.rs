//! What the service refuses, parameter by parameter.
//!
//! It judges one message. Order and texts follow the service's observed answers, or else the
//! documentation at <https://pushover.net/api>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::Answer;

use super::account::Accounts;
use super::encryption;
use super::form::{Attachment, Form};

const MAX_MESSAGE_LENGTH: usize = 1024;
const MAX_TITLE_LENGTH: usize = 250;
const MAX_URL_LENGTH: usize = 512;
const MAX_URL_TITLE_LENGTH: usize = 100;
const MAX_DEVICE_LENGTH: usize = 25;
const MIN_RETRY_SECONDS: u64 = 30;
const MAX_EXPIRE_SECONDS: u64 = 10_800;
const MAX_ATTACHMENT_SIZE: usize = 5_242_880;
const MAX_RECIPIENTS: usize = 50;
const KEY_LENGTH: usize = 30;

/// A refusal: the parameter at fault, what is wrong with it, and the sentence.
#[derive(Debug)]
pub(super) struct PushoverRefusal {
    parameter: &'static str,
    value: String,
    sentence: String,
}

impl PushoverRefusal {
    fn of(parameter: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        let sentence = format!("{parameter} {value}");
        Self {
            parameter,
            value,
            sentence,
        }
    }

    fn saying(parameter: &'static str, value: &str, sentence: &str) -> Self {
        Self {
            parameter,
            value: value.to_owned(),
            sentence: sentence.to_owned(),
        }
    }

    pub(super) fn answer(&self, status: u16) -> Answer {
        let mut body = json!({
            "errors": [self.sentence],
            "status": 0,
            "request": Uuid::new_v4().to_string(),
        });
        body[self.parameter] = Value::String(self.value.clone());
        Answer::json(status, &body)
    }
}

/// Requires a known application.
pub(super) fn token(token: Option<&str>, accounts: &Accounts) -> Result<(), PushoverRefusal> {
    match token {
        Some(token) if is_key(token) && accounts.tokens.contains(token) => Ok(()),
        Some(token) if !token.is_empty() => Err(PushoverRefusal::saying(
            "token",
            "invalid",
            "application token is invalid, see https://pushover.net/api",
        )),
        _ => Err(PushoverRefusal::saying(
            "token",
            "missing",
            "application token must be supplied, see https://pushover.net/api",
        )),
    }
}

/// Requires known users, at most as many as a list may have.
pub(super) fn user(form: &Form, accounts: &Accounts) -> Result<Vec<String>, PushoverRefusal> {
    let invalid = || {
        PushoverRefusal::saying(
            "user",
            "invalid",
            "user identifier is not a valid user, group, or subscribed user key, \
             see https://pushover.net/api#identifiers",
        )
    };
    let list = form.field("user").unwrap_or_default();
    let keys: Vec<String> = list.split(',').map(|key| key.trim().to_owned()).collect();
    let known = |key: &String| is_key(key) && accounts.recipients.contains_key(key);
    if keys.len() > MAX_RECIPIENTS || !keys.iter().all(known) {
        return Err(invalid());
    }
    Ok(keys)
}

/// Checks everything else of a message, and returns its priority.
pub(super) fn message(form: &Form, accounts: &Accounts) -> Result<i8, PushoverRefusal> {
    text(form)?;
    let priority = priority(form)?;
    device(form)?;
    switches(form)?;
    whole_number(form, "ttl", 1, u64::MAX)?;
    whole_number(form, "timestamp", 0, u64::MAX)?;
    match form.field("sound") {
        Some(sound) if !sound.is_empty() && !accounts.sounds.contains_key(sound) => {
            return Err(PushoverRefusal::of("sound", "is not a valid sound"));
        }
        _ => {}
    }
    Ok(priority)
}

fn text(form: &Form) -> Result<(), PushoverRefusal> {
    if form.field("message").unwrap_or_default().trim().is_empty() {
        return Err(PushoverRefusal::of("message", "cannot be blank"));
    }
    let limits = [
        ("message", MAX_MESSAGE_LENGTH),
        ("title", MAX_TITLE_LENGTH),
        ("url", MAX_URL_LENGTH),
        ("url_title", MAX_URL_TITLE_LENGTH),
    ];
    for (parameter, limit) in limits {
        if form.field(parameter).unwrap_or_default().chars().count() > limit {
            let what = format!("is too long (maximum is {limit} characters)");
            return Err(PushoverRefusal::of(parameter, what));
        }
    }
    Ok(())
}

fn priority(form: &Form) -> Result<i8, PushoverRefusal> {
    let priority = match form.field("priority") {
        None | Some("") => 0,
        Some(text) => text
            .parse::<i8>()
            .ok()
            .filter(|number| (-2..=2).contains(number))
            .ok_or_else(|| PushoverRefusal::of("priority", "is invalid"))?,
    };
    if priority != 2 {
        return Ok(priority);
    }
    for parameter in ["expire", "retry"] {
        if form.field(parameter).is_none_or(str::is_empty) {
            return Err(PushoverRefusal::of(
                parameter,
                "must be supplied with priority=2",
            ));
        }
    }
    match form.number("retry") {
        Some(retry) if retry >= MIN_RETRY_SECONDS => {}
        _ => {
            return Err(PushoverRefusal::saying(
                "retry",
                "is too small, must be at least 30 seconds",
                "retry is invalid",
            ));
        }
    }
    match form.number("expire") {
        Some(expire) if (1..=MAX_EXPIRE_SECONDS).contains(&expire) => {}
        _ => {
            return Err(PushoverRefusal::saying(
                "expire",
                "is too large, must be at most 10800 seconds",
                "expire is invalid",
            ));
        }
    }
    match form.field("callback") {
        Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
            Err(PushoverRefusal::of("callback", "is not a valid URL"))
        }
        _ => Ok(priority),
    }
}

fn device(form: &Form) -> Result<(), PushoverRefusal> {
    let list = form.field("device").unwrap_or_default();
    let valid = |name: &str| {
        !name.is_empty()
            && name.len() <= MAX_DEVICE_LENGTH
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    if list.is_empty() || list.split(',').all(valid) {
        Ok(())
    } else {
        Err(PushoverRefusal::of("device", "is invalid"))
    }
}

fn switches(form: &Form) -> Result<(), PushoverRefusal> {
    for parameter in ["html", "monospace"] {
        if !matches!(form.field(parameter), None | Some("" | "0" | "1")) {
            return Err(PushoverRefusal::of(parameter, "must be 0 or 1"));
        }
    }
    if form.on("html") && form.on("monospace") {
        return Err(PushoverRefusal::of("monospace", "cannot be used with html"));
    }
    Ok(())
}

fn whole_number(
    form: &Form,
    parameter: &'static str,
    from: u64,
    to: u64,
) -> Result<(), PushoverRefusal> {
    match form.field(parameter) {
        None | Some("") => Ok(()),
        Some(text) => match text.parse::<u64>() {
            Ok(number) if (from..=to).contains(&number) => Ok(()),
            _ => Err(PushoverRefusal::of(parameter, "is invalid")),
        },
    }
}

/// Returns the parameters as the recipient reads them, decrypted.
pub(super) fn opened(form: &Form, accounts: &Accounts) -> Result<Form, PushoverRefusal> {
    let mut opened = form.clone();
    if !form.on("encrypted") {
        return Ok(opened);
    }
    let Some(key) = &accounts.encryption_key else {
        return Err(PushoverRefusal::of(
            "encrypted",
            "needs a key that the devices know",
        ));
    };
    for parameter in ["message", "title", "url", "url_title"] {
        let Some(sealed) = form.field(parameter) else {
            continue;
        };
        let text = encryption::open(key, sealed)
            .ok_or_else(|| PushoverRefusal::of(parameter, "cannot be decrypted"))?;
        opened.fields.insert(parameter.to_owned(), text);
    }
    Ok(opened)
}

/// Requires at most one image, by either way of sending it, within the maximum size.
pub(super) fn attachment(form: &Form) -> Result<Option<Attachment>, PushoverRefusal> {
    let mut images = form.attachments.clone();
    if let Some(encoded) = form.field("attachment_base64") {
        let bytes = STANDARD
            .decode(encoded)
            .map_err(|_| PushoverRefusal::of("attachment_base64", "is not valid base64"))?;
        let media_type = form.field("attachment_type").unwrap_or_default();
        images.push(Attachment {
            media_type: media_type.to_owned(),
            bytes,
        });
    }
    if images.len() > 1 {
        return Err(PushoverRefusal::of("attachment", "may be given only once"));
    }
    let image = images.pop();
    match &image {
        Some(image) if !image.media_type.starts_with("image/") => {
            Err(PushoverRefusal::of("attachment", "is not an image"))
        }
        Some(image) if image.bytes.len() > MAX_ATTACHMENT_SIZE => {
            Err(PushoverRefusal::of("attachment", "is too large"))
        }
        _ => Ok(image),
    }
}

fn is_key(key: &str) -> bool {
    key.len() == KEY_LENGTH && key.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
