//! Hands messages over to a store of deliveries that is not the state file.
//!
//! A message stays in the state file until the engine's store has accepted it. The store
//! recognises its key and accepts it once, however often it is handed over.

use std::{collections::VecDeque, pin::Pin, time::Duration};

use annunciator::{Engine, NotifyError, PendingSubmission, Receipt, store::Intake};
use tokio::{sync::oneshot, time::timeout};

use crate::incidents::OutboundMessage;

/// The maximum number of messages submitted at once; they may share one commit.
const MAX_SUBMITTED: usize = 64;
/// How long the engine may take to record them: the timeout that it applies for its own
/// callers.
const SUBMIT_TIMEOUT: Duration = Duration::from_secs(10);

/// A message that the engine has prepared for its store.
pub(super) struct Submission {
    pub(super) outbound: OutboundMessage,
    pub(super) intake: Intake,
    pub(super) pending: PendingSubmission,
}

/// The result of a handover; `None` if the store did not answer in time.
pub(super) type HandedOver = (OutboundMessage, Option<Result<Receipt, NotifyError>>);

/// Submits messages in order: the store accepts each one before the next.
///
/// If the store does not answer in time, the remaining messages are handed over later. What
/// it accepts after that is still delivered.
pub(super) fn hand_over(
    engine: &Engine,
    submissions: Vec<Submission>,
) -> Pin<Box<dyn Future<Output = Vec<HandedOver>> + Send>> {
    let store = engine.store().cloned();
    let mut waiting = Vec::with_capacity(submissions.len());
    let mut accepting = Vec::with_capacity(submissions.len());
    for submission in submissions {
        let Submission {
            outbound,
            intake,
            pending,
        } = submission;
        let (answer, answered) = oneshot::channel();
        waiting.push((outbound, pending.release(), answered));
        // A store may begin when it is called, or only when its future is polled.
        accepting.push((
            store.as_ref().map(|store| store.accept(intake)),
            pending,
            answer,
        ));
    }
    // In a task of its own, so that submissions complete even if nobody waits for them.
    tokio::spawn(async move {
        for (accepting, pending, answer) in accepting {
            if let Some(accepting) = accepting {
                // The receiver may be gone.
                let _ = answer.send(pending.accepted(accepting.await));
            }
        }
    });
    Box::pin(async move {
        let deadline = tokio::time::Instant::now() + SUBMIT_TIMEOUT;
        let mut handed_over = Vec::with_capacity(waiting.len());
        for (outbound, release, answered) in waiting {
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            let answer = timeout(left, answered).await.ok().and_then(Result::ok);
            if answer.is_none() {
                release();
            }
            handed_over.push((outbound, answer));
        }
        handed_over
    })
}

/// The queue of messages to hand over.
#[derive(Debug, Default)]
pub(super) struct HandoverQueue {
    /// In the order of their writing.
    waiting: VecDeque<OutboundMessage>,
    /// Messages that were delivered as far as possible and lack only the record.
    notified: VecDeque<OutboundMessage>,
}

impl HandoverQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn push(&mut self, outbound: OutboundMessage) {
        self.waiting.push_back(outbound);
    }

    /// Adds a message whose recipients were notified, for the next [`retry`](Self::retry).
    pub(super) fn push_notified(&mut self, outbound: OutboundMessage) {
        self.notified.push_back(outbound);
    }

    /// Puts the messages whose recipients were notified before all others.
    pub(super) fn retry(&mut self) {
        while let Some(outbound) = self.notified.pop_back() {
            self.waiting.push_front(outbound);
        }
    }

    /// Removes up to `MAX_SUBMITTED` messages from the front.
    pub(super) fn take(&mut self) -> Vec<OutboundMessage> {
        let count = self.waiting.len().min(MAX_SUBMITTED);
        self.waiting.drain(..count).collect()
    }
}
