//! What is wrong with a request: whose fault it is, and where.

use std::fmt;

/// Why a request, an item or a field could not be used: a short name for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The body is not JSON, nor a form where one is read.
    NotJson,
    /// The JSON is nested more than [`MAX_DEPTH`](crate::limits::MAX_DEPTH) levels deep.
    TooDeep,
    /// The body or a field is longer than its bound.
    TooLong,
    /// There are more items or attributes than are read.
    TooMany,
    /// A value is not of the kind that its place requires.
    WrongType,
    /// An expression of the file could not be evaluated.
    MappingFailed,
    /// There is no item, or an item has neither a title nor a text.
    Nothing,
    /// The source's format knows no such path.
    WrongPath,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::NotJson,
        Self::TooDeep,
        Self::TooLong,
        Self::TooMany,
        Self::WrongType,
        Self::MappingFailed,
        Self::Nothing,
        Self::WrongPath,
    ];

    /// Returns the name for metrics, which does not change.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::TooDeep => "too_deep",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::WrongType => "wrong_type",
            Self::MappingFailed => "mapping_failed",
            Self::Nothing => "nothing",
            Self::WrongPath => "wrong_path",
        }
    }
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The sender's: its request is not what the format requires.
    Sender,
    /// The mapping's in the file: an expression does not fit what was sent.
    Mapping,
}

/// What is wrong with a request, an item or a field.
///
/// The text is one line. It quotes what was sent, escaped and cut, and no header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestError {
    reason: Reason,
    fault: Fault,
    item: Option<usize>,
    field: Option<String>,
    sentence: String,
}

impl IngestError {
    pub(crate) fn sender(reason: Reason, sentence: impl Into<String>) -> Self {
        Self::new(reason, Fault::Sender, sentence.into())
    }

    pub(crate) fn mapping(reason: Reason, sentence: impl Into<String>) -> Self {
        Self::new(reason, Fault::Mapping, sentence.into())
    }

    fn new(reason: Reason, fault: Fault, sentence: String) -> Self {
        Self {
            reason,
            fault,
            item: None,
            field: None,
            sentence,
        }
    }

    /// Sets the item, counted from 0.
    pub(crate) fn item(mut self, item: usize) -> Self {
        self.item = Some(item);
        self
    }

    /// Sets the field: one of the payload if the fault is the sender's, a key of the file if
    /// it is the mapping's.
    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Returns why, as a short name for metrics.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Returns whose fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// Returns the index of the item, or `None` if it is about the whole request.
    #[must_use]
    pub fn item_index(&self) -> Option<usize> {
        self.item
    }

    /// Returns the field: one of the payload if the fault is the sender's, a key of the file
    /// such as `attributes.branch` if it is the mapping's.
    #[must_use]
    pub fn field_name(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Returns what is wrong, without the place.
    #[must_use]
    pub fn sentence(&self) -> &str {
        &self.sentence
    }
}

impl fmt::Display for IngestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.fault {
            Fault::Sender => "the sender's payload",
            Fault::Mapping => "the file's mapping",
        })?;
        if let Some(item) = self.item {
            write!(f, ", item {item}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", {}", crate::limits::quoted(field))?;
        }
        write!(f, ": {}", self.sentence)
    }
}

impl std::error::Error for IngestError {}
