//! The types and constants that a JSON Schema accepts, and how to describe them to a person.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

/// The maximum depth to which references of a schema are followed.
pub(super) const MAX_DEPTH: usize = 64;

/// Returns whether a schema marks a secret, directly or through a reference.
pub(super) fn is_secret(root: &Json, schema: &Json) -> bool {
    let marked = |schema: &Json| schema.get("writeOnly") == Some(&Json::Bool(true));
    marked(schema) || marked(follow(root, schema))
}

/// Returns whether a schema accepts only mappings and lists that contain a secret. A scalar in
/// place of such a value is likely to be that secret.
pub(super) fn holds_secrets(root: &Json, schema: &Json) -> bool {
    let mut seen = HashSet::new();
    let mut branches = vec![schema];
    let mut below = Vec::new();
    while let Some(schema) = branches.pop() {
        let schema = follow(root, schema);
        if !seen.insert(std::ptr::from_ref(schema)) {
            continue;
        }
        let choices = choices(schema).unwrap_or_default();
        if !choices.is_empty() {
            branches.extend(choices);
            continue;
        }
        let accepted = SchemaTypes::of(schema);
        let is_nested = accepted.array || accepted.object;
        if !is_nested && !accepted.only_null() || accepted.takes_scalars() {
            return false;
        }
        below.extend(within(schema));
    }
    while let Some(schema) = below.pop() {
        if is_secret(root, schema) {
            return true;
        }
        let schema = follow(root, schema);
        // A schema that refers to itself ends here.
        if seen.insert(std::ptr::from_ref(schema)) {
            below.extend(choices(schema).into_iter().flatten());
            below.extend(within(schema));
        }
    }
    false
}

/// Returns the alternatives of a schema that allows a choice; one of them must match.
pub(super) fn choices(schema: &Json) -> Option<&[Json]> {
    let mut keys = ["anyOf", "oneOf"].iter();
    let list = keys.find_map(|key| schema.get(key)?.as_array());
    list.map(Vec::as_slice)
}

/// Returns the schemas of the items of a mapping or a list.
fn within(schema: &Json) -> impl Iterator<Item = &Json> {
    let fields = schema.get("properties").and_then(Json::as_object);
    let fields = fields.into_iter().flat_map(Map::values);
    let others = ["additionalProperties", "items"].iter();
    fields.chain(others.filter_map(|key| schema.get(key)))
}

/// Follows `$ref` within a schema.
pub(super) fn follow<'a>(root: &'a Json, mut schema: &'a Json) -> &'a Json {
    for _ in 0..MAX_DEPTH {
        let target = schema
            .get("$ref")
            .and_then(Json::as_str)
            .and_then(|target| target.strip_prefix('#'))
            .and_then(|pointer| root.pointer(pointer));
        match target {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

/// Returns the words of a schema that accepts only a few words (or null).
pub(super) fn constants<'a>(
    root: &'a Json,
    schema: &'a Json,
    depth: usize,
) -> Option<Vec<&'a str>> {
    let schema = follow(root, schema);
    if depth > MAX_DEPTH {
        return None;
    }
    let words = if let Some(choices) = choices(schema) {
        let choices = choices
            .iter()
            .filter(|choice| !SchemaTypes::of(follow(root, choice)).only_null());
        let words: Option<Vec<Vec<&str>>> = choices
            .map(|choice| constants(root, choice, depth + 1))
            .collect();
        words?.concat()
    } else if let Some(values) = schema.get("enum").and_then(Json::as_array) {
        let words = values
            .iter()
            .filter(|value| !value.is_null())
            .map(Json::as_str);
        words.collect::<Option<Vec<_>>>()?
    } else {
        vec![schema.get("const")?.as_str()?]
    };
    Some(words).filter(|words| !words.is_empty())
}

/// The kinds of value that a schema accepts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SchemaTypes {
    pub(super) null: bool,
    pub(super) boolean: bool,
    pub(super) integer: bool,
    pub(super) number: bool,
    pub(super) text: bool,
    pub(super) array: bool,
    pub(super) object: bool,
    pub(super) anything: bool,
}

impl SchemaTypes {
    pub(super) fn of(schema: &Json) -> Self {
        let mut accepted = Self::default();
        let types: Vec<&str> = match schema.get("type") {
            Some(Json::String(one)) => vec![one],
            Some(Json::Array(several)) => several.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        let constants = schema.get("enum").or(schema.get("const"));
        accepted.anything = types.is_empty() && constants.is_none();
        accepted.text = types.is_empty() && constants.is_some();
        for name in types {
            match name {
                "null" => accepted.null = true,
                "boolean" => accepted.boolean = true,
                "integer" => accepted.integer = true,
                "number" => accepted.number = true,
                "string" => accepted.text = true,
                "array" => accepted.array = true,
                "object" => accepted.object = true,
                _ => accepted.anything = true,
            }
        }
        accepted
    }

    pub(super) fn only_null(self) -> bool {
        self.null
            && !(self.boolean
                || self.integer
                || self.number
                || self.text
                || self.array
                || self.object
                || self.anything)
    }

    pub(super) fn takes_scalars(self) -> bool {
        self.boolean || self.integer || self.number || self.text || self.anything
    }

    pub(super) fn noun(self) -> String {
        let nouns = [
            (self.text, "text"),
            (self.integer, "a whole number"),
            (self.number, "a number"),
            (self.boolean, "true or false"),
            (self.array, "a list"),
            (self.object, "a mapping"),
        ];
        let wanted: Vec<&str> = nouns
            .iter()
            .filter(|(want, _)| *want)
            .map(|(_, noun)| *noun)
            .collect();
        if wanted.is_empty() {
            "nothing".to_owned()
        } else {
            wanted.join(" or ")
        }
    }
}
