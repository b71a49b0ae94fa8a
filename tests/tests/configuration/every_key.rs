//! Every key of `delivery:` that there is, by its schema: a wrong value of it is one
//! problem, at its place, and its default is a right one.

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
