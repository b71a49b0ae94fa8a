//! When the dispatcher looks again: by then, or as soon as something is due earlier.
//!
//! Whoever schedules says so with [`Wakeup::due`]; the dispatcher asks with
//! [`Wakeup::make`] how long it may sleep. Nothing that is scheduled while it
//! makes up its mind is missed: each side writes its own time before it reads the
//! other's.

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::Notify;

/// Wakes the dispatcher. Times are milliseconds since the Unix epoch.
#[derive(Debug)]
pub(crate) struct Wakeup {
    /// The earliest time that somebody has scheduled since the dispatcher began to
    /// look.
    scheduled_ms: AtomicI64,
    /// When the dispatcher looks again; the past while it is looking.
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
    /// Has the dispatcher look now.
    pub(crate) fn wake(&self) {
        self.notify.notify_one();
    }

    /// Has it look at this time, or earlier.
    pub(crate) fn schedule(&self, at_ms: i64) {
        self.scheduled_ms.fetch_min(at_ms, Ordering::SeqCst);
        if at_ms < self.wakes_ms.load(Ordering::SeqCst) {
            self.notify.notify_one();
        }
    }

    /// The dispatcher begins to look: what is scheduled from now on may be missed by
    /// what it sees.
    pub(super) fn begin_round(&self) {
        self.wakes_ms.store(i64::MIN, Ordering::SeqCst);
        self.scheduled_ms.store(i64::MAX, Ordering::SeqCst);
    }

    /// The dispatcher has looked and saw nothing due before `at_ms`: answers when it
    /// has to look again.
    pub(super) fn end_round(&self, at_ms: i64) -> i64 {
        self.wakes_ms.store(at_ms, Ordering::SeqCst);
        let at_ms = at_ms.min(self.scheduled_ms.load(Ordering::SeqCst));
        self.wakes_ms.fetch_min(at_ms, Ordering::SeqCst);
        at_ms
    }

    /// Ends when somebody wants it to look.
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
