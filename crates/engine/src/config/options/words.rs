//! Values that are one of a few words, which other parts of the engine define.

use schemars::{Schema, json_schema};

use super::{
    super::{problem::Problem, schema::Format},
    value::Text,
};
use crate::event::{Proof, Severity};

macro_rules! read_by_name {
    ($($kind:ty),+) => {$(
        impl Text for $kind {
            const FORMAT: Option<&'static Format> = None;

            fn read(text: &str) -> Result<Self, Box<Problem>> {
                find(&Self::ALL, Self::name, text)
            }

            fn write(&self) -> String {
                self.name().to_owned()
            }

            fn describe() -> Schema {
                json_schema!({ "enum": Self::ALL.map(Self::name) })
            }
        }
    )+};
}

read_by_name!(Severity, Proof);

/// Finds the value of a word. The reader knows the words from the schema and accepts no other.
fn find<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Result<T, Box<Problem>> {
    let found = all.iter().copied().find(|one| name(*one) == text);
    found.ok_or_else(|| Box::new(Problem::error("this is not one of the possible values")))
}
