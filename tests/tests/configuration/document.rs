//! The tables of keys in docs/delivery.md: each row is made from the schema of the
//! options, and so from the field that the key is.
//!
//! A table stands below a comment, `<!-- keys of quiet_hours -->`, and ends with the
//! first line that is none of it.

use std::{fs, path::Path};

use annunciator::document_schema;
use serde_json::Value;

/// Set, the rows are written instead of compared.
const WRITE: &str = "ANNUNCIATOR_WRITE_ROWS";

const HEAD: &str = "| key | value | default | means |\n| --- | --- | --- | --- |\n";

#[test]
fn the_rows_of_the_documentation_are_those_of_the_options() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/delivery.md");
    let document = fs::read_to_string(&file).unwrap();
    let mut made = document.clone();
    for (name, schema, except) in tables(&document_schema(&[])) {
        made = with_table(
            &made,
            name,
            &format!("{HEAD}{}", rows(&schema, "", &except)),
        );
    }
    if std::env::var_os(WRITE).is_some() {
        fs::write(&file, made).unwrap();
        return;
    }
    for (one, other) in document.lines().zip(made.lines()) {
        let what = format!("docs/delivery.md is not what the options say; {WRITE}=1 rewrites it");
        assert_eq!(one, other, "{what}");
    }
    assert_eq!(document, made);
}

#[test]
fn a_field_becomes_a_row() {
    let schema = serde_json::json!({
        "properties": {
            "pause": {
                "description": "How long\nit lasts.\n\nMore for editors.", "type": "string",
                "x-annunciator-format": "time", "x-annunciator-max": "1h", "default": "30s",
            },
            "in": {
                "properties": { "all": {
                    "description": "How many | much.", "type": "integer",
                    "minimum": 1, "maximum": 9,
                } },
                "required": ["all"],
            },
            "how": {
                "description": "By which way.", "default": "b",
                "oneOf": [
                    { "const": "a", "description": "This way." },
                    { "const": "b", "description": "That way." },
                ],
            },
        },
    });
    let expected = "| `pause` | time, at most 1h | `30s` | How long it lasts. |\n\
        | `in.all` | 1 to 9 | required | How many \\| much. |\n\
        | `how` | `a`, `b` | `b` | By which way. `a`: This way. `b`: That way. |\n";
    let mut made: Vec<String> = rows(&schema, "", &[]).lines().map(str::to_owned).collect();
    let mut expected: Vec<&str> = expected.lines().collect();
    made.sort();
    expected.sort();
    assert_eq!(made, expected);
}

/// The tables: their names, the mapping that each has the keys of, and those that
/// another has.
fn tables(document: &Value) -> Vec<(&'static str, Value, Vec<String>)> {
    let at = |pointer: &str| document.pointer(pointer).unwrap().clone();
    let channel = at("/$defs/delivery");
    let of_channels = channel["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let mapping = |key: &str| channel["properties"][key]["anyOf"][0].clone();
    vec![
        ("quiet_hours", mapping("quiet_hours"), Vec::new()),
        ("canary", mapping("canary"), Vec::new()),
        ("channels", channel, Vec::new()),
        ("all channels", at("/properties/delivery"), of_channels),
        (
            "groups",
            at("/properties/notification_groups/additionalProperties"),
            Vec::new(),
        ),
    ]
}

/// The document with the rows in the place of those below the table's name.
fn with_table(document: &str, name: &str, table: &str) -> String {
    let mark = format!("<!-- keys of {name} -->\n");
    let (before, after) = document
        .split_once(&mark)
        .unwrap_or_else(|| panic!("{mark}"));
    let old: usize = after
        .split_inclusive('\n')
        .take_while(|line| line.starts_with('|'))
        .map(str::len)
        .sum();
    format!("{before}{mark}{table}{}", &after[old..])
}

fn rows(schema: &Value, prefix: &str, except: &[String]) -> String {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let mut text = String::new();
    for (key, field) in schema["properties"].as_object().unwrap() {
        if except.contains(key) {
            continue;
        }
        let path = format!("{prefix}{key}");
        if field.get("properties").is_some() {
            text.push_str(&rows(field, &format!("{path}."), &[]));
            continue;
        }
        let default = match &field["default"] {
            _ if required.contains(&key.as_str().into()) => "required".to_owned(),
            Value::String(text) if text.is_empty() => "–".to_owned(),
            Value::String(text) => format!("`{text}`"),
            other => format!("`{other}`"),
        };
        let cells = [format!("`{path}`"), value(field), default, means(field)];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}

/// What may stand there.
fn value(field: &Value) -> String {
    if let Some(choices) = field["anyOf"].as_array() {
        let choices: Vec<String> = choices
            .iter()
            .map(|choice| {
                // Bounds stand beside the choices.
                let mut choice = choice.clone();
                for bound in ["x-annunciator-min", "x-annunciator-max"] {
                    if let (Some(text), Some(object)) = (field.get(bound), choice.as_object_mut()) {
                        object.insert(bound.to_owned(), text.clone());
                    }
                }
                value(&choice)
            })
            .collect();
        return choices.join("; or ");
    }
    let words = words(field);
    if !words.is_empty() {
        let words = words.iter().map(|(word, _)| format!("`{word}`"));
        return words.collect::<Vec<_>>().join(", ");
    }
    let bound = |key: &str| {
        field
            .get(key)
            .map(|bound| bound.to_string().replace('"', ""))
    };
    let bounds = |least: &str, most: &str| match (bound(least), bound(most)) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => String::new(),
    };
    let noun = match field["x-annunciator-format"].as_str() {
        Some("time") => "time",
        Some("rate") => "a number, `/`, and a time or its unit: `30/min`, `5/s`, `100/10m`",
        Some("store") => "absolute path of a file, `\":memory:\"` or `none`",
        Some("time-of-day") => "time of day, `\"00:00\"` to `\"23:59\"`",
        Some("time-zone") => "name in the IANA database",
        Some(other) => panic!("say here what `{other}` is"),
        None => match field["type"].as_str().unwrap() {
            "boolean" => "`true`, `false`",
            "integer" => return bounds("minimum", "maximum"),
            "array" => return format!("list, {} or more", bound("minItems").unwrap()),
            "object" => "a mapping, see below",
            other => panic!("say here what `{other}` is"),
        },
    };
    match bounds("x-annunciator-min", "x-annunciator-max") {
        none if none.is_empty() => noun.to_owned(),
        bounds => format!("{noun}, {bounds}"),
    }
}

/// The words that a field takes, and what they mean.
fn words(field: &Value) -> Vec<(&str, &str)> {
    let of = |key: &str| field[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let plain = of("enum").iter().chain(field.get("const"));
    let plain = plain.map(|word| (word.as_str().unwrap(), ""));
    let described = of("oneOf").iter().map(|choice| {
        let text = |key: &str| choice[key].as_str().unwrap_or_default();
        (text("const"), text("description"))
    });
    plain.chain(described).collect()
}

/// The first paragraph of what the field says of itself, and what its words mean.
fn means(field: &Value) -> String {
    let first = |text: &str| {
        text.split("\n\n")
            .next()
            .unwrap()
            .lines()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut text = first(field["description"].as_str().unwrap_or_default());
    assert!(!text.is_empty(), "a key without a word on it: {field}");
    for (word, meaning) in words(field)
        .into_iter()
        .filter(|(_, meaning)| !meaning.is_empty())
    {
        text.push_str(&format!(" `{word}`: {}", first(meaning)));
    }
    text
}
