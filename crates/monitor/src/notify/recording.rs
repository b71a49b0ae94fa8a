//! The recording task: one write at a time, and the fate of its messages.

use std::{
    collections::{BTreeMap, HashSet},
    future::pending,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use annunciator::{
    Engine,
    store::{Answer, SqliteStore, StoreError as DeliveriesError},
};
use tokio::time::{Instant, sleep_until};

use super::{
    handover::{HandedOver, HandoverQueue},
    order::Turn,
    recorder::{Phase, Shared},
    unrecorded::UnrecordedDeliveries,
    writing::{Recorded, Waiting, Writing},
};
use crate::{
    incidents::OutboundMessage,
    store::{Batch, StateStore, StoreError, prune, write},
};

/// How long notifications wait for the disk. A commit takes some 10 ms, and up to a second
/// on a slow disk under load; a disk that takes longer may never answer.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(2);
/// The delay before a failed write is retried, and before deliveries without a record are
/// recorded.
pub(super) const RETRY_DELAY: Duration = Duration::from_secs(5);
/// How often obsolete rows are deleted.
const PRUNE_INTERVAL: Duration = Duration::from_secs(3600);

/// The task's state.
pub(super) struct Recording {
    pub(super) shared: Arc<Shared>,
    pub(super) engine: Engine,
    state: Option<StateStore>,
    /// Whether memory stands in for the state file, so that nothing survives a restart.
    stands_in: bool,
    /// The engine's store, if it is in the same file.
    pub(super) deliveries: Option<Arc<SqliteStore>>,
    /// The changes that are not written yet. They were removed from the queue up to one
    /// number, and nobody waits for them up to another.
    pub(super) unwritten: Batch,
    taken: u64,
    settled: u64,
    pub(super) writing: Option<Writing>,
    retry_at: Option<Instant>,
    /// The last phase has begun: what is left is written once more.
    is_ending: bool,
    /// The messages with a row in the state file.
    pub(super) rows: HashSet<u64>,
    /// The messages to hand over once they are written.
    fresh: Vec<OutboundMessage>,
    pub(super) queue: HandoverQueue,
    pub(super) handing_over: Option<Pin<Box<dyn Future<Output = Vec<HandedOver>> + Send>>>,
    pub(super) retry_handover_at: Option<Instant>,
    pub(super) unrecorded: UnrecordedDeliveries,
    /// The messages that are being, or were, delivered without a record.
    pub(super) notified: HashSet<u64>,
    /// The messages that exist only as rows for now, because they are being delivered
    /// without a record, are held back, or the engine is shut down.
    pub(super) rows_only: HashSet<u64>,
    /// The messages that are held back behind one of their lane that is being delivered
    /// without a record, and their places in that order.
    pub(super) held: BTreeMap<u64, (OutboundMessage, Turn)>,
    /// The messages to hand over whose turn has come: they are not held back again.
    pub(super) cleared: HashSet<u64>,
    pruning: Option<Answer<()>>,
    prune_at: Instant,
}

impl Recording {
    pub(super) fn new(
        shared: Arc<Shared>,
        engine: Engine,
        state: Option<StateStore>,
        deliveries: Option<Arc<SqliteStore>>,
        stands_in: bool,
    ) -> Self {
        Self {
            shared,
            unrecorded: UnrecordedDeliveries::new(engine.clone()),
            engine,
            state,
            stands_in,
            deliveries,
            unwritten: Batch::default(),
            taken: 0,
            settled: 0,
            writing: None,
            retry_at: None,
            is_ending: false,
            rows: HashSet::new(),
            fresh: Vec::new(),
            queue: HandoverQueue::default(),
            handing_over: None,
            retry_handover_at: None,
            notified: HashSet::new(),
            rows_only: HashSet::new(),
            held: BTreeMap::new(),
            cleared: HashSet::new(),
            pruning: None,
            prune_at: Instant::now(),
        }
    }

    /// Runs until the end. `waiting` are messages that have rows already.
    pub(super) async fn run(mut self, waiting: Vec<OutboundMessage>) {
        self.rows.extend(waiting.iter().map(|one| one.id));
        if self.deliveries.is_some() {
            self.unwritten = Batch::default().outbound(waiting);
        } else {
            waiting.into_iter().for_each(|one| self.queue.push(one));
        }
        loop {
            self.take();
            if self.shared.phase() == Phase::Ending && !self.is_ending {
                self.is_ending = true;
                self.retry_at = None;
            }
            self.begin_write();
            self.begin_handover();
            self.begin_prune();
            // In this order: a caller that waits for the second checks the first at that
            // time.
            self.shared.idle.send_replace(self.is_idle());
            self.shared.settle(self.settled);
            if self.has_ended() {
                return;
            }
            self.wait().await;
        }
    }

    /// Waits for the next event and handles it.
    async fn wait(&mut self) {
        let give_up_at = self.writing.as_ref().filter(|writing| !writing.gave_up());
        let give_up_at = give_up_at.map(|writing| writing.give_up_at);
        let may_prune = self.state.is_some() && self.writing.is_none() && self.retry_at.is_none();
        let prune_at = may_prune.then_some(self.prune_at);
        let wake_at = [self.retry_at, self.retry_handover_at, prune_at];
        let wake_at = wake_at.into_iter().flatten().min();
        tokio::select! {
            () = self.shared.changed.notified() => {}
            answer = answered(self.writing.as_mut().map(|writing| &mut writing.answer)) => {
                self.written(answer);
            }
            () = at(give_up_at) => self.give_up(),
            done = answered(self.handing_over.as_mut()) => {
                self.handing_over = None;
                done.into_iter().for_each(|one| self.handed_over(one));
            }
            Some(done) = self.unrecorded.next() => self.delivered_unrecorded(done),
            pruned = answered(self.pruning.as_mut()) => {
                self.pruning = None;
                if let Err(error) = pruned {
                    self.report(Some(StoreError::from(error).to_string()));
                }
            }
            () = at(wake_at) => {
                let is_past = |at: &mut Instant| *at <= Instant::now();
                self.retry_at.take_if(is_past);
                if self.retry_handover_at.take_if(is_past).is_some() {
                    self.queue.retry();
                }
            }
        }
    }

    /// Takes the queue, unless it may grow while the disk is busy.
    fn take(&mut self) {
        let hangs = match &self.writing {
            Some(writing) if !writing.gave_up() => return,
            writing => writing.is_some(),
        };
        let taken = self.shared.take();
        self.taken = taken.number;
        let messages = taken.batch.outbound.values().cloned();
        if self.deliveries.is_none() {
            self.fresh.extend(messages);
        } else if hangs {
            messages.for_each(|one| self.notify_unrecorded(one));
        } else {
            messages.for_each(|one| {
                self.may_go_on(&one);
            });
        }
        self.unwritten.merge(taken.batch);
        if hangs {
            self.unwritten.limit_outbound();
            self.settle();
        }
    }

    /// Releases the callers that wait for the batch.
    fn settle(&mut self) {
        let waiting = self.waiting();
        self.release(waiting);
    }

    /// What waits for everything received so far.
    fn waiting(&mut self) -> Waiting {
        Waiting {
            number: self.taken,
            fresh: std::mem::take(&mut self.fresh),
        }
    }

    /// Releases everything that waited for the write: messages are handed over, callers go on.
    fn release(&mut self, waiting: Waiting) {
        let Waiting { number, fresh } = waiting;
        fresh.into_iter().for_each(|one| self.queue.push(one));
        self.settled = self.settled.max(number);
    }

    fn begin_write(&mut self) {
        if self.writing.is_some() {
            return;
        }
        let is_new = |id: &u64| !self.notified.contains(id) && !self.rows_only.contains(id);
        let is_due = self.retry_at.is_none()
            || self.deliveries.is_some() && self.unwritten.outbound.keys().any(is_new);
        if self.state.is_none() {
            self.unwritten = Batch::default();
        }
        if !is_due || self.unwritten.is_empty() {
            self.settle();
            return;
        }
        let mut batch = std::mem::take(&mut self.unwritten);
        let submissions = match self.deliveries {
            Some(_) => self.prepare_all(&mut batch),
            None => Vec::new(),
        };
        let waiting = self.waiting();
        let Some(state) = &self.state else { return };
        self.writing = Some(Writing::begin(
            state.file(),
            batch,
            submissions,
            self.deliveries.clone(),
            waiting,
        ));
    }

    /// Handles the disk's answer.
    fn written(&mut self, answer: Result<Recorded, DeliveriesError>) {
        let Some(writing) = self.writing.take() else {
            return;
        };
        let gave_up = writing.gave_up();
        if gave_up {
            self.shared.hangs.store(false, Ordering::Relaxed);
            tracing::info!("the disk with the state file answers again");
        }
        match answer {
            Ok(recorded) => {
                self.retry_at = None;
                self.rows.extend(&writing.rows);
                for id in &writing.forwarded {
                    self.rows.remove(id);
                }
                let mut recorded = recorded.into_iter().flatten();
                for (outbound, pending) in writing.messages {
                    match recorded.next() {
                        Some(accepted) => self.recorded(&outbound, pending.accepted(accepted)),
                        // The write timed out, and the message is being delivered without a
                        // record.
                        None => self.keep_if_missing(outbound),
                    }
                }
                self.report(None);
            }
            Err(error) => {
                self.retry_at = Some(Instant::now() + RETRY_DELAY);
                let mut batch = writing.take_batch();
                batch.merge(std::mem::take(&mut self.unwritten));
                self.unwritten = batch;
                for (outbound, pending) in writing.messages {
                    // The engine's own alert about an unwritable store needs the error.
                    drop(pending.accepted(Err(error.clone())));
                    self.keep_if_missing(outbound.clone());
                    self.notify_unrecorded(outbound);
                }
                self.unwritten.limit_outbound();
                self.report(Some(StoreError::from(error).to_string()));
            }
        }
        self.release(writing.waiting);
    }

    /// The write timed out: notifications no longer wait for it.
    fn give_up(&mut self) {
        let Some(writing) = &mut self.writing else {
            return;
        };
        writing.give_up();
        self.shared.hangs.store(true, Ordering::Relaxed);
        tracing::error!("the disk with the state file does not answer; people are still notified");
        let mut messages = Vec::new();
        for (outbound, pending) in &writing.messages {
            pending.release()();
            messages.push(outbound.clone());
        }
        let waiting = std::mem::take(&mut writing.waiting);
        messages
            .into_iter()
            .for_each(|one| self.notify_unrecorded(one));
        self.notify_held();
        self.release(waiting);
    }

    fn begin_prune(&mut self) {
        let is_due = Instant::now() >= self.prune_at && self.retry_at.is_none();
        let state = self.state.as_ref();
        if let Some(state) = state.filter(|_| is_due && self.writing.is_none()) {
            self.prune_at = Instant::now() + PRUNE_INTERVAL;
            self.pruning = Some(state.file().write(prune));
        }
    }

    fn is_idle(&self) -> bool {
        let is_new = |id: &u64| !self.rows_only.contains(id);
        let records = self.deliveries.is_some()
            && self.retry_at.is_none()
            && self.unwritten.outbound.keys().any(is_new);
        let writes = self.writing.as_ref().filter(|writing| !writing.gave_up());
        writes.is_none()
            && !records
            && self.handing_over.is_none()
            && self.unrecorded.is_empty()
            && self.shared.is_empty()
    }

    fn has_ended(&self) -> bool {
        // A retry is pending, so a write would fail again now.
        let is_written = self.unwritten.is_empty() || self.retry_at.is_some();
        self.shared.phase() == Phase::Ending
            && self.writing.is_none()
            && is_written
            && self.shared.is_empty()
    }

    fn report(&self, problem: Option<String>) {
        if self.stands_in || !self.shared.report(problem.as_ref()) {
            return;
        }
        match problem {
            Some(problem) => tracing::error!(
                "{problem}; the monitor continues from memory and tries again every {} s",
                RETRY_DELAY.as_secs()
            ),
            None => tracing::info!("the state file is written again; nothing is lost"),
        }
    }
}

impl Drop for Recording {
    /// Writes what is left even if the runtime ends early, provided that the disk answers.
    fn drop(&mut self) {
        let mut batch = std::mem::take(&mut self.unwritten);
        batch.merge(self.shared.take().batch);
        if let Some(state) = self.state.as_ref().filter(|_| !batch.is_empty()) {
            drop(
                state
                    .file()
                    .write(move |transaction| write(transaction, &batch)),
            );
        }
    }
}

/// Waits for an expected answer, or forever if none is expected.
async fn answered<F: Future + Unpin>(expected: Option<F>) -> F::Output {
    match expected {
        Some(answer) => answer.await,
        None => pending().await,
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
