//! The section `ingest` of the configuration: named sources with their expressions.
//!
//! `file` has the form of the file, `sources` the checked sources, and `trial` runs their
//! examples.

mod file;
mod sources;
mod trial;

pub use sources::Sources;

use annunciator::{EngineBuilder, Section};
use schemars::JsonSchema;

/// Declares the section `ingest` of a configuration file.
///
/// Without this call, the engine rejects the section as unknown. What is wrong in it is
/// reported with the file's other problems: expressions that cannot be compiled, channels
/// that there are not, and examples that do not give what is expected.
pub fn declare(builder: EngineBuilder) -> EngineBuilder {
    let section = Section::new(file::INGEST, schema_of::<file::IngestFile>())
        .check(|json| sources::read(json).1)
        .check_with(sources::channels);
    builder.section(section)
}

/// Returns the JSON Schema of a part of the file.
fn schema_of<T: JsonSchema>() -> serde_json::Value {
    schemars::schema_for!(T).to_value()
}
