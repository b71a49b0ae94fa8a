//! Delivers messages that cannot be recorded: people come first.

use std::{pin::Pin, sync::Arc};

use annunciator::{Engine, NotifyError, Report, UnknownChannel, store::State};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::order::TaskOrder;
use crate::{
    incidents::OutboundMessage,
    machine::{Entry, Moment},
};

/// How many messages are delivered at the same time.
const MAX_CONCURRENT: usize = 64;

/// What came of delivering a message without a record.
#[derive(Debug)]
pub(super) struct Unrecorded {
    pub(super) outbound: OutboundMessage,
    pub(super) outcome: UnrecordedOutcome,
    /// What the history of its host says.
    pub(super) history: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnrecordedOutcome {
    /// Nothing is left to do.
    Done,
    /// It did not reach the channels that the message still names: they are left to the
    /// engine, once it can record them.
    Failed,
    /// The engine is shut down: it is left for the next start.
    Closed,
}

type Task = Pin<Box<dyn Future<Output = Unrecorded> + Send>>;

/// The messages that are being delivered without a record: each once, and in order
/// where order matters.
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

    pub(super) fn push(&mut self, outbound: OutboundMessage) {
        let mut turn = self.order.push(&outbound.lane());
        let (engine, permits) = (self.engine.clone(), Arc::clone(&self.permits));
        self.tasks.push(Box::pin(async move {
            turn.come().await;
            // It is never closed; without a permit it would only be one too many.
            let permit = permits.acquire().await;
            let unrecorded = notify(&engine, outbound).await;
            drop((permit, turn));
            unrecorded
        }));
    }

    /// Waits for the next one that ends; `None` if there is none.
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

/// Drops a channel that the configuration named when it happened, and does not any
/// more.
pub(super) fn drop_channel(outbound: &mut OutboundMessage, name: &str) -> Option<Entry> {
    outbound.names.retain(|one| **one != *name);
    let why = format!("there is no channel `{name}` any more");
    tracing::warn!(outbound = outbound.id, text = %outbound.message.body, "{why}: it is not sent there");
    entry(outbound, &format!("not notified: {why}"))
}

/// Takes note of a message that the engine refuses.
pub(super) fn refused(outbound: &OutboundMessage, error: &NotifyError) -> Option<Entry> {
    tracing::error!(outbound = outbound.id, text = %outbound.message.body, "not notified: {error}");
    entry(outbound, &format!("not notified: {error}"))
}

/// A line for the history of the message's host.
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
