//! The JSON Schema of the whole file, made from the loaded plugins and from what the embedding
//! program declares, so that an editor can complete and check the file.

use serde_json::{Map, Value as Json, json};

use super::{
    options,
    reference::FORMS,
    section::{HostKeys, Section},
    top_level::DELIVERY,
};
use crate::plugin::ChannelType;

/// Returns the JSON Schema of a configuration file whose channels are of these types.
///
/// [`EngineBuilder::document_schema`](crate::EngineBuilder::document_schema) includes the declared
/// sections as well.
#[must_use]
pub fn document_schema(types: &[ChannelType]) -> Json {
    schema_of(types, &[], None)
}

/// Returns the same schema with what the embedding program declares.
pub(crate) fn schema_of(
    types: &[ChannelType],
    sections: &[Section],
    host_keys: Option<&HostKeys>,
) -> Json {
    let mut definitions = Map::new();
    let mut branches = Vec::new();
    for channel_type in types {
        let name = &channel_type.name;
        branches.push(json!({
            "if": { "properties": { "type": { "const": name } }, "required": ["type"] },
            "then": { "$ref": format!("#/$defs/{name}") },
        }));
        define(channel_type, &mut definitions);
    }
    definitions.insert("reference".to_owned(), reference());
    definitions.insert(DELIVERY.to_owned(), options::CHANNEL.clone());
    let names: Vec<&str> = types
        .iter()
        .map(|channel_type| channel_type.name.as_str())
        .collect();
    let channel_names = json!({
        "type": "array", "minItems": 1, "items": { "type": "string" },
        "description": "Names of channels and groups, all notified at once.",
    });
    let mut document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Annunciator configuration",
        "type": "object",
        "properties": {
            "notification_channels": {
                "description": "The channels, by name.",
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "properties": {
                        "type": { "enum": names, "description": "The kind of channel." },
                        "delivery": { "$ref": "#/$defs/delivery" },
                    },
                    "required": ["type"],
                    "allOf": branches,
                },
            },
            "default_notification_channels": channel_names,
            "hosts": {
                "description": "The hosts, by name.",
                "type": "object",
                "additionalProperties": {
                    "type": ["object", "null"],
                    "properties": {
                        "threshold_config": { "type": "string", "description": "Name of the host's thresholds." },
                        "watch": { "type": "boolean", "description": "Whether heartbeat events are sent." },
                        "notification_channels": channel_names,
                        "dyndns": { "description": "Reserved for other programs." },
                    },
                },
            },
            "delivery": options::GLOBAL.clone(),
            "notification_groups": {
                "description": "Groups of channels, by name.",
                "type": ["object", "null"],
                "additionalProperties": options::GROUP.clone(),
            },
            "plugins": {
                "type": "object",
                "properties": {
                    "dirs": {
                        "type": "array", "items": { "type": "string" },
                        "description": "Absolute paths of the folders with plugins.",
                    },
                    "trust": {
                        "enum": ["strict", "warn"],
                        "description": "Whether plugins that other users could have changed are used. Default: strict.",
                    },
                    "lock": {
                        "enum": ["off", "warn", "require", false],
                        "description": "Whether plugins must be those of the lock file. Default: off.",
                    },
                    "lock_file": {
                        "type": "string",
                        "description": "The absolute path of the lock file. Default: plugins.lock beside this file.",
                    },
                },
            },
        },
    });
    declare(&mut document, sections, host_keys, &mut definitions);
    document["$defs"] = Json::Object(definitions);
    document
}

