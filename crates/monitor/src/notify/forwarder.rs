//! Forwards outbound messages to the engine, which records and delivers them.
//!
//! An outbound message is written to the state together with what happened. The engine
//! accepts it by its key, once however often it is submitted; then it is deleted from
//! the state. After a crash, what was not deleted is submitted again. If the engine
//! cannot record a message, people come first: it is delivered without a record, once.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use annunciator::{Engine, NotifyError, Report, Route, UnknownChannel, store::State};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use jiff::Timestamp;
use tokio::{
    sync::{mpsc, watch},
    time::{sleep, timeout},
};

use super::queue::{Queue, QueuedMessage};
use crate::{
    incidents::OutboundMessage,
    machine::{Entry, Moment},
    store::{Batch, Writer},
};

/// How many messages are submitted at the same time; they share one wait for the disk.
const MAX_CONCURRENT_SUBMITS: usize = 64;
/// How long the engine may take to record one: as long as it gives its own
/// callers.
const SUBMIT_TIMEOUT: Duration = Duration::from_secs(10);
/// The same where the state file is in trouble: the store may well be the same
/// file.
const DEGRADED_SUBMIT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often it is tried to record what could be neither recorded nor
/// delivered.
const RETRY_DELAY: Duration = Duration::from_secs(5);
/// So many of these are tried; further ones wait for the next start.
const MAX_UNRECORDED: usize = 10_000;

/// Forwards outbound messages to the engine, in order where order matters.
#[derive(Debug, Clone)]
pub struct Forwarder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Engine,
    store: Arc<Writer>,
    queue: Mutex<Queue>,
    /// Something was put into the queue.
    added: mpsc::UnboundedSender<()>,
    /// Nothing is begun any more.
    closed: watch::Sender<bool>,
    under_way: watch::Sender<usize>,
    unrecorded: AtomicUsize,
}

/// What came of handing one over.
enum Outcome {
    /// The engine has it, or nobody ever will.
    Done,
    /// It is left for the next start.
    Left,
    /// It is tried again in a while.
    RetryLater(OutboundMessage),
}

impl Forwarder {
    /// Creates a forwarder that submits to this engine and deletes from this store.
    /// It works on the runtime that this is called in.
    #[must_use]
    pub fn new(engine: Engine, store: Arc<Writer>) -> Self {
        let (added, news) = mpsc::unbounded_channel();
        let inner = Arc::new(Inner {
            engine,
            store,
            queue: Mutex::default(),
            added,
            closed: watch::Sender::new(false),
            under_way: watch::Sender::new(0),
            unrecorded: AtomicUsize::new(0),
        });
        tokio::spawn(work(Arc::clone(&inner), news));
        Self(inner)
    }

    /// Forwards a message that was written; returns at once.
    pub fn forward(&self, outbound: OutboundMessage) {
        self.0.add(outbound, false);
    }

    /// Returns how many messages were not forwarded so far.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.queue().len() + self.0.unrecorded.load(Ordering::Relaxed)
    }

    /// Submits no further messages, and waits for those being submitted, until the
    /// deadline. The rest is forwarded after the next start.
    pub async fn drain(&self, deadline: Duration) {
        self.0.closed.send_replace(true);
        let mut under_way = self.0.under_way.subscribe();
        let _ = timeout(deadline, under_way.wait_for(|count| *count == 0)).await;
    }
}

async fn work(inner: Arc<Inner>, mut news: mpsc::UnboundedReceiver<()>) {
    let mut closed = inner.closed.subscribe();
    let mut handing = FuturesUnordered::new();
    loop {
        let ends = *closed.borrow_and_update();
        if ends && handing.is_empty() {
            return;
        }
        while handing.len() < MAX_CONCURRENT_SUBMITS && !ends {
            let Some(waiting) = inner.take() else { break };
            let inner = Arc::clone(&inner);
            handing.push(async move { inner.forward_next(waiting).await });
        }
        tokio::select! {
            _ = news.recv() => {}
            Some(()) = handing.next() => {}
            _ = closed.changed() => {}
        }
    }
}

impl Inner {
    fn add(&self, outbound: OutboundMessage, notified: bool) {
        self.queue().push(outbound, notified);
        // Where the worker has ended, it is told after the next start.
        let _ = self.added.send(());
    }

    fn take(&self) -> Option<QueuedMessage> {
        let mut queue = self.queue();
        let waiting = queue.take()?;
        self.under_way.send_replace(queue.under_way());
        Some(waiting)
    }

    async fn forward_next(self: &Arc<Self>, waiting: QueuedMessage) {
        let id = waiting.id;
        let outbound = match waiting.outbound {
            Some(outbound) => Some(outbound),
            None => self.store.outbound(id).await,
        };
        let outcome = match outbound {
            Some(outbound) => self.submit(outbound, waiting.notified).await,
            None => {
                tracing::error!(
                    outbound = id,
                    "the state file does not have this message now: it is told after the next start, if it is there then"
                );
                Outcome::Left
            }
        };
        match outcome {
            Outcome::Done => self.store.write(Batch::default().forwarded(id)),
            Outcome::Left => {}
            Outcome::RetryLater(outbound) => self.retry_later(outbound),
        }
        let mut queue = self.queue();
        queue.ended(&waiting.lane);
        self.under_way.send_replace(queue.under_way());
    }

