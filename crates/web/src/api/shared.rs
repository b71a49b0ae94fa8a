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
    tokens::Tokens,
};

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
        error if report::is_wrong_call(error) => Problem::new(Reason::Invalid, detail),
        _ => Problem::new(Reason::Unavailable, detail),
    }
}

/// Returns the problem of a store that did not answer.
pub(super) fn unavailable(error: &StoreError) -> Problem {
    Problem::new(Reason::Unavailable, error.to_string())
}
