//! What can go wrong on the way, on a test's demand.
//!
//! Decides what happens to one request; which request meets it (the next one,
//! or all of them) is kept in [`Faults`].

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Answer;

/// One fault. "Stored" means that the stand-in has accepted the request, as
/// the real service would have: a repeat of it is a duplicate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Stores, then lets the client wait this long for the answer.
    Slow(Duration),
    /// Stores nothing, and never answers; ends when the client leaves.
    Silent,
    /// Stores, and never answers; ends when the client leaves.
    SilentAfterStoring,
    /// Resets the connection before anything is stored.
    ResetBeforeStoring,
    /// Stores, then resets the connection in place of an answer.
    ResetAfterStoring,
    /// Stores nothing, and answers this.
    Answer(Answer),
    /// Stores, but answers this in place of the real answer.
    AnswerAfterStoring(Answer),
}

impl Fault {
    /// A login page with status 200: what a proxy or portal answers in the
    /// service's place. Nothing is stored.
    pub fn html_page() -> Self {
        Self::Answer(Answer::html(
            200,
            "<!DOCTYPE html><html><head><title>Sign in</title></head>\
             <body><form action=\"/login\"><input name=\"user\"></form></body></html>",
        ))
    }

    /// A proxy's error page with this status. Nothing is stored.
    pub fn proxy_error(status: u16) -> Self {
        Self::Answer(Answer::html(
            status,
            format!(
                "<html><head><title>{status}</title></head>\
                 <body><center><h1>{status}</h1></center><hr><center>nginx</center></body></html>"
            ),
        ))
    }

    /// Status 200 with a body of so many bytes. Nothing is stored.
    pub fn huge_body(bytes: usize) -> Self {
        Self::Answer(Answer::text(200, "").body(vec![b'x'; bytes]))
    }
}

/// The faults that a test has asked for and that no request has met yet.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Plan>);

#[derive(Debug, Default)]
struct Plan {
    next: VecDeque<Fault>,
    always: Option<Fault>,
}

impl Faults {
    pub(super) fn push(&self, fault: Fault) {
        self.plan().next.push_back(fault);
    }

    pub(super) fn set_always(&self, fault: Option<Fault>) {
        self.plan().always = fault;
    }

    /// The fault that the request at hand meets: the queue first.
    pub(super) fn take(&self) -> Option<Fault> {
        let mut plan = self.plan();
        plan.next.pop_front().or_else(|| plan.always.clone())
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
