//! What must not be shown: places in the file, and values in settings.

use serde_json::{Map, Value as Json};

use super::{
    problem::Findings,
    reference::FORMS,
    tree::{Node, Value},
    wants::{DEEPEST, follow, is_secret},
};

/// Remembers every scalar below a node as one that must not be shown, but for
/// the names in references. `known`: these are secrets; else they might be.
pub(crate) fn hide(node: &Node, known: bool, findings: &mut Findings) {
    match &node.value {
        Value::Scalar(..) => findings.secret(node.id, known),
        Value::List(nodes) => nodes.iter().for_each(|node| hide(node, known, findings)),
        Value::Map(entries) => {
            for entry in entries {
                if entries.len() != 1 || FORMS.iter().all(|(form, _)| *form != &*entry.key) {
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
