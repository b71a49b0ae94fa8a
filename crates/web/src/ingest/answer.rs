//! What a sender is answered.

use annunciator::NotifyError;
use annunciator_ingest::{Fault, IngestError, Reading, Reason as IngestReason};
use serde::Serialize;

use crate::problem::{Problem, Reason};

/// The maximum number of errors that an answer lists; the log and the metrics have the rest.
const MAX_ERRORS: usize = 100;

/// What became of a request that could be read: the number of events by what became of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Accepted now: people are notified.
    pub accepted: usize,
    /// Accepted before: nobody is notified again.
    pub repeated: usize,
    /// Not counted, by the source's `when`.
    pub skipped: usize,
    /// What could not be read, of the first 100 items and fields.
    pub errors: Vec<TakenError>,
    /// Why events were not accepted that could be read, a sentence each.
    #[serde(skip)]
    pub(super) refused: Vec<String>,
}

/// What is wrong with an item or a field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TakenError {
    /// The item, counted from 0; none for the whole request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<usize>,
    /// The field of the payload if the fault is the sender's, else the key of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Whose fault it is: `sender` or `mapping`.
    pub fault: &'static str,
    /// Why, as in the metric `annunciator_ingest_errors_total`.
    pub reason: &'static str,
    /// The same in a sentence.
    pub detail: String,
}

impl From<&IngestError> for TakenError {
    fn from(error: &IngestError) -> Self {
        Self {
            item: error.item_index(),
            field: error.field_name().map(str::to_owned),
            fault: fault(error.fault()),
            reason: error.reason().name(),
            detail: error.to_string(),
        }
    }
}

fn fault(fault: Fault) -> &'static str {
    match fault {
        Fault::Sender => "sender",
        Fault::Mapping => "mapping",
    }
}

impl Taken {
    /// Returns what was read, of which nothing is submitted yet.
    pub(super) fn of(reading: &Reading) -> Self {
        let errors = reading.errors.iter().take(MAX_ERRORS);
        Self {
            skipped: reading.skipped,
            errors: errors.map(TakenError::from).collect(),
            ..Self::default()
        }
    }

    /// Adds an event that the engine does not take.
    pub(super) fn refuse(&mut self, error: &NotifyError) {
        self.refused.push(error.to_string());
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(TakenError {
                item: None,
                field: None,
                fault: fault(Fault::Mapping),
                reason: "refused",
                detail: error.to_string(),
            });
        }
    }

    /// Returns the problem if nothing came of the request but errors.
    pub(super) fn checked(self) -> Result<Self, Problem> {
        match self.errors.first() {
            Some(error) if self.accepted + self.repeated + self.skipped == 0 => {
                Err(Problem::new(Reason::Invalid, error.detail.clone()))
            }
            _ => Ok(self),
        }
    }
}

/// Returns the problem of a request of which nothing can be used.
pub(super) fn unreadable(source: &str, error: &IngestError) -> Problem {
    let reason = match (error.fault(), error.reason()) {
        (Fault::Mapping, _) => Reason::Invalid,
        (_, IngestReason::NotJson | IngestReason::TooDeep) => Reason::NotJson,
        (_, IngestReason::TooLong) => Reason::TooLong,
        (_, IngestReason::WrongPath) => Reason::NotFound,
        _ => Reason::WrongBody,
    };
    let mut problem = Problem::new(reason, error.to_string())
        .with("source", source)
        .with("fault", fault(error.fault()))
        .with("reason", error.reason().name());
    if let Some(item) = error.item_index() {
        problem = problem.with("item", item);
    }
    match (error.fault(), error.field_name()) {
        (Fault::Mapping, Some(key)) => problem.with("key", format!("ingest.{source}.{key}")),
        (Fault::Sender, Some(field)) => problem.with("field", field),
        (_, None) => problem,
    }
}

/// Returns the problem of events that the engine did not accept: the sender has to send them
/// again.
pub(super) fn not_accepted(error: &NotifyError, taken: &Taken) -> Problem {
    let detail = format!("the events were not accepted, send them again: {error}");
    Problem::new(Reason::Unavailable, detail)
        .with("accepted", taken.accepted)
        .with("repeated", taken.repeated)
}
