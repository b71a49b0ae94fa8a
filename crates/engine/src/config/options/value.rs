//! The kinds of value that options have besides numbers, switches and words: how
//! JSON Schema describes them, and how they are made of what the reader read.
//!
//! A field of such a type names this module: `#[serde(with = "value")]` and
//! `#[schemars(schema_with = "value::schema::<Duration>")]`. An `Option` is the word
//! `none` or a value; a key that is absent is something else.

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

/// The word for nothing, where a channel would else have what all channels have.
pub(super) const NONE: &str = "none";

/// A value that stands in the file as one text.
pub(in super::super) trait Text: Sized {
    /// How the reader tells whether a text is one, where JSON Schema cannot say it.
    const FORMAT: Option<&'static Format>;

    /// The value that a text stands for, or what is wrong with it.
    fn read(text: &str) -> Result<Self, Box<Problem>>;

    /// The text that stands for it.
    fn write(&self) -> String;

    /// Its JSON Schema, for editors.
    fn describe() -> Schema;
}

/// A value of an option.
pub(in super::super) trait OptionValue: Sized {
    /// Its JSON Schema.
    fn schema(generator: &mut SchemaGenerator) -> Schema;

    /// The value of what fits that, or what does not fit.
    fn from_json(json: Json) -> Result<Self, String>;

    /// What the value is read from.
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
        // Nothing is an empty text, where the schema takes nothing.
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

/// Mappings, which serde and schemars know already.
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

/// For `schemars(schema_with)`.
pub(in super::super) fn schema<T: OptionValue>(generator: &mut SchemaGenerator) -> Schema {
    T::schema(generator)
}

/// For `serde(with)`.
pub(in super::super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: OptionValue,
    D: Deserializer<'de>,
{
    T::from_json(Json::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// For `serde(with)`; schemars has the default value in a schema by it.
pub(in super::super) fn serialize<T, S>(value: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    T: OptionValue,
    S: Serializer,
{
    value.to_json().serialize(serializer)
}
