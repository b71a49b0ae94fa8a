//! Untyped values: the values that YAML itself gives a node if a schema does not set its type.

use serde_json::{Map, Number, Value as Json};

use super::tree::{Node, Scalar, Value};

/// Converts a scalar by its kind.
pub(super) fn scalar(kind: Scalar, text: &str) -> Json {
    let parsed = match kind {
        Scalar::Null => Some(Json::Null),
        Scalar::Bool => Some(Json::Bool(text.eq_ignore_ascii_case("true"))),
        Scalar::Int | Scalar::Float => serde_yaml::from_str::<Number>(text).ok().map(Json::Number),
        Scalar::Text => None,
    };
    parsed.unwrap_or_else(|| Json::String(text.to_owned()))
}

/// Converts a node and everything below it.
pub(super) fn untyped(node: &Node) -> Json {
    match &node.value {
        Value::Scalar(kind, text) => scalar(*kind, text),
        Value::List(nodes) => Json::Array(nodes.iter().map(untyped).collect()),
        Value::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.to_string(), untyped(&entry.node)))
            .collect::<Map<_, _>>()
            .into(),
    }
}
