//! Who waits for what comes of a delivery, in this process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use annunciator_store::{DeliveryId, State, Superseded};
use tokio::sync::watch;

use super::{
    addressee::Addressee,
    report::{ChannelReport, StepReport},
};

/// A notification and a channel.
type Key = (String, Arc<str>);

/// How far a delivery has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    /// What its last attempt brought, or what kept it back.
    report: Option<ChannelReport>,
    /// Whether nothing more will come, or nobody knows when.
    has_ended: bool,
    /// Whether an attempt is under way.
    attempt_in_progress: bool,
}

impl Progress {
    /// After an attempt, or without one.
    pub(super) fn of(report: ChannelReport, has_ended: bool) -> Self {
        Self {
            report: Some(report),
            has_ended,
            attempt_in_progress: false,
        }
    }
}

/// Those who wait.
#[derive(Debug, Default)]
pub(super) struct Waiters(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<Key, Entry>,
    /// Those whose number is known.
    by_delivery: HashMap<DeliveryId, Key>,
}

#[derive(Debug)]
struct Entry {
    progress: watch::Sender<Progress>,
    delivery: Option<DeliveryId>,
    channel_type: String,
}

/// A place among them, for as long as this lives.
#[derive(Debug)]
pub(super) struct Waiter {
    waiters: Arc<Waiters>,
    key: Key,
    channel_type: String,
    step: Option<StepReport>,
    progress: watch::Receiver<Progress>,
}

impl Waiters {
    /// Begins to wait, before the delivery is accepted and has a number.
    pub(super) fn add(self: &Arc<Self>, notification: &str, addressee: &Addressee) -> Waiter {
        let channel = &addressee.channel;
        let turn = addressee.turn.as_ref();
        let step = turn.map(|turn| StepReport::of(&turn.step));
        let key = (notification.to_owned(), Arc::clone(&channel.config.name));
        let channel_type = channel.config.channel_type().to_owned();
        let mut table = self.lock();
        let entry = table.entries.entry(key.clone()).or_insert_with(|| Entry {
            progress: watch::Sender::new(Progress::default()),
            delivery: None,
            channel_type: channel_type.clone(),
        });
        Waiter {
            waiters: Arc::clone(self),
            key,
            channel_type,
            step,
            progress: entry.progress.subscribe(),
        }
    }

    /// The delivery has this number.
    pub(super) fn assign(&self, notification: &str, channel: &Arc<str>, delivery: DeliveryId) {
        let key = (notification.to_owned(), Arc::clone(channel));
        let mut table = self.lock();
        if let Some(entry) = table.entries.get_mut(&key) {
            entry.delivery = Some(delivery);
            table.by_delivery.insert(delivery, key);
        }
    }

    /// Tells those who wait.
    pub(super) fn notify(&self, notification: &str, channel: &Arc<str>, progress: Progress) {
        let key = (notification.to_owned(), Arc::clone(channel));
        if let Some(entry) = self.lock().entries.get(&key) {
            entry.progress.send_replace(progress);
        }
    }

    /// An attempt is under way, until those who wait are told of its outcome.
    pub(super) fn attempt_begins(&self, notification: &str, channel: &Arc<str>) {
        let key = (notification.to_owned(), Arc::clone(channel));
        if let Some(entry) = self.lock().entries.get(&key) {
            entry
                .progress
                .send_modify(|progress| progress.attempt_in_progress = true);
        }
    }

    /// Tells those who wait and were told nothing so far that there is no use in
    /// waiting.
    pub(super) fn notify_if_first(
        &self,
        notification: &str,
        channel: &Arc<str>,
        report: ChannelReport,
    ) {
        let key = (notification.to_owned(), Arc::clone(channel));
        if let Some(entry) = self.lock().entries.get(&key) {
            entry.progress.send_if_modified(|progress| {
                let is_first = progress.report.is_none();
                if is_first {
                    *progress = Progress::of(report, true);
                }
                is_first
            });
        }
    }

    /// Tells those who wait for deliveries that were superseded.
    pub(super) fn notify_superseded(&self, superseded: &[Superseded]) {
        let table = self.lock();
        for Superseded { delivery, why } in superseded {
            let Some(key) = table.by_delivery.get(delivery) else {
                continue;
            };
            if let Some(entry) = table.entries.get(key) {
                entry.progress.send_modify(|progress| {
                    let unsent = || {
                        ChannelReport::without_attempt(
                            &key.1,
                            &entry.channel_type,
                            State::Superseded,
                        )
                    };
                    // What its attempts brought is still worth telling.
                    let mut report = progress.report.take().unwrap_or_else(unsent);
                    report.mark_superseded(why);
                    *progress = Progress::of(report, true);
                });
            }
        }
    }

    /// Whether those who wait for a delivery know that it has ended, or nobody waits.
    pub(super) fn has_ended(&self, delivery: DeliveryId) -> bool {
        let table = self.lock();
        let key = table.by_delivery.get(&delivery);
        let entry = key.and_then(|key| table.entries.get(key));
        entry.is_none_or(|entry| entry.progress.borrow().has_ended)
    }

    /// Tells those who wait for a delivery, and do not know so far that it has ended,
    /// what another process made of it: `progress` says that by the channel's type.
    pub(super) fn ended_in_other_process(
        &self,
        delivery: DeliveryId,
        progress: impl FnOnce(&str) -> Progress,
    ) {
        let table = self.lock();
        let key = table.by_delivery.get(&delivery);
        if let Some(entry) = key.and_then(|key| table.entries.get(key)) {
            entry.progress.send_if_modified(|so_far| {
                let is_news = !so_far.has_ended;
                if is_news {
                    *so_far = progress(&entry.channel_type);
                }
                is_news
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    pub(super) fn is_on(&self, channel: &str) -> bool {
        *self.key.1 == *channel
    }

    pub(super) fn channel_type(&self) -> &str {
        &self.channel_type
    }

    /// Ends when the delivery has.
    pub(super) async fn until_ended(&mut self) {
        let _ = self.progress.wait_for(|progress| progress.has_ended).await;
    }

    /// Ends when no attempt is under way.
    pub(super) async fn until_attempt_ended(&mut self) {
        let _ = self
            .progress
            .wait_for(|progress| !progress.attempt_in_progress)
            .await;
    }

    /// What is known so far; where nothing is, it is in this state.
    pub(super) fn report(&self, so_far: State) -> ChannelReport {
        let Progress {
            report,
            attempt_in_progress,
            ..
        } = self.progress.borrow().clone();
        let unsent = || ChannelReport::without_attempt(&self.key.1, &self.channel_type, so_far);
        let mut report = report.unwrap_or_else(unsent);
        if attempt_in_progress && so_far == State::Pending {
            report = report.with_attempt_under_way();
        }
        ChannelReport {
            step: self.step.clone(),
            ..report
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut table = self.waiters.lock();
        let last = |entry: &Entry| entry.progress.receiver_count() <= 1;
        // Others may wait for the same.
        if table.entries.get(&self.key).is_some_and(last)
            && let Some(entry) = table.entries.remove(&self.key)
            && let Some(delivery) = entry.delivery
        {
            table.by_delivery.remove(&delivery);
        }
    }
}
