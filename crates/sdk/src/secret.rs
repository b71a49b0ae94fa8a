//! Values that must not be shown: tokens, passwords, keys.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};
use zeroize::Zeroize;

/// A value that is never printed, and is wiped when dropped.
///
/// Its schema is marked `writeOnly`, so that the host keeps the value out of its output and
/// offers to read it from a file or the environment.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value, for the one place that sends it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own message would quote the value.
        T::deserialize(deserializer)
            .map(Self)
            .map_err(|error| match error.to_string() {
                // There is no value to quote, and the field's name is needed.
                text if text.starts_with("missing field") => D::Error::custom(text),
                _ => D::Error::custom("the secret is not of the expected type"),
            })
    }
}

impl<T: Zeroize + JsonSchema> JsonSchema for Secret<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Secret_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = generator.subschema_for::<T>();
        let marks = json_schema!({ "format": "password", "writeOnly": true });
        if let (Some(object), Some(marks)) = (schema.as_object_mut(), marks.as_object()) {
            object.extend(marks.clone());
        }
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_an_error_shows_it() {
        let secret = Secret::new("canary".to_owned());
        assert!(!format!("{secret:?}").contains("canary"));
        let error = serde_json::from_str::<Secret<u16>>("\"canary\"").unwrap_err();
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[test]
    fn the_schema_marks_it() {
        let schema = schemars::schema_for!(Secret<String>);
        assert_eq!(schema.get("writeOnly"), Some(&true.into()));
        assert_eq!(schema.get("type"), Some(&"string".into()));
    }
}
