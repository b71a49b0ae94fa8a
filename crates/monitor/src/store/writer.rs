//! Writes what was handed over, on a thread of its own.
//!
//! Nothing waits for a store that cannot be written or does not answer: what
//! is to be written is kept and tried again, people are notified, and the monitor
//! goes on from memory.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    batch::Batch,
    error::StoreError,
    file::{Location, Store},
    reader::{Reader, Records},
    write_queue::{Then, WRITE_TIMEOUT, WriteQueue},
};
use crate::incidents::OutboundMessage;

/// How often a store that could not be written is tried again.
const RETRY_DELAY: Duration = Duration::from_secs(5);
/// How often what has no further use is deleted.
const PRUNE_INTERVAL: Duration = Duration::from_secs(3600);
/// How long the end waits for the last write: well below the 90 s after which
/// systemd kills.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether what is decided also outlives the monitor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Why it does not, in a sentence; `None` when it does.
    pub trouble: Option<String>,
}

/// Ends when a batch is written, or when it turned out that it cannot be for
/// now.
pub type Durable = oneshot::Receiver<()>;

/// What batches are written to.
pub(super) trait Disk: Send + 'static {
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError>;
    fn prune(&mut self) -> Result<(), StoreError>;
}

impl Disk for Store {
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        Self::write(self, batch)
    }

    fn prune(&mut self) -> Result<(), StoreError> {
        Self::prune(self)
    }
}

/// A handle to the thread that writes.
#[derive(Debug)]
pub struct Writer {
    queue: Arc<WriteQueue>,
    reader: Reader,
    health: Arc<Mutex<Health>>,
    threads: [ThreadId; 2],
}

impl Writer {
    /// Starts the thread. Without a store, memory takes its place, so that
    /// what happened since can be asked for, and `trouble` says why.
    ///
    /// # Errors
    /// The system's error when there can be no thread.
    pub fn start(store: Result<Store, StoreError>) -> std::io::Result<Self> {
        let trouble = store.as_ref().err().map(ToString::to_string);
        let store = store.or_else(|_| Store::open(&Location::Memory)).ok();
        let reader = store.as_ref().and_then(|store| store.reader().ok());
        Self::over(store, Reader::new(reader), trouble)
    }

    /// The same over any disk. Where there is trouble already, this one only
    /// stands in.
    pub(super) fn over(
        disk: Option<impl Disk>,
        reader: Reader,
        trouble: Option<String>,
    ) -> std::io::Result<Self> {
        let queue = Arc::<WriteQueue>::default();
        let stands_in = trouble.is_some();
        let health = Arc::new(Mutex::new(Health { trouble }));
        let work = Work {
            disk,
            stands_in,
            unwritten: Batch::default(),
            retry_at: None,
            pruned_at: None,
            health: Arc::clone(&health),
        };
        let (written, watched) = (Arc::clone(&queue), Arc::clone(&queue));
        let watch = thread::Builder::new()
            .name("monitor-watch".to_owned())
            .spawn(move || watched.look_after())?;
        let write = thread::Builder::new()
            .name("monitor-store".to_owned())
            .spawn(move || work.run(&written))
            .inspect_err(|_| queue.end())?;
        Ok(Self {
            queue,
            reader,
            health,
            threads: [watch.thread().id(), write.thread().id()],
        })
    }

    /// Hands a batch over. They are written in the order of the calls.
    pub fn write(&self, batch: Batch) {
        self.queue.push(batch, None);
    }

    /// Hands a batch over and answers when it is written.
    #[must_use]
    pub fn write_durably(&self, batch: Batch) -> Durable {
        let (written, durable) = oneshot::channel();
        self.write_then(batch, move || {
            let _ = written.send(());
        });
        durable
    }

    /// Hands a batch over; `then` is called when it is written, or when it
    /// turned out that it cannot be for now: after 2 s the disk is not waited
    /// for any longer.
    pub fn write_then(&self, batch: Batch, then: impl FnOnce() + Send + 'static) {
        let then: Then = Box::new(then);
        self.queue.push(batch, Some(then));
    }

