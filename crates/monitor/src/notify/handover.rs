//! Hands messages over to a store of deliveries that is not the state file.
//!
//! A message stands in the state file until the engine's store has accepted it. The
//! store accepts it by its key, once however often it is handed over.

use std::{collections::VecDeque, pin::Pin, time::Duration};

use annunciator::{Engine, NotifyError, PendingSubmission, Receipt, store::Intake};
use tokio::{sync::oneshot, time::timeout};

use crate::incidents::OutboundMessage;

/// How many messages are submitted at a time; they may share one wait for the disk.
const MAX_SUBMITTED: usize = 64;
/// How long the engine may take to record them: as long as it gives its own callers.
const SUBMIT_TIMEOUT: Duration = Duration::from_secs(10);

/// A message whose intake was decided.
pub(super) struct Submission {
    pub(super) outbound: OutboundMessage,
    pub(super) intake: Intake,
    pub(super) pending: PendingSubmission,
}

/// What came of handing a message over; `None` if the store has not answered in time.
pub(super) type HandedOver = (OutboundMessage, Option<Result<Receipt, NotifyError>>);

/// Submits messages in their order: each is accepted before the next one.
///
/// A store that does not answer in time gets the rest later. What it accepts after all
/// is delivered.
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
        // A store may begin when it is called, or when it is waited for.
        accepting.push((
            store.as_ref().map(|store| store.accept(intake)),
            pending,
            answer,
        ));
    }
    // A task of its own: what was asked for is done also when it is not waited for.
    tokio::spawn(async move {
        for (accepting, pending, answer) in accepting {
            if let Some(accepting) = accepting {
                // Nobody may wait for it any more.
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

/// The messages that wait to be handed over.
#[derive(Debug, Default)]
pub(super) struct HandoverQueue {
    /// In the order in which they were written.
    waiting: VecDeque<OutboundMessage>,
    /// Those that were delivered as far as possible; only the record is missing.
    notified: VecDeque<OutboundMessage>,
}

impl HandoverQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn push(&mut self, outbound: OutboundMessage) {
        self.waiting.push_back(outbound);
    }

    /// Adds one that was notified, for the next [`retry`](Self::retry).
    pub(super) fn push_notified(&mut self, outbound: OutboundMessage) {
        self.notified.push_back(outbound);
    }

    /// Puts those that were notified before all others.
    pub(super) fn retry(&mut self) {
        while let Some(outbound) = self.notified.pop_back() {
            self.waiting.push_front(outbound);
        }
    }

    /// Takes as many as are handed over at a time.
    pub(super) fn take(&mut self) -> Vec<OutboundMessage> {
        let count = self.waiting.len().min(MAX_SUBMITTED);
        self.waiting.drain(..count).collect()
    }
}
