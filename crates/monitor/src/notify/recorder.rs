//! Records the monitor's decisions, with the messages that follow from them.
//!
//! If the engine stores its deliveries in the state file, a state change and its messages
//! are one transaction: the engine's store accepts the messages in the transaction that
//! writes the change. If it stores them elsewhere, the messages are written with the change
//! and then [handed over](super::handover).
//!
//! Nothing waits for a disk that fails or hangs. Writes are merged and retried, people are
//! notified [without a record](super::unrecorded), and the monitor continues from memory.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use annunciator::{
    Engine,
    store::{SqliteFile, SqliteStore},
};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::recording::{Recording, WRITE_TIMEOUT};
use crate::{
    incidents::OutboundMessage,
    store::{Batch, HistoryLine, StateChange, StateStore, StoreError, changes, history},
};

/// How long a caller that reads the history waits for the disk.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the shutdown waits for the last write: with `monitor.drain`, which is 30 s unless
/// configured, below the 45 s (`TimeoutStopSec`) of the unit in `config/`.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum number of messages that are neither recorded nor delivered, some 500 bytes
/// each. Only a store and channels that all fail for days collect so many.
const MAX_OPEN: usize = 1_000_000;

/// The stores of the state and of the messages.
#[derive(Debug)]
pub struct Records {
    /// The state store. If it is an error, the state cannot be written, and memory replaces
    /// it.
    pub state: Result<StateStore, StoreError>,
    /// The engine's store, if it is in the state file.
    pub deliveries: Option<Arc<SqliteStore>>,
}

/// Records batches of changes in a task that runs until the last handle is dropped.
#[derive(Debug, Clone)]
pub struct Recorder {
    shared: Arc<Shared>,
    _handle: Arc<Handle>,
}

/// Ends the task when the last handle is dropped.
#[derive(Debug)]
struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.enter(Phase::Ending);
    }
}

/// Marks the task as ended when it is dropped, even by a panic.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ended.send_replace(true);
    }
}

/// The recorder's progress towards its end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It records, hands over and retries.
    #[default]
    Running,
    /// No message is handed over to another store any more.
    Draining,
    /// What is left is written once.
    Ending,
}

/// The state that the handles share with the task.
#[derive(Debug)]
pub(super) struct Shared {
    file: Option<Arc<SqliteFile>>,
    queue: Mutex<Queue>,
    /// Notifies the task of a new entry in the queue, or a new phase.
    pub(super) changed: Notify,
    /// The queue is written, or known to be unwritable for now, up to this number.
    pub(super) settled: watch::Sender<u64>,
    /// Whether the task is neither recording nor delivering a message.
    pub(super) idle: watch::Sender<bool>,
    /// Whether the task has ended.
    ended: watch::Sender<bool>,
    /// The messages that are neither recorded nor delivered, by number.
    open: Mutex<BTreeMap<u64, OutboundMessage>>,
    problem: Mutex<Option<String>>,
    /// Whether the disk did not answer within its timeout.
    pub(super) hangs: AtomicBool,
}

/// The queue of the task. Entries are merged, so that it takes no more memory than the
/// state that they describe.
#[derive(Debug, Default)]
struct Queue {
    batch: Batch,
    /// The number of entries so far.
    pushed: u64,
    phase: Phase,
}

/// A batch that was removed from the queue.
pub(super) struct TakenBatch {
    pub(super) batch: Batch,
    /// The number of the last entry that the batch includes.
    pub(super) number: u64,
}

