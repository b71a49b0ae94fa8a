//! The reason why reading failed. The JSON reader's own error cannot carry a reason of the
//! protocol.

use std::cell::Cell;

use serde::de;
use serde_json::error::Category;

use crate::reject::Reject;

/// A cell for the reason, set just before reading fails.
#[derive(Debug, Default)]
pub(crate) struct FailureReason {
    reject: Cell<Option<Reject>>,
    at_number: Cell<bool>,
}

impl FailureReason {
    /// Creates an error with a reason of the protocol.
    pub(crate) fn error<E: de::Error>(&self, reject: Reject) -> E {
        self.reject.set(Some(reject));
        E::custom(reject)
    }

    /// Records whether a number is expected next: invalid JSON at that position (`NaN`,
    /// `1e999`) is a number out of range.
    pub(crate) fn at_number(&self, at_number: bool) {
        self.at_number.set(at_number);
    }

    /// Returns the reason of an error.
    pub(crate) fn of(&self, error: &serde_json::Error) -> Reject {
        let at_number = self.at_number.get() && error.classify() == Category::Syntax;
        self.reject.get().unwrap_or(if at_number {
            Reject::Number
        } else {
            Reject::Malformed
        })
    }
}