/// Adds the declared sections and keys of hosts. The engine's own keys are not replaced.
fn declare(
    document: &mut Json,
    sections: &[Section],
    host_keys: Option<&HostKeys>,
    definitions: &mut Map<String, Json>,
) {
    let mut add = |to: &str, key: &str, schema: Json| {
        let known = document.pointer_mut(to).and_then(Json::as_object_mut);
        if let Some(known) = known {
            known.entry(key).or_insert(schema);
        }
    };
    for section in sections {
        let name = format!("section:{}", section.name);
        add(
            "/properties",
            &section.name,
            lifted(&section.schema, &name, definitions),
        );
    }
    let hosts = host_keys.map(|keys| lifted(&keys.schema, "host", definitions));
    let properties = hosts
        .as_ref()
        .and_then(|schema| schema.get("properties")?.as_object());
    for (key, schema) in properties.into_iter().flatten() {
        add(
            "/properties/hosts/additionalProperties/properties",
            key,
            schema.clone(),
        );
    }
}

/// Returns a schema whose own definitions have moved to those of the document.
fn lifted(schema: &Json, name: &str, definitions: &mut Map<String, Json>) -> Json {
    let mut schema = adapted(schema, name);
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("$schema");
        if let Some(Json::Object(inner)) = fields.remove("$defs") {
            for (key, definition) in inner {
                definitions.insert(format!("{name}.{key}"), definition);
            }
        }
    }
    schema
}

fn reference() -> Json {
    let forms = FORMS.map(|(form, about)| {
        let mut properties = Map::new();
        properties.insert(
            form.to_owned(),
            json!({ "type": "string", "description": about }),
        );
        json!({
            "type": "object", "properties": properties, "required": [form],
            "additionalProperties": false,
        })
    });
    json!({ "description": "A value that is stored elsewhere.", "oneOf": forms })
}

/// Adds a plugin's schema and its own definitions under unique names.
fn define(channel_type: &ChannelType, definitions: &mut Map<String, Json>) {
    let name = &channel_type.name;
    let Json::Object(mut schema) = lifted(&channel_type.schema, name, definitions) else {
        return;
    };
    if let Some(Json::Object(properties)) = schema.get_mut("properties") {
        properties.insert("type".to_owned(), json!({ "const": name }));
        properties.insert("delivery".to_owned(), json!({ "$ref": "#/$defs/delivery" }));
    }
    if !channel_type.summary.is_empty() {
        schema.insert(
            "description".to_owned(),
            Json::String(channel_type.summary.clone()),
        );
    }
    definitions.insert(name.clone(), Json::Object(schema));
}

/// Renames references, and allows a reference wherever text is accepted.
fn adapted(schema: &Json, name: &str) -> Json {
    match schema {
        Json::Object(fields) => {
            let mut adapted_fields: Map<String, Json> = fields
                .iter()
                .map(|(key, value)| (key.clone(), adapted(value, name)))
                .collect();
            if let Some(Json::String(target)) = adapted_fields.get_mut("$ref")
                && let Some(inner) = target.strip_prefix("#/$defs/")
            {
                *target = format!("#/$defs/{name}.{inner}");
            }
            let types = match fields.get("type") {
                Some(Json::Array(several)) => several.clone(),
                Some(one) => vec![one.clone()],
                None => Vec::new(),
            };
            let is_open = !fields.contains_key("enum") && !fields.contains_key("const");
            if is_open && types.iter().any(|one| one == "string") {
                let mut outer = Map::new();
                for key in ["description", "default", "title"] {
                    if let Some(value) = adapted_fields.remove(key) {
                        outer.insert(key.to_owned(), value);
                    }
                }
                adapted_fields.remove("writeOnly");
                let mut text = adapted_fields;
                // A scalar that looks like a number is text here, as typed: +1202… or 0123.
                let more = ["number", "boolean"].map(|name| Json::String(name.to_owned()));
                text.insert("type".to_owned(), types.into_iter().chain(more).collect());
                outer.insert(
                    "anyOf".to_owned(),
                    json!([text, { "$ref": "#/$defs/reference" }]),
                );
                return Json::Object(outer);
            }
            Json::Object(adapted_fields)
        }
        Json::Array(items) => items.iter().map(|item| adapted(item, name)).collect(),
        other => other.clone(),
    }
}