impl Recorder {
    /// Starts the task on the current tokio runtime. `waiting` are the messages that the
    /// state file still has, oldest first.
    #[must_use]
    pub fn start(engine: Engine, records: Records, waiting: Vec<OutboundMessage>) -> Self {
        let Records { state, deliveries } = records;
        let problem = state.as_ref().err().map(ToString::to_string);
        let stands_in = problem.is_some();
        // In memory instead, so that the history of this run can be read.
        let state = state.or_else(|_| StateStore::open(&crate::store::Location::Memory));
        let state = state.ok();
        let shared = Arc::new(Shared {
            file: state.as_ref().map(|state| Arc::clone(state.file())),
            queue: Mutex::default(),
            changed: Notify::new(),
            settled: watch::Sender::new(0),
            idle: watch::Sender::new(waiting.is_empty()),
            ended: watch::Sender::new(false),
            open: Mutex::new(waiting.iter().map(|one| (one.id, one.clone())).collect()),
            problem: Mutex::new(problem),
            hangs: AtomicBool::new(false),
        });
        let recording = Recording::new(Arc::clone(&shared), engine, state, deliveries, stands_in);
        let ended = Ended(Arc::clone(&shared));
        tokio::spawn(async move {
            // Dropped last, when everything else is closed.
            let _ended = ended;
            recording.run(waiting).await;
        });
        Self {
            _handle: Arc::new(Handle(Arc::clone(&shared))),
            shared,
        }
    }

    /// Records a batch and returns at once. Batches are written in the order of the calls,
    /// and the store accepts their messages in the order of their numbers.
    pub fn record(&self, batch: Batch) {
        self.shared.push(batch);
    }

    /// Waits until everything recorded before the call is written, or is known to be
    /// unwritable for now: at most 4 s.
    pub async fn written(&self) {
        // An entry of its own, so that the task has something to answer.
        let number = self.shared.push(Batch::default());
        let mut settled = self.shared.settled.subscribe();
        let settled = settled.wait_for(|settled| *settled >= number);
        let mut ended = self.ended();
        // Up to one timeout each for the write in progress and for the next.
        tokio::select! {
            _ = timeout(2 * WRITE_TIMEOUT, settled) => {}
            _ = ended.wait_for(|ended| *ended) => {}
        }
    }

    /// Returns the newest `limit` lines of a host's history in chronological order,
    /// including those recorded just before the call. Empty if they cannot be read.
    pub async fn history(&self, host: &str, limit: u32) -> Vec<HistoryLine> {
        self.written().await;
        let Some(file) = &self.shared.file else {
            return Vec::new();
        };
        let read = timeout(READ_TIMEOUT, history(file, host.to_owned(), limit)).await;
        let Ok(read) = read else { return Vec::new() };
        read.inspect_err(|error| tracing::warn!("{error}"))
            .unwrap_or_default()
    }

    /// Returns the changes of the states of some hosts since a time, in milliseconds since the Unix
    /// epoch, each with the last one before that. Empty if they cannot be read.
    pub async fn changes(&self, hosts: Vec<Arc<str>>, since_ms: i64) -> Vec<Vec<StateChange>> {
        let Some(file) = &self.shared.file else {
            return Vec::new();
        };
        let read = timeout(READ_TIMEOUT, changes(file, hosts, since_ms)).await;
        let Ok(read) = read else { return Vec::new() };
        read.inspect_err(|error| tracing::warn!("{error}"))
            .unwrap_or_default()
    }

    /// Returns how many messages are neither recorded nor delivered.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.open().len()
    }

    /// Returns the newest `limit` of these messages about a host, in chronological order.
    #[must_use]
    pub fn waiting_about(&self, host: &str, limit: u32) -> Vec<OutboundMessage> {
        let open = self.shared.open();
        let is_about = |one: &&OutboundMessage| one.message.host.as_deref() == Some(host);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let newest = open.values().rev().filter(is_about).take(limit);
        let mut waiting: Vec<_> = newest.cloned().collect();
        waiting.reverse();
        waiting
    }

    /// Returns why the latest decisions would not survive a restart; `None` if they would.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if self.shared.hangs.load(Ordering::Relaxed) {
            return Some(format!(
                "the disk does not answer: the state file is being written for more than {} s",
                WRITE_TIMEOUT.as_secs()
            ));
        }
        if *self.shared.ended.borrow() && self.shared.phase() != Phase::Ending {
            let fault =
                "the task that writes the state file has ended: this is a fault of the monitor";
            return Some(fault.to_owned());
        }
        self.shared.problem().clone()
    }

    /// Stops handing messages over, and waits until the deadline for those in progress. The
    /// rest is handed over after the next start.
    pub async fn drain(&self, deadline: Duration) {
        self.shared.enter(Phase::Draining);
        let mut idle = self.shared.idle.subscribe();
        let is_idle = async {
            // The task has then seen the phase, and everything recorded before.
            self.written().await;
            let _ = idle.wait_for(|idle| *idle).await;
        };
        let _ = timeout(deadline, is_idle).await;
    }

    /// Returns a receiver that turns true when the task has ended and the state is closed.
    pub(super) fn ended(&self) -> watch::Receiver<bool> {
        self.shared.ended.subscribe()
    }

    /// Writes what is left and ends the task. Waits at most 10 s for the disk.
    pub async fn close(self) {
        let mut ended = self.ended();
        self.shared.enter(Phase::Ending);
        let ended = ended.wait_for(|ended| *ended);
        if timeout(SHUTDOWN_TIMEOUT, ended).await.is_err() {
            tracing::error!(
                "the disk with the state file does not answer: the latest changes are not written"
            );
        }
    }
}

