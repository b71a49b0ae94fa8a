//! Records what the monitor decides, together with the messages that follow from it.
//!
//! A state change and what people are to be told of it are one transaction where the
//! engine keeps its deliveries in the state file: the engine's store accepts the
//! messages in the transaction that writes the change. Where it keeps them elsewhere,
//! the messages are written with the change and then [handed over](super::handover).
//!
//! Nothing waits for a disk that fails or hangs: what is to be written is merged and
//! tried again, people are notified [without a record](super::unrecorded), and the
//! monitor goes on from memory.

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
    store::{Batch, HistoryLine, StateStore, StoreError, history},
};

/// How long whoever asks for the history waits for the disk.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the end waits for the last write: well below the 90 s after which
/// systemd kills.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the state and the messages are recorded.
#[derive(Debug)]
pub struct Records {
    /// The state; the error says why it cannot be written, and memory takes its place.
    pub state: Result<StateStore, StoreError>,
    /// The engine's store, where it keeps its deliveries in the state file.
    pub deliveries: Option<Arc<SqliteStore>>,
}

/// Takes what is to be recorded. It works until the last handle is dropped.
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

/// Says that the task has ended, however it ended.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ended.send_replace(true);
    }
}

/// How far the recorder is from its end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It works.
    #[default]
    Running,
    /// No message is handed over any more, and none is tried again.
    Draining,
    /// What is left is written, once.
    Ending,
}

/// What the handles share with the task.
#[derive(Debug)]
pub(super) struct Shared {
    file: Option<Arc<SqliteFile>>,
    queue: Mutex<Queue>,
    /// Something was put into the queue, or the phase has changed.
    pub(super) changed: Notify,
    /// Up to which number the queue is written, or cannot be written for now.
    pub(super) settled: watch::Sender<u64>,
    /// Whether no message is being recorded or delivered by the task.
    pub(super) idle: watch::Sender<bool>,
    /// Whether the task has ended.
    ended: watch::Sender<bool>,
    /// The messages that are neither recorded nor delivered, by their numbers.
    open: Mutex<BTreeMap<u64, OutboundMessage>>,
    problem: Mutex<Option<String>>,
    /// The disk has had its time, and not answered.
    pub(super) hangs: AtomicBool,
}

/// What waits for the task; merged, so that it takes no more memory than its subject.
#[derive(Debug, Default)]
struct Queue {
    batch: Batch,
    /// How often something was put in.
    pushed: u64,
    phase: Phase,
}

/// What was taken out of the queue.
pub(super) struct TakenBatch {
    pub(super) batch: Batch,
    /// All that was put in up to this number is in it.
    pub(super) number: u64,
}

impl Recorder {
    /// Starts to record, on the current tokio runtime. `waiting` are the messages that
    /// the state file still has, the oldest first.
    #[must_use]
    pub fn start(engine: Engine, records: Records, waiting: Vec<OutboundMessage>) -> Self {
        let Records { state, deliveries } = records;
        let problem = state.as_ref().err().map(ToString::to_string);
        let stands_in = problem.is_some();
        // So that what happened since can be asked for.
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
            // Last, when nothing is open any more.
            let _ended = ended;
            recording.run(waiting).await;
        });
        Self {
            _handle: Arc::new(Handle(Arc::clone(&shared))),
            shared,
        }
    }

    /// Records a batch; returns at once. Batches are written in the order of the calls,
    /// and their messages are accepted in the order of their numbers.
    pub fn record(&self, batch: Batch) {
        self.shared.push(batch);
    }

    /// Waits until all that was recorded so far is written, or has turned out not to be
    /// writable for now.
    pub async fn written(&self) {
        // A number of its own: the task has something to write, too.
        let number = self.shared.push(Batch::default());
        let mut settled = self.shared.settled.subscribe();
        let settled = settled.wait_for(|settled| *settled >= number);
        // It has said so before, unless it has ended.
        let _ = timeout(2 * WRITE_TIMEOUT, settled).await;
    }

    /// Returns the newest `most` lines of a host's history, with what was recorded
    /// before the call, the oldest of them first; none if they cannot be read.
    pub async fn history(&self, host: &str, most: u32) -> Vec<HistoryLine> {
        self.written().await;
        let Some(file) = &self.shared.file else {
            return Vec::new();
        };
        let read = timeout(READ_TIMEOUT, history(file, host.to_owned(), most)).await;
        let Ok(read) = read else { return Vec::new() };
        read.inspect_err(|error| tracing::warn!("{error}"))
            .unwrap_or_default()
    }

    /// Returns how many messages are neither recorded nor delivered.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.open().len()
    }

    /// Returns the newest `most` of these about a host, the oldest of them first.
    #[must_use]
    pub fn waiting_about(&self, host: &str, most: u32) -> Vec<OutboundMessage> {
        let open = self.shared.open();
        let is_about = |one: &&OutboundMessage| one.message.host.as_deref() == Some(host);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let newest = open.values().rev().filter(is_about).take(most);
        let mut waiting: Vec<_> = newest.cloned().collect();
        waiting.reverse();
        waiting
    }

    /// Returns why what is decided would not survive a restart; `None` if it would.
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

    /// Hands no further messages over, and waits for those being recorded or delivered,
    /// until the deadline. The rest is handed over after the next start.
    pub async fn drain(&self, deadline: Duration) {
        self.shared.enter(Phase::Draining);
        let mut idle = self.shared.idle.subscribe();
        // Until it has seen the phase, and what was recorded before.
        self.written().await;
        let _ = timeout(deadline, idle.wait_for(|idle| *idle)).await;
    }

    /// Turns true when the task has ended and the state is closed.
    pub(super) fn ended(&self) -> watch::Receiver<bool> {
        self.shared.ended.subscribe()
    }

    /// Writes what is left, and ends. It waits 10 s for the disk.
    pub async fn close(self) {
        let mut ended = self.ended();
        self.shared.enter(Phase::Ending);
        let ended = ended.wait_for(|ended| *ended);
        if timeout(SHUTDOWN_TIMEOUT, ended).await.is_err() {
            tracing::error!(
                "the disk with the state file does not answer: what was decided last is not written"
            );
        }
    }
}

impl Shared {
    /// Puts a batch into the queue; answers its number.
    fn push(&self, batch: Batch) -> u64 {
        let outbound = batch.outbound.values();
        self.open()
            .extend(outbound.map(|one| (one.id, one.clone())));
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

    /// All that was put in up to this number is written, or cannot be for now.
    pub(super) fn settle(&self, number: u64) {
        self.settled.send_if_modified(|settled| {
            let is_news = *settled < number;
            *settled = number.max(*settled);
            is_news
        });
    }

    /// Takes note of whether the state can be written; answers whether that is news.
    pub(super) fn report(&self, problem: Option<&String>) -> bool {
        let mut before = self.problem();
        let is_news = before.as_ref() != problem;
        *before = problem.cloned();
        is_news
    }

    /// The messages that are neither recorded nor delivered.
    pub(super) fn open(&self) -> MutexGuard<'_, BTreeMap<u64, OutboundMessage>> {
        // What is guarded is whole between any two statements; so it is below.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn problem(&self) -> MutexGuard<'_, Option<String>> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
