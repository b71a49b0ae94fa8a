//! What the handlers share: the engine, and the problems of its answers.

use std::sync::Arc;

use annunciator::{
    Engine, NotifyError,
    store::{Store, StoreError},
};

use super::stream::Feed;
use crate::{
    acts::Acts,
    problem::{Problem, Reason},
    report,
    shared_incidents::SharedIncidents,
    tokens::Tokens,
};

/// The default number of things in an answer.
const DEFAULT_PAGE: u32 = 50;
/// The maximum number of things in an answer.
const MAX_PAGE: u32 = 1000;

/// What all handlers share.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) engine: Engine,
    /// The embedding program, in sentences.
    pub(crate) program: &'static str,
    /// The tokens, where there is a file for them.
    pub(crate) tokens: Option<Arc<Tokens>>,
    /// What changes, for the event streams.
    pub(crate) feed: Feed,
    /// What was done.
    pub(crate) acts: Acts,
    /// The incidents that hosts share.
    pub(crate) shared: SharedIncidents,
}

impl Api {
    /// Returns the engine's store, for queries.
    pub(super) fn store(&self) -> Result<&Arc<dyn Store>, Problem> {
        self.engine.store().ok_or_else(|| {
            let detail = "deliveries are not stored: set `delivery.store`";
            Problem::new(Reason::Unavailable, detail)
        })
    }
}

/// Returns the problem of a call that the engine refused: the caller's, or one of this side.
pub(super) fn refused(error: &NotifyError) -> Problem {
    let detail = error.to_string();
    match error {
        NotifyError::Conflict { key, differs } => Problem::new(Reason::Conflict, detail)
            .with("key", key.as_str())
            .with("differs", differs.as_str()),
        NotifyError::NoChannel => Problem::new(Reason::NoChannel, detail),
        error if report::is_wrong_call(error) => Problem::new(Reason::Invalid, detail),
        _ => Problem::new(Reason::Unavailable, detail),
    }
}

/// Returns how many things a page has.
///
/// # Errors
/// Refuses a number beyond what is described, rather than to answer less than was asked for.
pub(super) fn page_limit(asked: Option<u32>) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(DEFAULT_PAGE);
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(limit);
    }
    let detail = format!("`limit` is not between 1 and {MAX_PAGE}");
    Err(Problem::new(Reason::WrongQuery, detail))
}

/// Returns the problem of a store that did not answer.
pub(super) fn unavailable(error: &StoreError) -> Problem {
    Problem::new(Reason::Unavailable, error.to_string())
}
