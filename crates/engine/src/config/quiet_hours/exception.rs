//! The severity that bypasses quiet hours. It must not be the lowest.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;

use super::super::{
    problem::Problem,
    schema::{FORMAT_KEYWORD, Format},
    tree::Scalar,
};
use crate::event::Severity;

pub(in super::super) static EXCEPTION: Format = Format {
    name: "exception",
    noun: "a severity",
    check,
};

pub(super) fn schema(_: &mut SchemaGenerator) -> Schema {
    let bad = [Severity::Warning, Severity::Critical].map(Severity::name);
    let mut schema = json_schema!({ "enum": bad });
    schema.insert(FORMAT_KEYWORD.to_owned(), EXCEPTION.name.into());
    schema
}

/// Explains why a text is not one of the words, which the schema has.
fn check(text: &str, _: Scalar, _: &Json) -> Result<(), Box<Problem>> {
    match text.eq_ignore_ascii_case(Severity::Info.name()) {
        true => Err(Box::new(
            Problem::error("`info` lets everything through: no hours would be quiet")
                .help("write warning or critical"),
        )),
        false => Ok(()),
    }
}
