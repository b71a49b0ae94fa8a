//! The file's expressions of one source, which fill or override the fields of events.
//!
//! A field whose expression fails keeps what it was by default, and the failure is reported:
//! people had better be notified of an event without a link than not at all.

use annunciator::Kind;
use minijinja::Value;
use serde_json::Value as Json;

use crate::{
    error::{IngestError, Reason},
    event::Event,
    expression::Expression,
    limits::{MAX_LINE_LENGTH, quoted},
    word::{self, Moment},
};

/// The names that expressions may use.
pub(crate) const SCOPE: [&str; 6] = ["payload", "item", "headers", "query", "source", "path"];

/// The maximum number of values in what an expression gives for a field: no person reads
/// more.
const MAX_VALUES: usize = 100_000;

/// A field that an expression gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Kind,
    Incident,
    Host,
    Severity,
    Title,
    Text,
    Url,
    Key,
    OccurredAt,
}

impl Field {
    /// Returns the key of the file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Incident => "incident",
            Self::Host => "host",
            Self::Severity => "severity",
            Self::Title => "title",
            Self::Text => "text",
            Self::Url => "url",
            Self::Key => "key",
            Self::OccurredAt => "occurred_at",
        }
    }
}

/// The compiled expressions of one source.
#[derive(Debug, Default)]
pub(crate) struct Mapping {
    /// The list of items, for the format `template`.
    pub(crate) each: Option<Expression>,
    /// Whether an item counts.
    pub(crate) when: Option<Expression>,
    pub(crate) fields: Vec<(Field, Expression)>,
    pub(crate) attributes: Vec<(String, Expression)>,
}

impl Mapping {
    /// Returns whether there is nothing to evaluate.
    pub(crate) fn is_empty(&self) -> bool {
        self.when.is_none() && self.fields.is_empty() && self.attributes.is_empty()
    }

    /// Returns whether an item counts. One whose expression fails does.
    pub(crate) fn counts(&self, scope: &Value, errors: &mut Vec<IngestError>) -> bool {
        let Some(when) = &self.when else {
            return true;
        };
        match when.evaluate(scope) {
            Ok(value) => value.is_true(),
            Err(error) => {
                errors.push(error.field("when"));
                true
            }
        }
    }

    /// Fills the fields of an event.
    pub(crate) fn apply(&self, scope: &Value, event: &mut Event, errors: &mut Vec<IngestError>) {
        let mut has_kind = false;
        for (field, expression) in &self.fields {
            let set = expression
                .json(scope, MAX_VALUES)
                .and_then(|value| set(event, *field, &value));
            match set {
                Ok(is_set) => has_kind |= is_set && *field == Field::Kind,
                Err(error) => errors.push(error.field(field.name())),
            }
        }
        // What belongs to an incident is its problem, unless something else is said.
        if !has_kind && event.kind == Kind::Message && event.incident.is_some() {
            event.kind = Kind::Problem;
        }
        for (name, expression) in &self.attributes {
            match expression.json(scope, MAX_VALUES) {
                Ok(value) => {
                    event.attributes.retain(|(known, _)| known != name);
                    event.add(name, shown(&value));
                }
                Err(error) => errors.push(error.field(format!("attributes.{name}"))),
            }
        }
    }
}

/// Sets a field. Returns whether there is a value; without one the field stays as it is.
fn set(event: &mut Event, field: Field, value: &Json) -> Result<bool, IngestError> {
    if matches!(value, Json::Null) {
        return Ok(false);
    }
    if field == Field::OccurredAt {
        let Moment::At(ms) = Moment::of(value) else {
            return Err(wrong(value, "a time: RFC 3339, or seconds since 1970"));
        };
        event.occurred_at_ms = Some(ms);
        return Ok(true);
    }
    if field == Field::Text {
        let text = shown(value);
        let is_set = !text.is_empty();
        if is_set {
            event.text = text;
        }
        return Ok(is_set);
    }
    if value.is_array() || value.is_object() {
        return Err(wrong(value, "text"));
    }
    let Some(text) = word::text(value).map(|text| text.trim().to_owned()) else {
        return Ok(false);
    };
    match field {
        Field::Kind => {
            let help = "`message`, `problem` or `recovery`";
            event.kind = word::kind(&text).ok_or_else(|| wrong(value, help))?;
        }
        Field::Severity => {
            let help = "`info`, `warning` or `critical`";
            event.severity = word::severity(&text).ok_or_else(|| wrong(value, help))?;
        }
        Field::Url => {
            let link = word::link(&text).filter(|link| link.len() <= MAX_LINE_LENGTH);
            event.url = Some(link.ok_or_else(|| wrong(value, "an address of http or https"))?);
        }
        Field::Incident => event.incident = Some(text),
        Field::Host => event.host = Some(text),
        Field::Title => event.title = Some(text),
        Field::Key => {
            event.key = Some(text);
            event.end_key = None;
        }
        Field::Text | Field::OccurredAt => {}
    }
    Ok(true)
}

/// Returns a value as text for people: a list of texts as lines, and what else has a
/// structure as JSON.
fn shown(value: &Json) -> String {
    match value {
        Json::Array(list) => {
            let lines: Option<Vec<String>> = list.iter().map(word::text).collect();
            lines.map_or_else(|| value.to_string(), |lines| lines.join("\n"))
        }
        Json::Object(_) => serde_json::to_string_pretty(value).unwrap_or_default(),
        value => word::text(value).unwrap_or_default(),
    }
}

fn wrong(value: &Json, expected: &str) -> IngestError {
    let found = match value {
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "a mapping".to_owned(),
        Json::String(text) => quoted(text),
        value => quoted(&value.to_string()),
    };
    let sentence = format!("gives {found}; expected {expected}");
    IngestError::mapping(Reason::WrongType, sentence)
}
