//! The dispatcher's wakeup: the time of its next round, and a signal for an earlier one.
//!
//! A task that schedules a delivery calls [`Wakeup::schedule`]; the dispatcher learns from
//! [`Wakeup::end_round`] how long it may sleep. No time that is scheduled during a round is missed,
//! because each side writes its own time before it reads the other's.

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::Notify;

/// Wakes the dispatcher. Times are milliseconds since the Unix epoch.
#[derive(Debug)]
pub(crate) struct Wakeup {
    /// The earliest time that was scheduled since the dispatcher's round began.
    scheduled_ms: AtomicI64,
    /// When the dispatcher's next round begins. A time in the past during a round.
    wakes_ms: AtomicI64,
    notify: Notify,
}

impl Default for Wakeup {
    fn default() -> Self {
        Self {
            scheduled_ms: AtomicI64::new(i64::MAX),
            wakes_ms: AtomicI64::new(i64::MIN),
            notify: Notify::new(),
        }
    }
}

impl Wakeup {
    /// Wakes the dispatcher now.
    pub(crate) fn wake(&self) {
        self.notify.notify_one();
    }

    /// Wakes the dispatcher at this time at the latest.
    pub(crate) fn schedule(&self, at_ms: i64) {
        self.scheduled_ms.fetch_min(at_ms, Ordering::SeqCst);
        if at_ms < self.wakes_ms.load(Ordering::SeqCst) {
            self.notify.notify_one();
        }
    }

    /// Begins a round of the dispatcher. The round may not see what is scheduled from now on.
    pub(super) fn begin_round(&self) {
        self.wakes_ms.store(i64::MIN, Ordering::SeqCst);
        self.scheduled_ms.store(i64::MAX, Ordering::SeqCst);
    }

    /// Ends a round that saw nothing due before `at_ms`. Returns when the next round must begin.
    pub(super) fn end_round(&self, at_ms: i64) -> i64 {
        self.wakes_ms.store(at_ms, Ordering::SeqCst);
        let at_ms = at_ms.min(self.scheduled_ms.load(Ordering::SeqCst));
        self.wakes_ms.fetch_min(at_ms, Ordering::SeqCst);
        at_ms
    }

    /// Waits until the dispatcher is woken.
    pub(super) async fn woken(&self) {
        self.notify.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn is_woken(wakeup: &Wakeup) -> bool {
        wakeup.woken().now_or_never().is_some()
    }

    #[test]
    fn an_earlier_time_wakes_it_and_a_later_one_does_not() {
        let wakeup = Wakeup::default();
        wakeup.begin_round();
        assert_eq!(wakeup.end_round(1000), 1000);
        wakeup.schedule(1000);
        wakeup.schedule(5000);
        assert!(!is_woken(&wakeup));
        wakeup.schedule(999);
        assert!(is_woken(&wakeup));
    }

    #[test]
    fn a_time_that_is_scheduled_during_a_round_counts() {
        let wakeup = Wakeup::default();
        wakeup.begin_round();
        wakeup.schedule(500);
        assert_eq!(wakeup.end_round(1000), 500);
        wakeup.schedule(700);
        assert!(!is_woken(&wakeup));
        wakeup.begin_round();
        assert_eq!(wakeup.end_round(1000), 1000);
    }

    #[test]
    fn nothing_is_missed_however_the_two_meet() {
        for _ in 0..2000 {
            let wakeup = Wakeup::default();
            wakeup.begin_round();
            let wakes_ms = std::thread::scope(|scope| {
                scope.spawn(|| wakeup.schedule(500));
                wakeup.end_round(1000)
            });
            assert!(wakes_ms == 500 || is_woken(&wakeup));
        }
    }
}
