//! A write: a batch, and the messages that the engine's store accepts in the same
//! transaction.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use annunciator::{
    PendingSubmission,
    store::{Accepted, Answer, SqliteFile, SqliteStore, StoreError},
};
use tokio::time::Instant;

use super::{handover::Submission, recording::WRITE_TIMEOUT};
use crate::{
    incidents::OutboundMessage,
    store::{Batch, write},
};

/// The result of the transaction: the store's answer for each message, or `None` if the
/// write was given up before it began.
pub(super) type Recorded = Option<Vec<Result<Accepted, StoreError>>>;

/// What waits for a write to end.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// The callers that wait for everything recorded up to this number.
    pub(super) number: u64,
    /// The messages that are handed over afterwards.
    pub(super) fresh: Vec<OutboundMessage>,
}

/// A write in progress.
pub(super) struct Writing {
    pub(super) answer: Answer<Recorded>,
    /// Shared with the transaction, which may be retried.
    batch: Arc<Mutex<Batch>>,
    /// The messages that get or lose a row in the state file.
    pub(super) rows: Vec<u64>,
    pub(super) forwarded: Vec<u64>,
    /// The messages that the engine's store accepts.
    pub(super) messages: Vec<(OutboundMessage, PendingSubmission)>,
    pub(super) waiting: Waiting,
    pub(super) give_up_at: Instant,
    /// Set when notifications no longer wait for the write; a write that has not begun then
    /// accepts nothing.
    gave_up: Arc<AtomicBool>,
}

impl Writing {
    /// Begins to write a batch to a file. `deliveries` is the engine's store in the same
    /// file; without it there are no submissions.
    pub(super) fn begin(
        file: &SqliteFile,
        batch: Batch,
        submissions: Vec<Submission>,
        deliveries: Option<Arc<SqliteStore>>,
        waiting: Waiting,
    ) -> Self {
        let (mut intakes, mut messages) = (Vec::new(), Vec::new());
        for submission in submissions {
            intakes.push(submission.intake);
            messages.push((submission.outbound, submission.pending));
        }
        let rows = batch.outbound.keys().copied().collect();
        let forwarded = batch.forwarded.iter().copied().collect();
        let batch = Arc::new(Mutex::new(batch));
        let gave_up = Arc::<AtomicBool>::default();
        let (shared, is_given_up) = (Arc::clone(&batch), Arc::clone(&gave_up));
        let answer = file.write(move |transaction| {
            let batch = shared.lock().unwrap_or_else(PoisonError::into_inner);
            write(transaction, &batch)?;
            let accepts = !is_given_up.load(Ordering::Relaxed);
            let Some(deliveries) = deliveries.as_ref().filter(|_| accepts) else {
                return Ok(None);
            };
            let accepted = intakes
                .iter()
                .map(|intake| deliveries.accept_in(transaction, intake));
            accepted.collect::<Result<_, _>>().map(Some)
        });
        Self {
            answer,
            batch,
            rows,
            forwarded,
            messages,
            waiting,
            give_up_at: Instant::now() + WRITE_TIMEOUT,
            gave_up,
        }
    }

    /// Returns whether notifications no longer wait for the write.
    pub(super) fn gave_up(&self) -> bool {
        self.gave_up.load(Ordering::Relaxed)
    }

    pub(super) fn give_up(&self) {
        self.gave_up.store(true, Ordering::Relaxed);
    }

    /// Takes back a batch that could not be written.
    pub(super) fn take_batch(&self) -> Batch {
        std::mem::take(&mut *self.batch.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
