//! Faults of the connection, on a test's demand.
//!
//! A fault applies to one request; [`Faults`] decides which request it is: the next one, or all
//! of them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Answer;

/// A fault. "Stored" means that the stand-in has accepted the request, as the real service would
/// have, so that a retry of it is a duplicate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The request is stored, and the answer is delayed.
    Slow(Duration),
    /// The request is not stored and never answered. This ends when the client leaves.
    Silent,
    /// The request is stored and never answered. This ends when the client leaves.
    SilentAfterStoring,
    /// The connection is reset before the request is stored.
    ResetBeforeStoring,
    /// The request is stored, then the connection is reset in place of an answer.
    ResetAfterStoring,
    /// The request is not stored, and gets this answer.
    Answer(Answer),
    /// The request is stored, but gets this answer in place of the real one.
    AnswerAfterStoring(Answer),
}

impl Fault {
    /// Returns a login page with status 200, as a proxy or captive portal answers in the
    /// service's place. The request is not stored.
    pub fn html_page() -> Self {
        Self::Answer(Answer::html(
            200,
            "<!DOCTYPE html><html><head><title>Sign in</title></head>\
             <body><form action=\"/login\"><input name=\"user\"></form></body></html>",
        ))
    }

    /// Returns a proxy's error page with this status. The request is not stored.
    pub fn proxy_error(status: u16) -> Self {
        Self::Answer(Answer::html(
            status,
            format!(
                "<html><head><title>{status}</title></head>\
                 <body><center><h1>{status}</h1></center><hr><center>nginx</center></body></html>"
            ),
        ))
    }

    /// Returns status 200 with a body of this size. The request is not stored.
    pub fn huge_body(bytes: usize) -> Self {
        Self::Answer(Answer::text(200, "").body(vec![b'x'; bytes]))
    }
}

/// The faults that a test has injected and that no request has met yet.
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

    /// Returns the fault for the current request: the first in the queue, if there is one.
    pub(super) fn take(&self) -> Option<Fault> {
        let mut plan = self.plan();
        plan.next.pop_front().or_else(|| plan.always.clone())
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
