//! What must not be shown: places in the file, and values in settings.

use serde_json::{Map, Value as Json};

use super::{
    problem::Findings,
    reference::FORMS,
    tree::{Node, Value},
    wants::{DEEPEST, follow, is_secret},
};

/// A value longer than this, in characters, is cut where it is quoted.
const MAX_QUOTED: usize = 60;

/// A text of the file in a sentence, in backquotes. One that holds more than one
/// value, as when a quote was not closed, may hold a secret, and is not repeated.
pub(super) fn quoted(text: &str) -> String {
    if holds_more(text).is_some() {
        return "this text".to_owned();
    }
    let short: String = text.chars().take(MAX_QUOTED).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("`{}{more}`", short.escape_debug())
}

/// What a problem is about, such as `channel ops`, cut where it goes on as more
/// than a name does.
pub(super) fn subject_only(mut subject: String) -> String {
    let end = subject.find([':', '"', '\'', ',']).or(holds_more(&subject));
    if let Some(end) = end {
        subject.truncate(end);
        subject.push('…');
    }
    subject
}

/// The way to a field, cut where it goes on as no field's name does: behind
/// `token:x`, whose blank was forgotten, stands a secret.
pub(super) fn field_only(mut field: String) -> String {
    let end = field.find(|c| !is_of_name(c) && !matches!(c, '[' | ']'));
    if let Some(end) = end {
        field.truncate(end);
        field.push('…');
    }
    field
}

/// Whether a key can be a name that somebody meant, and not a value or both.
pub(super) fn is_name(key: &str) -> bool {
    !key.is_empty() && key.chars().all(is_of_name)
}

/// A key in a sentence that says that nobody knows it; nothing where it may be a
/// value that slipped there.
pub(super) fn named(key: &str) -> &str {
    if is_name(key) { key } else { "" }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '*')
}

/// Where a text goes on as several lines or fields would.
pub(super) fn holds_more(text: &str) -> Option<usize> {
    let is_end = |c| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    if let Some(end) = text.find(is_end) {
        return Some(end);
    }
    // `22:00` and an address are one value; with blanks beside it, nobody knows.
    let colon = text.find(':')?;
    text.contains(char::is_whitespace).then_some(colon)
}

/// Remembers every scalar below a node as one that must not be shown, keys among
/// them, but for references: their names are none. `known`: these are secrets;
/// else they might be.
pub(crate) fn hide(node: &Node, known: bool, findings: &mut Findings) {
    match &node.value {
        Value::Scalar(..) => findings.secret(node.id, known),
        Value::List(nodes) => nodes.iter().for_each(|node| hide(node, known, findings)),
        Value::Map(entries) => {
            for entry in entries {
                if entries.len() != 1 || FORMS.iter().all(|(form, _)| *form != &*entry.key) {
                    findings.secret(entry.key_id, known);
                    hide(&entry.node, known, findings);
                }
            }
        }
    }
}

/// Settings for a person's eyes: secrets replaced.
pub(crate) fn redacted(value: &Json, root: &Json) -> Json {
    redact(value, root, root, 0)
}

fn redact(value: &Json, schema: &Json, root: &Json, depth: usize) -> Json {
    if depth > DEEPEST {
        return Json::Null;
    }
    if is_secret(root, schema) && !value.is_null() {
        return Json::String("***".to_owned());
    }
    let schema = follow(root, schema);
    if let Some(choices) = ["anyOf", "oneOf"]
        .iter()
        .find_map(|key| schema.get(key)?.as_array())
    {
        let redacted = choices
            .iter()
            .map(|choice| redact(value, choice, root, depth + 1));
        return redacted.fold(
            value.clone(),
            |kept, one| if one == *value { kept } else { one },
        );
    }
    match value {
        Json::Object(fields) => fields
            .iter()
            .map(|(key, field)| {
                let property = schema.get("properties").and_then(|known| known.get(key));
                let property = property.or(schema.get("additionalProperties"));
                (
                    key.clone(),
                    redact(field, property.unwrap_or(&Json::Null), root, depth + 1),
                )
            })
            .collect::<Map<_, _>>()
            .into(),
        Json::Array(items) => {
            let item = schema.get("items").unwrap_or(&Json::Null);
            items
                .iter()
                .map(|value| redact(value, item, root, depth + 1))
                .collect()
        }
        other => other.clone(),
    }
}
