//! The Apprise API: `POST /notify/KEY`, with JSON or a form.
//!
//! The shape: <https://github.com/caronc/apprise-api#api-details>. Addresses to notify
//! (`urls`) and attachments are not used: whom to notify is for the file to say.

use annunciator::Severity;
use serde_json::Value as Json;

use super::items::{Item, Payload};
use crate::{
    error::{IngestError, Reason},
    event::Event,
    payload,
    request::Request,
    word,
};

pub(super) fn read(request: &Request<'_>) -> Result<Payload, IngestError> {
    let json = payload::json_or_form(request)?;
    if !json.is_object() {
        let sentence = "an object with `body` is expected";
        return Err(IngestError::sender(Reason::WrongType, sentence));
    }
    let mut payload = Payload::new(json);
    let json = &payload.json;
    let text = |field: &str| json.get(field).and_then(word::text);
    let mut event = Event::empty();
    let body = text("body").unwrap_or_default();
    event.text = match text("format").as_deref() {
        Some("html") => mail_parser::decoders::html::html_to_text(&body),
        _ => body,
    };
    event.title = text("title");
    let said = text("type");
    // https://github.com/caronc/apprise/blob/master/apprise/common.py: NotifyType
    event.severity = match said.as_deref() {
        Some("failure") => Severity::Critical,
        Some("warning") => Severity::Warning,
        None | Some("info" | "success") => Severity::Info,
        Some(_) => {
            let sentence = "none of `info`, `success`, `warning` and `failure`";
            let error = IngestError::sender(Reason::WrongType, sentence);
            payload.errors.push(error.field("type").item(0));
            Severity::Warning
        }
    };
    event.add("type", said.unwrap_or_default());
    event.add("tag", tags(json));
    let item = Item {
        index: 0,
        json: json.clone(),
        event,
    };
    payload.items.push(item);
    Ok(payload)
}

/// Returns the tags as one text. Clients send one as `tag` or `tags`, several as a list.
fn tags(json: &Json) -> String {
    let tags = json.get("tag").or_else(|| json.get("tags"));
    match tags {
        Some(Json::Array(list)) => {
            let tags = list.iter().filter_map(word::text);
            tags.collect::<Vec<_>>().join(", ")
        }
        tags => tags.and_then(word::text).unwrap_or_default(),
    }
}
