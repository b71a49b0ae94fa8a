//! When the dispatcher looks again: by then, or as soon as something is due earlier.
//!
//! Whoever schedules says so with [`Appointment::due`]; the dispatcher asks with
//! [`Appointment::make`] how long it may sleep. Nothing that is scheduled while it
//! makes up its mind is missed: each side writes its own time before it reads the
//! other's.

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::Notify;

/// Wakes the dispatcher. Times are milliseconds since the Unix epoch.
#[derive(Debug)]
pub(crate) struct Appointment {
    /// The earliest time that somebody has scheduled since the dispatcher began to
    /// look.
    scheduled_ms: AtomicI64,
    /// When the dispatcher looks again; the past while it is looking.
    looks_ms: AtomicI64,
    wake: Notify,
}

impl Default for Appointment {
    fn default() -> Self {
        Self {
            scheduled_ms: AtomicI64::new(i64::MAX),
            looks_ms: AtomicI64::new(i64::MIN),
            wake: Notify::new(),
        }
    }
}

impl Appointment {
    /// Has the dispatcher look now.
    pub(crate) fn now(&self) {
        self.wake.notify_one();
    }

    /// Has it look at this time, or earlier.
    pub(crate) fn due(&self, at_ms: i64) {
        self.scheduled_ms.fetch_min(at_ms, Ordering::SeqCst);
        if at_ms < self.looks_ms.load(Ordering::SeqCst) {
            self.wake.notify_one();
        }
    }

    /// The dispatcher begins to look: what is scheduled from now on may be missed by
    /// what it sees.
    pub(super) fn begin(&self) {
        self.looks_ms.store(i64::MIN, Ordering::SeqCst);
        self.scheduled_ms.store(i64::MAX, Ordering::SeqCst);
    }

    /// The dispatcher has looked and saw nothing due before `at_ms`: answers when it
    /// has to look again.
    pub(super) fn make(&self, at_ms: i64) -> i64 {
        self.looks_ms.store(at_ms, Ordering::SeqCst);
        let at_ms = at_ms.min(self.scheduled_ms.load(Ordering::SeqCst));
        self.looks_ms.fetch_min(at_ms, Ordering::SeqCst);
        at_ms
    }

    /// Ends when somebody wants it to look.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn is_woken(appointment: &Appointment) -> bool {
        appointment.woken().now_or_never().is_some()
    }

    #[test]
    fn who_schedules_earlier_wakes_it_and_who_schedules_later_does_not() {
        let appointment = Appointment::default();
        appointment.begin();
        assert_eq!(appointment.make(1000), 1000);
        appointment.due(1000);
        appointment.due(5000);
        assert!(!is_woken(&appointment));
        appointment.due(999);
        assert!(is_woken(&appointment));
    }

    #[test]
    fn what_is_scheduled_while_it_looks_counts() {
        let appointment = Appointment::default();
        appointment.begin();
        appointment.due(500);
        assert_eq!(appointment.make(1000), 500);
        appointment.due(700);
        assert!(!is_woken(&appointment));
        appointment.begin();
        assert_eq!(appointment.make(1000), 1000);
    }

    #[test]
    fn nothing_is_missed_however_the_two_meet() {
        for _ in 0..2000 {
            let appointment = Appointment::default();
            appointment.begin();
            let looks_ms = std::thread::scope(|scope| {
                scope.spawn(|| appointment.due(500));
                appointment.make(1000)
            });
            assert!(looks_ms == 500 || is_woken(&appointment));
        }
    }
}
