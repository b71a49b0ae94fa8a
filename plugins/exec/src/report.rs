//! The report that a program writes to its standard output: nothing, or one JSON document.
//!
//! Each field is read by itself, so that a field of a wrong type does not invalidate the others.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// An outcome, as a program names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Delivered,
    Retry,
    Permanent,
    Unknown,
    /// Anything else, which counts as unknown.
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

/// The report on one target, or on all targets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    /// The target's name; only in the reports in `targets`.
    pub(crate) target: Option<String>,
    pub(crate) outcome: Option<Word>,
    pub(crate) detail: Option<String>,
    pub(crate) hint: Option<String>,
    /// How long to wait before the retry, in seconds.
    pub(crate) retry_after: Option<f64>,
    /// The remote's ID for the message.
    pub(crate) id: Option<String>,
    /// The reports on single targets.
    pub(crate) targets: Vec<Report>,
}

impl Report {
    /// Reads the document. Returns `None` unless the whole output is one JSON object.
    pub(crate) fn read(output: &[u8]) -> Option<Self> {
        let mut document: Map<String, Value> = serde_json::from_slice(output).ok()?;
        let targets = document.remove("targets").unwrap_or_default();
        let mut report = Self::of_fields(&document);
        match targets {
            Value::Null => {}
            Value::Array(each) => {
                let fields = each.iter().map(Value::as_object);
                report.targets = fields.flatten().map(Self::of_fields).collect();
            }
            // The report on single targets is unreadable, so no outcome is certain.
            _ => report.outcome = Some(Word::Other),
        }
        Some(report)
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

    /// Returns the report on a target: its own one, or else the one on all targets.
    pub(crate) fn of(&self, target: &str) -> &Self {
        let mut own = self.targets.iter();
        let own = own.find(|report| report.target.as_deref() == Some(target));
        own.unwrap_or(self)
    }
}

fn field<T: DeserializeOwned>(fields: &Map<String, Value>, name: &str) -> Option<T> {
    serde_json::from_value(fields.get(name)?.clone()).ok()
}
