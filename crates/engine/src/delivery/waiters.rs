//! The waiters: callers in this process that wait for the outcome of a delivery.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use annunciator_store::{DeliveryId, State, Superseded};
use tokio::sync::watch;

use super::{
    channel::ChannelGuard,
    report::{ChannelReport, StepReport},
};

/// The identifier of a notification and the name of a channel.
type Key = (String, Arc<str>);

/// The progress of a delivery.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    /// The report of the last attempt, or the reason why there was none.
    report: Option<ChannelReport>,
    /// Whether waiting is pointless: the delivery has ended, or waits for a disabled channel.
    has_ended: bool,
    /// Whether an attempt is under way.
    attempt_in_progress: bool,
}

impl Progress {
    /// Returns the progress after an attempt, or without one.
    pub(super) fn of(report: ChannelReport, has_ended: bool) -> Self {
        Self {
            report: Some(report),
            has_ended,
            attempt_in_progress: false,
        }
    }
}

/// All waiters of an engine.
#[derive(Debug, Default)]
pub(super) struct Waiters(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<Key, WaitedDelivery>,
    /// The keys of the deliveries that the store has accepted.
    by_delivery: HashMap<DeliveryId, Key>,
}

#[derive(Debug)]
struct WaitedDelivery {
    progress: watch::Sender<Progress>,
    delivery: Option<DeliveryId>,
    channel_type: String,
}

/// A caller that waits for one delivery. Dropping it ends the wait.
#[derive(Debug)]
pub(super) struct Waiter {
    waiters: Arc<Waiters>,
    key: Key,
    channel_type: String,
    step: Option<StepReport>,
    progress: watch::Receiver<Progress>,
}

impl Waiters {
    /// Adds a waiter before the delivery is accepted and has an identifier.
    pub(super) fn add(
        self: &Arc<Self>,
        notification: &str,
        channel: &ChannelGuard,
        step: Option<StepReport>,
    ) -> Waiter {
        let key = (notification.to_owned(), Arc::clone(&channel.config.name));
        let channel_type = channel.config.channel_type().to_owned();
        let mut table = self.lock();
        let entry = table
            .entries
            .entry(key.clone())
            .or_insert_with(|| WaitedDelivery {
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

    /// Assigns the identifier that the store has given to the delivery.
    pub(super) fn assign(&self, notification: &str, channel: &Arc<str>, delivery: DeliveryId) {
        let key = (notification.to_owned(), Arc::clone(channel));
        let mut table = self.lock();
        if let Some(entry) = table.entries.get_mut(&key) {
            entry.delivery = Some(delivery);
            table.by_delivery.insert(delivery, key);
        }
    }

    /// Notifies the waiters of a delivery about its progress.
    pub(super) fn notify(&self, notification: &str, channel: &Arc<str>, progress: Progress) {
        let key = (notification.to_owned(), Arc::clone(channel));
        if let Some(entry) = self.lock().entries.get(&key) {
            entry.progress.send_replace(progress);
        }
    }

    /// Records that an attempt is under way, until the waiters are notified of its outcome.
    pub(super) fn attempt_begins(&self, notification: &str, channel: &Arc<str>) {
        let key = (notification.to_owned(), Arc::clone(channel));
        if let Some(entry) = self.lock().entries.get(&key) {
            entry
                .progress
                .send_modify(|progress| progress.attempt_in_progress = true);
        }
    }

    /// Notifies those waiters that have no report yet that waiting is pointless.
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

    /// Notifies the waiters of deliveries that were superseded.
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
                    // The report keeps the results of its attempts.
                    let mut report = progress.report.take().unwrap_or_else(unsent);
                    report.mark_superseded(why);
                    *progress = Progress::of(report, true);
                });
            }
        }
    }

    /// Returns whether the waiters of a delivery know that it has ended. Returns `true` if there
    /// are none.
    pub(super) fn has_ended(&self, delivery: DeliveryId) -> bool {
        let table = self.lock();
        let key = table.by_delivery.get(&delivery);
        let entry = key.and_then(|key| table.entries.get(key));
        entry.is_none_or(|entry| entry.progress.borrow().has_ended)
    }

    /// Notifies the waiters of a delivery that has ended in another process, unless they know that
    /// it has ended. `progress` is called with the channel's type.
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

    /// Waits until the delivery has ended.
    pub(super) async fn until_ended(&mut self) {
        let _ = self.progress.wait_for(|progress| progress.has_ended).await;
    }

    /// Waits until no attempt is under way.
    pub(super) async fn until_attempt_ended(&mut self) {
        let _ = self
            .progress
            .wait_for(|progress| !progress.attempt_in_progress)
            .await;
    }

    /// Returns the report so far, or one in the state `so_far` if there is none yet.
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
        let last = |entry: &WaitedDelivery| entry.progress.receiver_count() <= 1;
        // Other callers may wait for the same delivery.
        if table.entries.get(&self.key).is_some_and(last)
            && let Some(entry) = table.entries.remove(&self.key)
            && let Some(delivery) = entry.delivery
        {
            table.by_delivery.remove(&delivery);
        }
    }
}
