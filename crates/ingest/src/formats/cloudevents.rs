//! CloudEvents 1.0 over HTTP: one event in binary or structured mode, or a batch.
//!
//! The modes: <https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md>.
//! The JSON: <https://github.com/cloudevents/spec/blob/main/cloudevents/formats/json-format.md>.

use annunciator::Severity;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value as Json};

use super::items::{Errors, Payload};
use crate::{
    error::{IngestError, Reason},
    event::Event,
    payload,
    request::Request,
    word::{self, Moment},
};

/// The attributes that the specification requires.
const REQUIRED: [&str; 4] = ["specversion", "id", "source", "type"];
/// The fields that are no attributes for people.
const NO_ATTRIBUTES: [&str; 6] = [
    "specversion",
    "time",
    "data",
    "data_base64",
    "datacontenttype",
    "dataschema",
];
/// The fields of `data` that hold a text for people, by custom.
const TEXTS: [&str; 4] = ["message", "text", "description", "summary"];

pub(super) fn read(request: &Request<'_>) -> Result<Payload, IngestError> {
    let media_type = request.media_type();
    let (json, list) = if media_type.starts_with("application/cloudevents-batch") {
        let json = payload::json(request.body)?;
        let Json::Array(list) = &json else {
            let sentence = "a batch is a list of events";
            return Err(IngestError::sender(Reason::WrongType, sentence));
        };
        let list = list.clone();
        (json, list)
    } else if media_type.starts_with("application/cloudevents") {
        let json = payload::json(request.body)?;
        (json.clone(), vec![json])
    } else if request.open_headers().any(|(name, _)| name == "ce-id") {
        let json = binary(request, &media_type)?;
        (json.clone(), vec![json])
    } else {
        // People who try it with curl leave the media type out.
        match payload::json(request.body) {
            Ok(json) if json.get("specversion").is_some() => (json.clone(), vec![json]),
            _ => {
                let sentence = "not a CloudEvent: it has neither `ce-` headers nor \
                                Content-Type application/cloudevents+json";
                return Err(IngestError::sender(Reason::WrongType, sentence));
            }
        }
    };
    Ok(Payload::new(json).read_all(list, event))
}

/// Makes the JSON of an event of headers and a body.
fn binary(request: &Request<'_>, media_type: &str) -> Result<Json, IngestError> {
    let mut event = Map::new();
    for (name, value) in request.open_headers() {
        if let Some(name) = name.strip_prefix("ce-") {
            let value = decoded(&value).ok_or_else(|| {
                let error = IngestError::sender(Reason::WrongType, "percent-encodes no UTF-8");
                error.field(format!("ce-{name}"))
            })?;
            event.insert(name.to_owned(), Json::String(value));
        }
    }
    if !request.body.is_empty() {
        let is_json = media_type == "application/json" || media_type.ends_with("+json");
        let data = match std::str::from_utf8(request.body) {
            _ if is_json => Some(payload::json(request.body)?),
            Ok(text) => Some(Json::String(text.to_owned())),
            // Nobody can read it.
            Err(_) => None,
        };
        event.extend(data.map(|data| ("data".to_owned(), data)));
    }
    if !media_type.is_empty() {
        event.insert("datacontenttype".to_owned(), media_type.into());
    }
    Ok(Json::Object(event))
}

/// Decodes the value of a header, as the binding requires: first a quoted string, then
/// percent-encoding, once.
fn decoded(value: &str) -> Option<String> {
    let value = value.trim();
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let unquoted = match inner {
        None => value.to_owned(),
        Some(inner) => {
            let mut unquoted = String::with_capacity(inner.len());
            let mut rest = inner.chars();
            while let Some(one) = rest.next() {
                unquoted.extend(if one == '\\' { rest.next() } else { Some(one) });
            }
            unquoted
        }
    };
    let decoded = percent_decode_str(&unquoted).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

fn event(json: &Json, errors: &mut Errors<'_>) -> Option<Event> {
    let Json::Object(fields) = json else {
        errors.wrong("data", "an event is an object");
        return None;
    };
    let text = |field: &str| fields.get(field).and_then(word::text);
    for field in REQUIRED {
        if text(field).is_none() {
            errors.wrong(field, "this attribute is missing");
            return None;
        }
    }
    let version = text("specversion").unwrap_or_default();
    if !version.starts_with("1.") {
        errors.wrong("specversion", "only version 1.0 is read");
        return None;
    }
    let (source, id, about) = (text("source")?, text("id")?, text("type")?);
    let mut event = Event::empty();
    // What is sent twice has the same source and id.
    // https://github.com/cloudevents/spec/blob/main/cloudevents/spec.md#id
    event.key = Some(format!("{}/{id}", word::digest(&source)));
    event.title = Some(match text("subject") {
        Some(subject) => format!("{about}: {subject}"),
        None => about.clone(),
    });
    event.text = data(fields);
    if event.text.trim().is_empty() {
        event.text = format!("{about} of {source}");
    }
    event.severity = severity(fields);
    let time = fields.get("time").map_or(Moment::Absent, Moment::of);
    if time == Moment::Wrong {
        errors.wrong("time", "not a time of RFC 3339 between 1970 and 9999");
    }
    event.occurred_at_ms = time.at();
    for (name, value) in fields {
        if !NO_ATTRIBUTES.contains(&name.as_str()) {
            event.add(name, word::text(value).unwrap_or_default());
        }
    }
    Some(event)
}

/// Returns the severity by the extension for it
/// (<https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/severity.md>),
/// which has OpenTelemetry's numbers: 17 and more are errors, 13 and more are warnings.
fn severity(fields: &Map<String, Json>) -> Severity {
    let text = |field: &str| fields.get(field).and_then(word::text);
    let number = text("severitynumber").and_then(|number| number.parse::<u8>().ok());
    match number {
        Some(17..) => Severity::Critical,
        Some(13..=16) => Severity::Warning,
        Some(_) => Severity::Info,
        None => {
            let said = text("severitytext").or_else(|| text("severity"));
            said.and_then(|word| word::severity(&word))
                .unwrap_or_default()
        }
    }
}

/// Returns the data as text: a text, the text in an object that has one by custom, or JSON.
fn data(fields: &Map<String, Json>) -> String {
    match fields.get("data") {
        None | Some(Json::Null) => String::new(),
        Some(Json::Object(data)) => {
            let mut texts = TEXTS.iter();
            let found = texts.find_map(|name| data.get(*name).and_then(word::text));
            found.unwrap_or_else(|| pretty(&Json::Object(data.clone())))
        }
        Some(Json::Array(list)) => pretty(&Json::Array(list.clone())),
        Some(data) => word::text(data).unwrap_or_default(),
    }
}

fn pretty(json: &Json) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_decoded_once_after_their_quotes() {
        for (value, expected) in [
            ("Euro%20%E2%82%AC%20%F0%9F%98%80", Some("Euro € 😀")),
            (r#""a \"b\" \\ %25""#, Some(r#"a "b" \ %"#)),
            ("%2525", Some("%25")),
            ("100%", Some("100%")),
            ("%C0%A0", None),
        ] {
            assert_eq!(decoded(value).as_deref(), expected, "{value}");
        }
    }
}
