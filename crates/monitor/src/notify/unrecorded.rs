//! Delivers messages that cannot be recorded: notifying people is more important.

use std::{pin::Pin, sync::Arc};

use annunciator::{Engine, NotifyError, Report, UnknownChannel, store::State};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::order::{TaskOrder, Turn};
use crate::{
    incidents::OutboundMessage,
    machine::{Entry, Moment},
};

/// The maximum number of concurrent deliveries.
const MAX_CONCURRENT: usize = 64;

/// The result of a delivery without a record.
#[derive(Debug)]
pub(super) struct Unrecorded {
    pub(super) outbound: OutboundMessage,
    pub(super) outcome: UnrecordedOutcome,
    /// The lines for the history of the message's host.
    pub(super) history: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnrecordedOutcome {
    /// The message is done.
    Done,
    /// The delivery to the channels that the message still names failed. The engine retries
    /// them once it can record them.
    Failed,
    /// The engine is shut down; the message waits for the next start.
    Closed,
}

type Task = Pin<Box<dyn Future<Output = Unrecorded> + Send>>;

/// The deliveries without a record that are in progress: one per message, in the required
/// order.
#[derive(Debug)]
pub(super) struct UnrecordedDeliveries {
    engine: Engine,
    order: TaskOrder,
    permits: Arc<Semaphore>,
    tasks: FuturesUnordered<Task>,
}

impl UnrecordedDeliveries {
    pub(super) fn new(engine: Engine) -> Self {
        Self {
            engine,
            order: TaskOrder::default(),
            permits: Arc::new(Semaphore::new(MAX_CONCURRENT)),
            tasks: FuturesUnordered::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Gives a message its place behind those of its lane that are in progress.
    pub(super) fn place(&mut self, outbound: &OutboundMessage) -> Turn {
        self.order.push(&outbound.lane())
    }

    /// Delivers a message when its turn comes.
    pub(super) fn push(&mut self, outbound: OutboundMessage, mut turn: Turn) {
        let (engine, permits) = (self.engine.clone(), Arc::clone(&self.permits));
        self.tasks.push(Box::pin(async move {
            turn.come().await;
            // The semaphore is never closed; without a permit there would only be one
            // delivery too many.
            let permit = permits.acquire().await;
            let unrecorded = notify(&engine, outbound).await;
            drop((permit, turn));
            unrecorded
        }));
    }

    /// Waits for the next delivery to end; returns `None` if there is none.
    pub(super) async fn next(&mut self) -> Option<Unrecorded> {
        self.tasks.next().await
    }
}

async fn notify(engine: &Engine, mut outbound: OutboundMessage) -> Unrecorded {
    let mut history = Vec::new();
    let outcome = loop {
        let names: Vec<&str> = outbound.names.iter().map(|name| &**name).collect();
        let notification = outbound.message.notification();
        match engine.notify_unrecorded(&names, notification).await {
            Ok(report) => {
                history.extend(entry(&outbound, &in_words(&report)));
                outbound.names = failed(&report);
                let is_done = outbound.names.is_empty() || engine.store().is_none();
                break if is_done {
                    UnrecordedOutcome::Done
                } else {
                    UnrecordedOutcome::Failed
                };
            }
            Err(NotifyError::Closed) => break UnrecordedOutcome::Closed,
            Err(NotifyError::UnknownChannel(UnknownChannel(name))) => {
                history.extend(drop_channel(&mut outbound, &name));
                if outbound.names.is_empty() {
                    break UnrecordedOutcome::Done;
                }
            }
            Err(error) => {
                history.extend(refused(&outbound, &error));
                break UnrecordedOutcome::Done;
            }
        }
    };
    Unrecorded {
        outbound,
        outcome,
        history,
    }
}

/// Removes a channel that the configuration named when the event happened and no longer
/// names.
pub(super) fn drop_channel(outbound: &mut OutboundMessage, name: &str) -> Option<Entry> {
    outbound.names.retain(|one| **one != *name);
    let why = format!("there is no channel `{name}` any more");
    tracing::warn!(outbound = outbound.id, text = %outbound.message.body, "{why}: it is not sent there");
    entry(outbound, &format!("not notified: {why}"))
}

/// Returns the history entry for a message that the engine refuses.
pub(super) fn refused(outbound: &OutboundMessage, error: &NotifyError) -> Option<Entry> {
    tracing::error!(outbound = outbound.id, text = %outbound.message.body, "not notified: {error}");
    entry(outbound, &format!("not notified: {error}"))
}

/// Creates a line for the history of the message's host.
fn entry(outbound: &OutboundMessage, what: &str) -> Option<Entry> {
    let message = &outbound.message;
    let at = Moment {
        wall_ms: Timestamp::now().as_millisecond(),
        ..Moment::default()
    };
    Some(Entry {
        host: Arc::clone(message.host.as_ref()?),
        at,
        text: format!("{what}: {}", message.body),
        state: None,
    })
}

fn in_words(report: &Report) -> String {
    let states = report.channels().iter();
    let states: Vec<String> = states
        .map(|(name, channel)| format!("{name} {}", channel.state))
        .collect();
    format!(
        "notified without a record of deliveries ({})",
        states.join(", ")
    )
}

fn failed(report: &Report) -> Vec<Arc<str>> {
    let channels = report.channels().iter();
    channels
        .filter(|(_, channel)| channel.state == State::Failed)
        .map(|(name, _)| Arc::from(name.as_str()))
        .collect()
}
