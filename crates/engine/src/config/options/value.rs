//! The kinds of value that options have besides numbers, booleans and words: how JSON Schema
//! describes them, and how they are converted from what the reader has read.
//!
//! A field of such a type names this module: `#[serde(with = "value")]` and `#[schemars(schema_with
//! = "value::schema::<Duration>")]`. An `Option` is the word `none` or a value. An absent key is
//! different from `none`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};
use serde_json::Value as Json;

use super::{
    super::{
        problem::Problem,
        quiet_hours::QuietHours,
        schema::{FORMAT_KEYWORD, Format},
    },
    channel::Canary,
};

/// The word for no value, where a channel would otherwise inherit the value of all channels.
pub(super) const NONE: &str = "none";

/// A value that is written in the file as one text.
pub(in super::super) trait Text: Sized {
    /// The format by which the reader checks the text, if JSON Schema cannot describe it.
    const FORMAT: Option<&'static Format>;

    /// Parses a text. Returns what is wrong with it if it cannot be parsed.
    fn read(text: &str) -> Result<Self, Box<Problem>>;

    /// Returns the text of the value.
    fn write(&self) -> String;

    /// Returns the JSON Schema of the text, for editors.
    fn describe() -> Schema;
}

/// A value of an option.
pub(in super::super) trait OptionValue: Sized {
    /// Returns the JSON Schema of the value.
    fn schema(generator: &mut SchemaGenerator) -> Schema;

    /// Converts a value that matches the schema, or returns what does not match.
    fn from_json(json: Json) -> Result<Self, String>;

    /// Converts the value to the JSON from which it can be read.
    fn to_json(&self) -> Json;
}

impl<T: Text> OptionValue for T {
    fn schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = T::describe();
        if let Some(format) = T::FORMAT {
            schema.insert(FORMAT_KEYWORD.to_owned(), format.name.into());
        }
        schema
    }

    fn from_json(json: Json) -> Result<Self, String> {
        // The schema accepts no null, so null becomes an empty text.
        let text = json.as_str().unwrap_or_default();
        T::read(text).map_err(|problem| problem.sentence())
    }

    fn to_json(&self) -> Json {
        Json::String(self.write())
    }
}

impl<T: OptionValue> OptionValue for Option<T> {
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let value = T::schema(generator);
        json_schema!({ "anyOf": [value, { "const": NONE }] })
    }

    fn from_json(json: Json) -> Result<Self, String> {
        match json.as_str() {
            Some(NONE) => Ok(None),
            _ => T::from_json(json).map(Some),
        }
    }

    fn to_json(&self) -> Json {
        self.as_ref().map_or_else(|| NONE.into(), T::to_json)
    }
}

/// Implements [`OptionValue`] for mappings, which serde and schemars support already.
macro_rules! mappings {
    ($($mapping:ty),*) => {$(
        impl OptionValue for $mapping {
            fn schema(generator: &mut SchemaGenerator) -> Schema {
                <$mapping as JsonSchema>::json_schema(generator)
            }

            fn from_json(json: Json) -> Result<Self, String> {
                serde_json::from_value(json).map_err(|error| error.to_string())
            }

            fn to_json(&self) -> Json {
                serde_json::to_value(self).unwrap_or_default()
            }
        }
    )*};
}

mappings!(Canary, QuietHours);

/// Returns the schema, for `schemars(schema_with)`.
pub(in super::super) fn schema<T: OptionValue>(generator: &mut SchemaGenerator) -> Schema {
    T::schema(generator)
}

/// Deserializes a value, for `serde(with)`.
pub(in super::super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: OptionValue,
    D: Deserializer<'de>,
{
    T::from_json(Json::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// Serializes a value, for `serde(with)`. By it, schemars includes the default value in a schema.
pub(in super::super) fn serialize<T, S>(value: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    T: OptionValue,
    S: Serializer,
{
    value.to_json().serialize(serializer)
}
