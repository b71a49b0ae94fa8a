//! What a program says on its standard output: nothing, or one JSON document.

use serde::Deserialize;

/// What came of it, in a program's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Word {
    Delivered,
    Retry,
    Permanent,
    Unknown,
}

/// What is said of one target, or of all.
#[derive(Debug, Clone, Default, Deserialize)]
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
    #[serde(default)]
    pub(crate) targets: Vec<Said>,
}

impl Said {
    /// The document, where all of the output is one.
    pub(crate) fn read(output: &[u8]) -> Option<Self> {
        serde_json::from_slice(output).ok()
    }

    /// What is said of a target: of it, or else of all.
    pub(crate) fn of(&self, target: &str) -> &Self {
        let mut own = self.targets.iter();
        let own = own.find(|said| said.target.as_deref() == Some(target));
        own.unwrap_or(self)
    }
}
