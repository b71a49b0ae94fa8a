//! What a program says on its standard output: nothing, or one JSON document.
//!
//! Each field is read by itself: one that is of another kind takes nothing away
//! from the others.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What came of it, in a program's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Delivered,
    Retry,
    Permanent,
    Unknown,
    /// None of these words.
    Other,
}

impl Word {
    fn read(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::String(word) => match word.as_str() {
                "delivered" => Self::Delivered,
                "retry" => Self::Retry,
                "permanent" => Self::Permanent,
                "unknown" => Self::Unknown,
                _ => Self::Other,
            },
            _ => Self::Other,
        })
    }
}

/// What is said of one target, or of all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// Only where several are told.
    pub(crate) target: Option<String>,
    pub(crate) outcome: Option<Word>,
    pub(crate) detail: Option<String>,
    pub(crate) hint: Option<String>,
    /// In seconds.
    pub(crate) retry_after: Option<f64>,
    /// The remote's own name for the message.
    pub(crate) id: Option<String>,
    pub(crate) targets: Vec<Said>,
}

impl Said {
    /// The document, where all of the output is one.
    pub(crate) fn read(output: &[u8]) -> Option<Self> {
        let mut document: Map<String, Value> = serde_json::from_slice(output).ok()?;
        let targets = document.remove("targets").unwrap_or_default();
        let mut said = Self::of_fields(&document);
        match targets {
            Value::Null => {}
            Value::Array(each) => {
                let fields = each.iter().map(Value::as_object);
                said.targets = fields.flatten().map(Self::of_fields).collect();
            }
            // Nobody knows what it says of whom.
            _ => said.outcome = Some(Word::Other),
        }
        Some(said)
    }

    fn of_fields(fields: &Map<String, Value>) -> Self {
        Self {
            target: field(fields, "target"),
            outcome: fields.get("outcome").and_then(Word::read),
            detail: field(fields, "detail"),
            hint: field(fields, "hint"),
            retry_after: field(fields, "retry_after"),
            id: field(fields, "id"),
            targets: Vec::new(),
        }
    }

    /// What is said of a target: of it, or else of all.
    pub(crate) fn of(&self, target: &str) -> &Self {
        let mut own = self.targets.iter();
        let own = own.find(|said| said.target.as_deref() == Some(target));
        own.unwrap_or(self)
    }
}

fn field<T: DeserializeOwned>(fields: &Map<String, Value>, name: &str) -> Option<T> {
    serde_json::from_value(fields.get(name)?.clone()).ok()
}