impl Shared {
    /// Adds a batch to the queue and returns its number.
    fn push(&self, mut batch: Batch) -> u64 {
        let dropped = admit(&mut batch.outbound, &mut self.open(), MAX_OPEN);
        if dropped > 0 {
            tracing::error!(
                dropped,
                "{MAX_OPEN} messages wait to be recorded or delivered: these are not sent"
            );
        }
        let mut queue = self.queue();
        queue.batch.merge(batch);
        queue.pushed += 1;
        let number = queue.pushed;
        drop(queue);
        self.changed.notify_one();
        number
    }

    pub(super) fn take(&self) -> TakenBatch {
        let mut queue = self.queue();
        TakenBatch {
            batch: std::mem::take(&mut queue.batch),
            number: queue.pushed,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue().batch.is_empty()
    }

    pub(super) fn phase(&self) -> Phase {
        self.queue().phase
    }

    fn enter(&self, phase: Phase) {
        let mut queue = self.queue();
        queue.phase = queue.phase.max(phase);
        queue.pushed += 1;
        drop(queue);
        self.changed.notify_one();
    }

    /// Marks the queue as written, or unwritable for now, up to this number.
    pub(super) fn settle(&self, number: u64) {
        self.settled.send_if_modified(|settled| {
            let is_news = *settled < number;
            *settled = number.max(*settled);
            is_news
        });
    }

    /// Records whether the state can be written; returns whether that has changed.
    pub(super) fn report(&self, problem: Option<&String>) -> bool {
        let mut before = self.problem();
        let is_news = before.as_ref() != problem;
        *before = problem.cloned();
        is_news
    }

    /// Locks the messages that are neither recorded nor delivered.
    pub(super) fn open(&self) -> MutexGuard<'_, BTreeMap<u64, OutboundMessage>> {
        // A poisoned lock is safe: the content is consistent between statements, here and
        // below.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn problem(&self) -> MutexGuard<'_, Option<String>> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds messages to the open ones, and removes those for which there is no room. Returns how
/// many these were.
fn admit(
    outbound: &mut BTreeMap<u64, OutboundMessage>,
    open: &mut BTreeMap<u64, OutboundMessage>,
    max: usize,
) -> usize {
    let before = outbound.len();
    outbound.retain(|id, one| {
        let has_room = open.len() < max;
        if has_room {
            open.insert(*id, one.clone());
        }
        has_room
    });
    before - outbound.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incidents::Message;

    #[test]
    fn what_waits_is_bounded() {
        let message = Arc::new(Message::about_monitor("x", 0));
        let outbound = |id| OutboundMessage {
            id,
            key: "k".into(),
            names: Vec::new(),
            message: Arc::clone(&message),
        };
        let mut open = BTreeMap::new();
        let mut batch: BTreeMap<_, _> = (0..5).map(|id| (id, outbound(id))).collect();
        assert_eq!(admit(&mut batch, &mut open, 3), 2);
        assert_eq!((batch.len(), open.len()), (3, 3));
        open.remove(&0);
        let mut batch: BTreeMap<_, _> = [(7, outbound(7))].into();
        assert_eq!(admit(&mut batch, &mut open, 3), 0);
    }
}
