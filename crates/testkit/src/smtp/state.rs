//! The state of the stand-in, shared by its sessions and the test.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::fault::{Fault, Moment, Verdict};
use super::mail::Mail;

/// Counts of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections accepted.
    pub connections: usize,
    /// Connections that are open now.
    pub open: usize,
    /// Transactions that began with an accepted `MAIL`.
    pub transactions: usize,
    /// `AUTH` commands seen.
    pub auth_attempts: usize,
    /// `QUIT` commands seen.
    pub quits: usize,
    /// `NOOP` commands seen.
    pub noops: usize,
}

/// The mutable state.
#[derive(Debug, Default)]
pub(super) struct SmtpState {
    pub(super) mails: Vec<Mail>,
    pub(super) counts: Counts,
    pub(super) violations: Vec<String>,
    pub(super) commands: Vec<String>,
    pub(super) once: Vec<Fault>,
    pub(super) always: Vec<Fault>,
    pub(super) verdicts: Vec<(String, Verdict)>,
}

/// The state behind its lock, with a notification of every change.
#[derive(Debug, Default)]
pub(super) struct SmtpShared {
    state: Mutex<SmtpState>,
    pub(super) changed: Notify,
}

impl SmtpShared {
    /// Locks the state. A poisoned lock does not matter to a stand-in.
    pub(super) fn lock(&self) -> MutexGuard<'_, SmtpState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes the waiters.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut SmtpState) -> T) -> T {
        let answer = change(&mut self.lock());
        self.changed.notify_waiters();
        answer
    }

    /// Records that the client broke a rule.
    pub(super) fn violation(&self, text: impl Into<String>) {
        self.change(|state| state.violations.push(text.into()));
    }

    /// Returns the faults that are due at a moment, and removes those that occur once.
    pub(super) fn due(&self, moment: Moment) -> Vec<Fault> {
        let mut state = self.lock();
        let mut due: Vec<Fault> = state
            .always
            .iter()
            .filter(|fault| fault.moment() == moment)
            .cloned()
            .collect();
        if let Some(first) = state.once.iter().position(|f| f.moment() == moment) {
            due.push(state.once.remove(first));
        }
        due
    }

    /// Returns the answer to a recipient, unless it is 250.
    pub(super) fn verdict(&self, recipient: &str) -> Option<(u16, String)> {
        let mut state = self.lock();
        let (_, verdict) = state
            .verdicts
            .iter_mut()
            .find(|(address, v)| address.eq_ignore_ascii_case(recipient) && v.times != Some(0))?;
        if let Some(times) = &mut verdict.times {
            *times -= 1;
        }
        Some((verdict.code, verdict.text.clone()))
    }
}
