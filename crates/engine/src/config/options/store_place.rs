//! Where deliveries are stored: in a file, in memory, or not at all.

use std::path::{Path, PathBuf};

use schemars::{Schema, json_schema};
use serde_json::Value as Json;

use super::{
    super::{problem::Problem, schema::Format, tree::Scalar},
    value::{NONE, Text},
};

/// SQLite's name of a database without a file.
const MEMORY: &str = ":memory:";

/// Where deliveries are stored until they end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StorePlace {
    /// The configuration file does not say. Deliveries are stored where the embedding program says,
    /// see [`EngineBuilder::default_store`](crate::EngineBuilder::default_store), or else in
    /// memory.
    #[default]
    Unset,
    /// Nowhere: each delivery gets one attempt.
    NotStored,
    /// In memory, until the engine ends.
    Memory,
    /// In this file.
    File(PathBuf),
}

pub(super) static STORE_PLACE: Format = Format {
    name: "store",
    noun: "the absolute path of a file",
    check: |text: &str, _: Scalar, _: &Json| StorePlace::read(text).map(drop),
};

impl Text for StorePlace {
    const FORMAT: Option<&'static Format> = Some(&STORE_PLACE);

    /// The file need not exist.
    fn read(text: &str) -> Result<Self, Box<Problem>> {
        let wrong = |sentence, help| Err(Box::new(Problem::error(sentence).help(help)));
        match text {
            "" => Ok(Self::Unset),
            MEMORY => Ok(Self::Memory),
            NONE => Ok(Self::NotStored),
            _ if !Path::new(text).is_absolute() => wrong(
                "expected the absolute path of a file",
                "write the absolute path, from /; or `:memory:`, or `none`",
            ),
            _ if text.ends_with('/') => wrong(
                "expected a file, found a folder",
                "add the name of a file, such as outbox.sqlite",
            ),
            _ => Ok(Self::File(text.into())),
        }
    }

    fn write(&self) -> String {
        match self {
            Self::Unset => String::new(),
            Self::NotStored => NONE.to_owned(),
            Self::Memory => MEMORY.to_owned(),
            Self::File(path) => path.to_string_lossy().into_owned(),
        }
    }

    fn describe() -> Schema {
        json_schema!({ "type": ["string", "null"], "pattern": "^(/.*[^/]|:memory:|none|)$" })
    }
}
