//! Gathers what is written at about the same time into one transaction, on a
//! thread of its own.
//!
//! When the store cannot be written, nothing waits for it: what is to be
//! written is kept and tried again, and the monitor goes on from memory.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SendError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    batch::Batch,
    error::StoreError,
    file::{Location, Store},
    load::HistoryLine,
};
use crate::tell::Telling;

/// How often a store that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// How often what has no further use is deleted.
const PRUNE: Duration = Duration::from_secs(3600);
/// As many batches at most make one transaction.
const MOST_BATCHES: usize = 1024;

/// Whether what is decided also outlives the monitor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Why it does not, in a sentence; `None` when it does.
    pub trouble: Option<String>,
}

/// Ends when a batch is written, or when it turned out that it cannot be for
/// now.
pub type Durable = oneshot::Receiver<()>;

type Then = Box<dyn FnOnce() + Send>;

enum Request {
    Write(Box<Batch>, Option<Then>),
    History(
        Arc<str>,
        u32,
        oneshot::Sender<(Vec<HistoryLine>, Vec<Telling>)>,
    ),
}

/// A handle to the thread that writes.
#[derive(Debug)]
pub struct Writer {
    requests: Option<Sender<Request>>,
    health: Arc<Mutex<Health>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. Without a store, memory takes its place, so that
    /// what happened since can be asked for, and `trouble` says why.
    ///
    /// # Errors
    /// The system's error when there can be no thread.
    pub fn start(store: Result<Store, StoreError>) -> std::io::Result<Self> {
        let (requests, received) = channel();
        let health = Arc::new(Mutex::new(Health {
            trouble: store.as_ref().err().map(ToString::to_string),
        }));
        let stands_in = store.is_err();
        let work = Work {
            store: store.or_else(|_| Store::open(&Location::Memory)).ok(),
            stands_in,
            unwritten: Batch::default(),
            retry_at: None,
            pruned_at: None,
            health: Arc::clone(&health),
        };
        let thread = thread::Builder::new()
            .name("hbd-store".to_owned())
            .spawn(move || work.run(&received))?;
        Ok(Self {
            requests: Some(requests),
            health,
            thread: Some(thread),
        })
    }

    /// Hands a batch over. They are written in the order of the calls.
    pub fn write(&self, batch: Batch) {
        self.send(Request::Write(Box::new(batch), None));
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
    /// turned out that it cannot be for now.
    pub fn write_then(&self, batch: Batch, then: impl FnOnce() + Send + 'static) {
        self.send(Request::Write(Box::new(batch), Some(Box::new(then))));
    }

    /// The newest lines of a host's history and the newest tellings about it.
    #[must_use]
    pub fn history(
        &self,
        host: &str,
        most: u32,
    ) -> oneshot::Receiver<(Vec<HistoryLine>, Vec<Telling>)> {
        let (answer, answered) = oneshot::channel();
        self.send(Request::History(host.into(), most, answer));
        answered
    }

    /// Whether what is handed over is also written.
    #[must_use]
    pub fn health(&self) -> Health {
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        health.clone()
    }

    fn send(&self, request: Request) {
        let sent = self
            .requests
            .as_ref()
            .map(|requests| requests.send(request));
        // Should the thread have ended before its time, people are told all
        // the same.
        if let Some(Err(SendError(Request::Write(_, Some(then))))) = sent {
            then();
        }
    }
}

impl Drop for Writer {
    /// Waits until all that was handed over is written.
    fn drop(&mut self) {
        self.requests = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Work {
    store: Option<Store>,
    /// It is not the one that was wanted: it outlives nothing.
    stands_in: bool,
    /// What could not be written so far.
    unwritten: Batch,
    retry_at: Option<Instant>,
    pruned_at: Option<Instant>,
    health: Arc<Mutex<Health>>,
}

impl Work {
    fn run(mut self, requests: &Receiver<Request>) {
        loop {
            let wait = self
                .retry_at
                .map_or(PRUNE, |at| at.saturating_duration_since(Instant::now()));
            let first = match requests.recv_timeout(wait) {
                Ok(request) => Some(request),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut waiting = Vec::new();
            let more = std::iter::from_fn(|| requests.try_recv().ok());
            for request in first.into_iter().chain(more).take(MOST_BATCHES) {
                match request {
                    Request::Write(batch, written) => {
                        self.unwritten.merge(*batch);
                        waiting.extend(written);
                    }
                    Request::History(host, most, answer) => {
                        // It shall have what was handed over before.
                        self.write(&mut waiting);
                        let _ = answer.send(self.history(&host, most));
                    }
                }
            }
            self.write(&mut waiting);
            self.prune();
        }
        self.retry_at = None;
        self.write(&mut Vec::new());
    }

    fn write(&mut self, waiting: &mut Vec<Then>) {
        let due = self.retry_at.is_none_or(|at| at <= Instant::now());
        if let Some(store) = self
            .store
            .as_mut()
            .filter(|_| due && !self.unwritten.is_empty())
        {
            match store.write(&self.unwritten) {
                Ok(()) => {
                    self.unwritten = Batch::default();
                    self.retry_at = None;
                    self.report(None);
                }
                Err(error) => {
                    self.retry_at = Some(Instant::now() + RETRY);
                    self.report(Some(error.to_string()));
                }
            }
        }
        if self.store.is_none() {
            self.unwritten = Batch::default();
        }
        waiting.drain(..).for_each(|then| then());
    }

    fn history(&self, host: &str, most: u32) -> (Vec<HistoryLine>, Vec<Telling>) {
        let Some(store) = &self.store else {
            return (Vec::new(), Vec::new());
        };
        let history = store.history(host, most).unwrap_or_default();
        (history, store.tellings_of(host, most).unwrap_or_default())
    }

    fn prune(&mut self) {
        let due = self.pruned_at.is_none_or(|at| at.elapsed() >= PRUNE);
        if let Some(store) = self
            .store
            .as_mut()
            .filter(|_| due && self.retry_at.is_none())
        {
            self.pruned_at = Some(Instant::now());
            if let Err(error) = store.prune() {
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
                RETRY.as_secs()
            ),
            None => tracing::info!("the state file is written again; nothing is lost"),
        }
        health.trouble = trouble;
    }
}