    /// The newest lines of a host's history and what waits to be told about it,
    /// with what was given to write before.
    pub async fn history(&self, host: &str, most: u32) -> Records {
        let _ = self.write_durably(Batch::default()).await;
        self.reader.records(host.into(), most).await
    }

    /// An outbound message that was written and not deleted.
    pub async fn outbound(&self, id: u64) -> Option<OutboundMessage> {
        self.reader.outbound(id).await
    }

    /// Whether what is handed over is also written.
    #[must_use]
    pub fn health(&self) -> Health {
        if self.queue.hangs() {
            let seconds = WRITE_TIMEOUT.as_secs();
            let trouble = format!(
                "the disk does not answer: the state file is being written for more than {seconds} s"
            );
            return Health {
                trouble: Some(trouble),
            };
        }
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        health.clone()
    }
}

impl Drop for Writer {
    /// Waits until all that was handed over is written, as long as the disk
    /// answers.
    fn drop(&mut self) {
        self.queue.close();
        // One of those that were called may have been the last to hold it.
        let own = self.threads.contains(&thread::current().id());
        if !own && !self.queue.wait_for_end(SHUTDOWN_TIMEOUT) {
            tracing::error!(
                "the disk with the state file does not answer: what was decided last is not written"
            );
        }
    }
}

struct Work<D> {
    disk: Option<D>,
    /// It is not the one that was wanted: it outlives nothing.
    stands_in: bool,
    /// What could not be written so far.
    unwritten: Batch,
    retry_at: Option<Instant>,
    pruned_at: Option<Instant>,
    health: Arc<Mutex<Health>>,
}

impl<D: Disk> Work<D> {
    fn run(mut self, queue: &WriteQueue) {
        let mut closed = false;
        while !closed {
            let wait = self.retry_at.map_or(PRUNE_INTERVAL, |at| {
                at.saturating_duration_since(Instant::now())
            });
            let taken = queue.take(wait);
            closed = taken.closed;
            self.unwritten.merge(taken.batch);
            if closed {
                self.retry_at = None;
            }
            self.write();
            queue.written(taken.number);
            if !closed {
                queue.busy();
                self.prune();
                queue.written(taken.number);
            }
        }
        // Before it counts as ended: whoever waits may open the file next.
        self.disk = None;
        queue.end();
    }

    fn write(&mut self) {
        let due = self.retry_at.is_none_or(|at| at <= Instant::now());
        let Some(disk) = &mut self.disk else {
            self.unwritten = Batch::default();
            return;
        };
        if !due || self.unwritten.is_empty() {
            return;
        }
        match disk.write(&self.unwritten) {
            Ok(()) => {
                self.unwritten = Batch::default();
                self.retry_at = None;
                self.report(None);
            }
            Err(error) => {
                self.retry_at = Some(Instant::now() + RETRY_DELAY);
                self.report(Some(error.to_string()));
            }
        }
    }

    fn prune(&mut self) {
        let due = self
            .pruned_at
            .is_none_or(|at| at.elapsed() >= PRUNE_INTERVAL);
        if let Some(disk) = self
            .disk
            .as_mut()
            .filter(|_| due && self.retry_at.is_none())
        {
            self.pruned_at = Some(Instant::now());
            if let Err(error) = disk.prune() {
                self.report(Some(error.to_string()));
            }
        }
    }

    fn report(&self, trouble: Option<String>) {
        if self.stands_in {
            return;
        }
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        if health.trouble == trouble {
            return;
        }
        match &trouble {
            Some(trouble) => tracing::error!(
                "{trouble}; the monitor goes on from memory and tries again every {} s",
                RETRY_DELAY.as_secs()
            ),
            None => tracing::info!("the state file is written again; nothing is lost"),
        }
        health.trouble = trouble;
    }
}
