//! The active alerts, and which of them people have been notified of.
//!
//! The next notifications follow from the difference between the two. There is no queue: nobody is
//! notified of an alert that has cleared before a notification was possible, and the last
//! notification always reports the current state.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use metrics::gauge;
use tokio::sync::Notify;

use super::{Alert, Subject};
use crate::clock::{Clock, milliseconds};

/// The gauge of active alerts, by kind.
pub(crate) const ACTIVE_ALERTS: &str = "annunciator_active_alerts";

/// The time of flap damping: if an alert is raised again sooner than this after the last
/// notification, people are notified only if it is still active when this time has passed.
const FLAP_DAMPING: Duration = Duration::from_secs(900);

/// A change that people have to be notified of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AlertChange {
    Raised { subject: Subject, sentence: String },
    Cleared { subject: Subject, since_ms: i64 },
}

/// All alerts of an engine.
#[derive(Debug)]
pub(crate) struct ActiveAlerts {
    clock: Arc<dyn Clock>,
    entries: Mutex<BTreeMap<Subject, AlertState>>,
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct AlertState {
    sentence: String,
    since_ms: i64,
    /// Whether the alert is active.
    is_active: bool,
    /// Whether people were last notified that the alert is active.
    is_notified: bool,
    /// When people were last notified, in milliseconds of the steady clock.
    notified_ms: Option<i64>,
}

impl ActiveAlerts {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            entries: Mutex::default(),
            changed: Arc::default(),
        }
    }

    /// Returns a signal for every change, and for the drop of this value.
    pub(crate) fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// Raises and logs an alert, unless it is active already.
    pub(crate) fn raise(&self, subject: Subject, sentence: impl Into<String>) {
        let (sentence, since_ms) = (sentence.into(), self.clock.now_ms());
        let mut entries = self.lock();
        let known = entries.get(&subject);
        if known.is_some_and(|entry| entry.is_active) {
            return;
        }
        tracing::error!(%subject, "{sentence}");
        gauge!(ACTIVE_ALERTS, "kind" => subject.kind()).increment(1);
        let entry = AlertState {
            sentence,
            since_ms,
            is_active: true,
            is_notified: known.is_some_and(|entry| entry.is_notified),
            notified_ms: known.and_then(|entry| entry.notified_ms),
        };
        entries.insert(subject, entry);
        self.changed.notify_one();
    }

    /// Raises an alert, or updates the sentence of an active one without notifying anybody.
    pub(crate) fn raise_or_update(&self, subject: Subject, sentence: String) {
        if let Some(entry) = { self.lock() }
            .get_mut(&subject)
            .filter(|entry| entry.is_active)
        {
            entry.sentence = sentence;
            return;
        }
        self.raise(subject, sentence);
    }

    /// Clears an alert, if it is active.
    pub(crate) fn clear(&self, subject: &Subject) {
        let mut entries = self.lock();
        if let Some(entry) = entries.get_mut(subject).filter(|entry| entry.is_active) {
            entry.is_active = false;
            log_cleared(subject);
            self.changed.notify_one();
        }
    }

    /// Drops the alerts for which `is_there` returns `false`, such as those of removed channels.
    /// Nobody is notified that they have cleared.
    pub(crate) fn retain(&self, is_there: impl Fn(&Subject) -> bool) {
        self.lock().retain(|subject, entry| {
            let stays = is_there(subject);
            if entry.is_active && !stays {
                log_cleared(subject);
            }
            stays
        });
    }

    /// Returns the changes that people have to be notified of now, and how long until there may be
    /// more. The returned changes count as notified.
    pub(crate) fn take_changes(&self) -> (Vec<AlertChange>, Option<Duration>) {
        let steady_ms = self.clock.steady_ms();
        let (mut changes, mut next_ms) = (Vec::new(), None);
        self.lock().retain(|subject, entry| {
            let subject = subject.clone();
            let not_before_ms = entry
                .notified_ms
                .map(|at_ms| at_ms.saturating_add(milliseconds(FLAP_DAMPING)));
            let left_ms = not_before_ms.map_or(0, |at_ms| at_ms.saturating_sub(steady_ms));
            match (entry.is_active, entry.is_notified) {
                (true, false) if left_ms > 0 => {
                    next_ms = next_ms.into_iter().chain([left_ms]).min();
                    return true;
                }
                (true, false) => {
                    let sentence = entry.sentence.clone();
                    changes.push(AlertChange::Raised { subject, sentence });
                }
                (false, true) => {
                    let since_ms = entry.since_ms;
                    changes.push(AlertChange::Cleared { subject, since_ms });
                }
                (true, true) => return true,
                // Kept for flap damping.
                (false, false) => return left_ms > 0,
            }
            (entry.is_notified, entry.notified_ms) = (entry.is_active, Some(steady_ms));
            true
        });
        let next = next_ms.and_then(|ms| u64::try_from(ms).ok());
        (changes, next.map(Duration::from_millis))
    }

    /// Returns the active alerts.
    pub(crate) fn list(&self) -> Vec<Alert> {
        self.list_if(|_| true)
    }

    /// Returns the active alerts on subjects for which `is_wanted` returns `true`.
    pub(crate) fn list_if(&self, is_wanted: impl Fn(&Subject) -> bool) -> Vec<Alert> {
        let entries = self.lock();
        let now = entries
            .iter()
            .filter(|(subject, entry)| entry.is_active && is_wanted(subject));
        now.map(|(subject, entry)| Alert {
            subject: subject.to_string(),
            sentence: entry.sentence.clone(),
            since_ms: entry.since_ms,
        })
        .collect()
    }

    /// Returns whether there is an active alert on this subject.
    pub(crate) fn is_active(&self, subject: &Subject) -> bool {
        self.lock()
            .get(subject)
            .is_some_and(|entry| entry.is_active)
    }

    /// Returns whether there is an active alert on a channel.
    pub(crate) fn has_alert_on(&self, channel: &str) -> bool {
        let entries = self.lock();
        entries
            .iter()
            .any(|(subject, entry)| subject.channel() == Some(channel) && entry.is_active)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Subject, AlertState>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ActiveAlerts {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

fn log_cleared(subject: &Subject) {
    tracing::info!(%subject, "this alert has cleared");
    gauge!(ACTIVE_ALERTS, "kind" => subject.kind()).decrement(1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn entries() -> (Arc<ManualClock>, ActiveAlerts) {
        let time = Arc::new(ManualClock::default());
        let clock: Arc<dyn Clock> = Arc::clone(&time) as _;
        (time, ActiveAlerts::new(clock))
    }

    fn raised() -> AlertChange {
        let (subject, sentence) = (Subject::Store, "full".to_owned());
        AlertChange::Raised { subject, sentence }
    }

    fn cleared(since_ms: i64) -> AlertChange {
        let subject = Subject::Store;
        AlertChange::Cleared { subject, since_ms }
    }

    #[test]
    fn people_are_notified_once_and_so_of_its_end() {
        let (time, alerts) = entries();
        alerts.raise(Subject::Store, "full");
        alerts.raise(Subject::Store, "still full");
        assert_eq!(alerts.take_changes(), (vec![raised()], None));
        assert_eq!(alerts.take_changes(), (vec![], None));
        time.advance_minutes(5);
        alerts.clear(&Subject::Store);
        alerts.clear(&Subject::Store);
        assert_eq!(alerts.take_changes(), (vec![cleared(0)], None));
        assert_eq!(alerts.take_changes(), (vec![], None));
    }

    #[test]
    fn what_comes_back_soon_and_stays_is_notified_later() {
        let (time, alerts) = entries();
        alerts.raise(Subject::Store, "full");
        assert_eq!(alerts.take_changes().0, [raised()]);
        alerts.clear(&Subject::Store);
        assert_eq!(alerts.take_changes().0, [cleared(0)]);
        time.advance_minutes(5);
        alerts.raise(Subject::Store, "full");
        let ten_minutes = Some(Duration::from_secs(600));
        assert_eq!(alerts.take_changes(), (vec![], ten_minutes));
        time.advance_minutes(10);
        assert_eq!(alerts.take_changes(), (vec![raised()], None));
        alerts.clear(&Subject::Store);
        assert_eq!(alerts.take_changes().0, [cleared(300_000)]);
    }

    #[test]
    fn what_flaps_is_notified_once() {
        let (time, alerts) = entries();
        alerts.raise(Subject::Store, "full");
        alerts.clear(&Subject::Store);
        assert_eq!(
            alerts.take_changes(),
            (vec![], None),
            "nobody was notified of it"
        );
        alerts.raise(Subject::Store, "full");
        assert_eq!(alerts.take_changes().0.len(), 1);
        for _ in 0..10 {
            alerts.clear(&Subject::Store);
            alerts.take_changes();
            time.advance_minutes(1);
            alerts.raise(Subject::Store, "full");
            assert_eq!(alerts.take_changes().0, []);
        }
    }

    #[test]
    fn an_alert_on_what_is_gone_is_dropped() {
        let (_, alerts) = entries();
        let subject = Subject::Channel("ops".into(), super::super::ChannelProblem::Check);
        alerts.raise(subject.clone(), "it would not deliver");
        assert_eq!(alerts.take_changes().0.len(), 1);
        assert!(alerts.has_alert_on("ops"));
        alerts.retain(|subject| subject.channel().is_none());
        assert!(!alerts.has_alert_on("ops") && alerts.list().is_empty());
        assert_eq!(alerts.take_changes().0, [], "its end would be no truth");
        alerts.raise(subject, "it would not deliver");
        assert_eq!(alerts.take_changes().0.len(), 1, "that is another");
    }
}
