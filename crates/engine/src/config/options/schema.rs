//! The JSON Schemas of the options, generated once from their types, for the reader and for
//! editors.

use std::sync::LazyLock;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value as Json, json};

use super::{
    super::{quiet_hours, schema::Format},
    channel::ChannelOptions,
    global::DeliveryConfig,
    group::GroupOptions,
    rate::RATE,
    store_place::STORE_PLACE,
    time::TIME,
};

/// The schema of the options of one channel.
pub(in super::super) static CHANNEL: LazyLock<Json> = LazyLock::new(schema_of::<ChannelOptions>);

/// The schema of the options of all channels, including those that apply to no single channel.
pub(in super::super) static GLOBAL: LazyLock<Json> = LazyLock::new(|| {
    let mut schema = schema_of::<DeliveryConfig>();
    schema["description"] =
        "How the engine treats all channels without settings of their own.".into();
    let own = schema.get_mut("properties").and_then(Json::as_object_mut);
    if let (Some(all), Some(own)) = (properties(&CHANNEL), own) {
        let all = all
            .iter()
            .map(|(key, schema)| (key.clone(), schema.clone()));
        own.extend(all);
    }
    schema
});

/// The schema of the options of a group.
pub(in super::super) static GROUP: LazyLock<Json> = LazyLock::new(schema_of::<GroupOptions>);

/// The schema by which the options of a group are read: without the steps, which are read by the
/// code that knows the names.
pub(in super::super) static GROUP_BUT_STEPS: LazyLock<Json> = LazyLock::new(|| {
    let mut schema = GROUP.clone();
    if let Some(steps) = schema.pointer_mut("/properties/first_of") {
        let anything = ["null", "boolean", "number", "string", "array", "object"];
        *steps = json!({ "description": steps["description"], "type": anything });
    }
    schema
});

/// The kinds of text that the reader checks beyond JSON Schema.
pub(in super::super) static FORMATS: [&Format; 6] = [
    &TIME,
    &RATE,
    &STORE_PLACE,
    &quiet_hours::TIME_OF_DAY,
    &quiet_hours::TIME_ZONE,
    &quiet_hours::EXCEPTION,
];

/// Returns the schema of a type, without references.
fn schema_of<T: JsonSchema>() -> Json {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    // The title is the name of a Rust type.
    schema.remove("title");
    schema.to_value()
}

fn properties(schema: &Json) -> Option<&Map<String, Json>> {
    schema.get("properties")?.as_object()
}

/// Returns the schema of a key.
pub(super) fn property<'a>(schema: &'a Json, key: &str) -> Option<&'a Json> {
    properties(schema)?.get(key)
}
