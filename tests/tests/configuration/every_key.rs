//! Every key of `delivery:` that there is, by its schema: a wrong value of it is one
//! problem, at its place, its default is a right one, and the example has it.

use std::{collections::BTreeSet, fs, path::Path};

use annunciator::document_schema;
use annunciator_tests::said::said;
use serde_json::Value;

const CHANNELS: &str = "notification_channels: {a: {type: steady}}\n";

/// A key that holds no keys itself: its way down, its schema, and what a mapping on the
/// way needs besides it.
struct Key {
    way: Vec<String>,
    schema: Value,
    beside: &'static str,
}

impl Key {
    /// The file in which it has a value, and where that stands.
    fn written(&self, value: &str) -> (String, usize) {
        let (last, outer) = self.way.split_last().unwrap();
        let open: String = outer.iter().map(|key| format!("{{{key}: ")).collect();
        let close = "}".repeat(outer.len());
        let before = format!("delivery: {open}{{{}{last}: ", self.beside);
        let column = before.chars().count() + 1;
        (format!("{before}{value}}}{close}\n{CHANNELS}"), column)
    }
}

fn keys() -> Vec<Key> {
    let document = document_schema(&[]);
    let mut keys = Vec::new();
    collect(&document["properties"]["delivery"], &[], &mut keys);
    keys
}

fn collect(mapping: &Value, way: &[String], keys: &mut Vec<Key>) {
    for (key, schema) in mapping["properties"].as_object().unwrap() {
        let way: Vec<String> = way.iter().cloned().chain([key.clone()]).collect();
        let beside = match way.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["quiet_hours", "from"] => "to: '07:00', ",
            ["quiet_hours", "to"] => "from: '22:00', ",
            ["quiet_hours", ..] => "from: '22:00', to: '07:00', ",
            ["canary", "failures"] => "every: 1h, ",
            _ => "",
        };
        let inner = [schema, &schema["anyOf"][0]].into_iter();
        let mapping = { inner }.find(|schema| schema.get("properties").is_some());
        match mapping {
            Some(mapping) => collect(mapping, &way, keys),
            None => keys.push(Key {
                way,
                schema: schema.clone(),
                beside,
            }),
        }
    }
}

#[test]
fn a_value_of_another_kind_is_one_problem_at_its_place() {
    let keys = keys();
    // All that the documentation has.
    assert!(keys.len() >= 20, "{}", keys.len());
    for key in &keys {
        for value in ["[x]", "{x: 1}", "{env: HOME}", "'#'", "", "-1"] {
            let takes_nothing = key.schema["type"].to_string().contains("null");
            if value.is_empty() && takes_nothing {
                continue;
            }
            let (yaml, column) = key.written(value);
            let lines = said(&yaml);
            let [line] = lines.as_slice() else {
                panic!("{yaml}: {lines:?}");
            };
            let place = format!(
                "heartbeat.yaml:1:{column}: error: delivery.{}",
                key.way.join(".")
            );
            // Nothing has no place but that of its end.
            let place = match value {
                "" => format!("error: delivery.{}: ", key.way.join(".")),
                _ => format!("{place}: "),
            };
            assert!(line.contains(&place), "{yaml}: {line}");
        }
    }
}

#[test]
fn the_default_of_a_key_can_be_written() {
    for key in keys() {
        let default = match &key.schema["default"] {
            Value::Null => continue,
            Value::String(text) => format!("'{text}'"),
            other => other.to_string(),
        };
        let (yaml, _) = key.written(&default);
        assert_eq!(said(&yaml), [""; 0], "{yaml}");
    }
}

/// The keys of a mapping and of what it holds, by their ways down.
fn written(mapping: &Value, way: &str, keys: &mut BTreeSet<String>) {
    for (key, value) in mapping.as_object().into_iter().flatten() {
        let way = format!("{way}.{key}");
        written(value, &way, keys);
        keys.insert(way);
    }
}

/// The keys that a schema knows, likewise.
fn known(schema: &Value, way: &str, keys: &mut BTreeSet<String>) {
    let alternatives = schema.get("anyOf").and_then(Value::as_array);
    for schema in alternatives.into_iter().flatten().chain([schema]) {
        for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
            let way = format!("{way}.{key}");
            known(inner, &way, keys);
            keys.insert(way);
        }
        let inner = [schema.get("items"), schema.get("additionalProperties")];
        for inner in inner.into_iter().flatten() {
            known(inner, way, keys);
        }
    }
}

#[test]
fn the_example_has_every_key() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/delivery.yaml");
    let example: Value = serde_yaml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let schema = document_schema(&[]);
    let (mut wanted, mut there) = (BTreeSet::new(), BTreeSet::new());
    known(&schema["properties"]["delivery"], "delivery", &mut wanted);
    written(&example["delivery"], "delivery", &mut there);
    for channel in example["notification_channels"]
        .as_object()
        .unwrap()
        .values()
    {
        written(&channel["delivery"], "delivery", &mut there);
    }
    let groups = "notification_groups";
    known(&schema["properties"][groups], groups, &mut wanted);
    for group in example[groups].as_object().unwrap().values() {
        written(group, groups, &mut there);
    }
    assert!(wanted.len() > 25, "{wanted:?}");
    let missing: Vec<&String> = wanted.difference(&there).collect();
    assert!(missing.is_empty(), "config/delivery.yaml lacks {missing:?}");
}