    fn retry_later(self: &Arc<Self>, outbound: OutboundMessage) {
        // For the next start, should it not come to it.
        self.store
            .write(Batch::default().outbound([outbound.clone()]));
        if self.unrecorded.fetch_add(1, Ordering::Relaxed) >= MAX_UNRECORDED {
            self.unrecorded.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            sleep(RETRY_DELAY).await;
            inner.unrecorded.fetch_sub(1, Ordering::Relaxed);
            inner.add(outbound, true);
        });
    }

    async fn submit(&self, mut outbound: OutboundMessage, notified: bool) -> Outcome {
        let patience = if self.store.health().trouble.is_none() {
            SUBMIT_TIMEOUT
        } else {
            DEGRADED_SUBMIT_TIMEOUT
        };
        loop {
            let names: Vec<&str> = outbound.names.iter().map(|name| &**name).collect();
            let notification = outbound.message.notification();
            let route = Route::Channels(&names);
            let submitting = self.engine.submit(route, notification, Some(&outbound.key));
            let error = match timeout(patience, submitting).await {
                Ok(Ok(receipt)) => {
                    let (notification, repeated) = (receipt.notification, receipt.repeated);
                    tracing::debug!(
                        outbound = outbound.id,
                        notification,
                        repeated,
                        "handed over"
                    );
                    return Outcome::Done;
                }
                Ok(Err(error)) => Some(error),
                Err(_) => None,
            };
            match error {
                Some(NotifyError::UnknownChannel(UnknownChannel(name))) => {
                    self.drop_channel(&mut outbound, &name);
                    if outbound.names.is_empty() {
                        return Outcome::Done;
                    }
                }
                Some(NotifyError::Closed) => return Outcome::Left,
                // It was handed over before the configuration, or the words for it,
                // changed.
                Some(NotifyError::Conflict { differs, .. }) => {
                    tracing::debug!(outbound = outbound.id, differs, "was handed over before");
                    return Outcome::Done;
                }
                Some(NotifyError::Store(_)) | None if notified => {
                    return Outcome::RetryLater(outbound);
                }
                Some(NotifyError::Store(_) | NotifyError::NoStore) | None => {
                    return self.notify_unrecorded(outbound).await;
                }
                Some(error) => return self.refused(&outbound, &error),
            }
        }
    }

    /// A channel that the configuration named when it happened, and does not
    /// any more.
    fn drop_channel(&self, outbound: &mut OutboundMessage, name: &str) {
        outbound.names.retain(|one| **one != *name);
        let why = format!("there is no channel `{name}` any more");
        self.note(outbound, &format!("not told: {why}"));
        tracing::warn!(outbound = outbound.id, text = %outbound.message.body, "{why}: it is not told there");
    }

    fn refused(&self, outbound: &OutboundMessage, error: &NotifyError) -> Outcome {
        self.note(outbound, &format!("not told: {error}"));
        tracing::error!(outbound = outbound.id, text = %outbound.message.body, "not told: {error}");
        Outcome::Done
    }

    /// Notifies people although nothing of it can be recorded.
    async fn notify_unrecorded(&self, mut outbound: OutboundMessage) -> Outcome {
        let names: Vec<&str> = outbound.names.iter().map(|name| &**name).collect();
        let notification = outbound.message.notification();
        match self.engine.notify_unrecorded(&names, notification).await {
            Ok(report) => {
                self.note(&outbound, &outcome(&report));
                let failed = with_state(&report, State::Failed);
                if failed.is_empty() || self.engine.store().is_none() {
                    return Outcome::Done;
                }
                outbound.names = failed;
                Outcome::RetryLater(outbound)
            }
            Err(NotifyError::Closed) => Outcome::Left,
            Err(NotifyError::UnknownChannel(UnknownChannel(name))) => {
                self.drop_channel(&mut outbound, &name);
                Outcome::RetryLater(outbound)
            }
            Err(error) => self.refused(&outbound, &error),
        }
    }

    /// Takes a line into the history of the outbound message's host.
    fn note(&self, outbound: &OutboundMessage, what: &str) {
        let message = &outbound.message;
        let Some(host) = &message.host else {
            return;
        };
        let at = Moment {
            wall_ms: Timestamp::now().as_millisecond(),
            ..Moment::default()
        };
        let text = format!("{what}: {}", message.body);
        let entry = Entry {
            host: Arc::clone(host),
            at,
            text,
        };
        self.store.write(Batch::default().line(entry));
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // What is guarded is whole between any two statements.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of it without a record, in words.
fn outcome(report: &Report) -> String {
    let states = report.channels().iter();
    let states: Vec<String> = states
        .map(|(name, channel)| format!("{name} {}", channel.state))
        .collect();
    format!(
        "told without a record of deliveries ({})",
        states.join(", ")
    )
}

fn with_state(report: &Report, state: State) -> Vec<Arc<str>> {
    let channels = report.channels().iter();
    channels
        .filter(|(_, channel)| channel.state == state)
        .map(|(name, _)| Arc::from(name.as_str()))
        .collect()
}
