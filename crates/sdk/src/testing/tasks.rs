//! The tasks of a scripted host, which run beside each other, and its clock, which stands still
//! until somebody advances it.

use std::{
    cell::Cell,
    future::Future as _,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use annunciator_core::ffi::FfiFuture;

use crate::waiting;

thread_local! {
    static DRIVEN: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether a task of the host is being polled on this thread.
pub(super) fn is_driven() -> bool {
    DRIVEN.get()
}

/// A task, and whether it was woken.
pub(super) struct Task {
    future: FfiFuture<()>,
    woken: Arc<Woken>,
    is_elsewhere: bool,
}

struct Woken {
    is_woken: AtomicBool,
    driver: Mutex<Option<Waker>>,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::SeqCst);
        let mut driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(driver) = driver.take() {
            driver.wake();
        }
    }
}

impl Task {
    pub(super) fn new(future: FfiFuture<()>) -> Self {
        Self {
            future,
            woken: Arc::new(Woken {
                is_woken: AtomicBool::new(true),
                driver: Mutex::default(),
            }),
            is_elsewhere: false,
        }
    }

    pub(super) fn is_woken(&self) -> bool {
        self.woken.is_woken.load(Ordering::SeqCst)
    }

    /// Returns whether the task waits for a runtime of the plugin's own.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.is_elsewhere
    }

    /// Polls the task if it was woken.
    pub(super) fn poll(&mut self, driver: &Waker) -> Poll<()> {
        *{ self.woken.driver.lock() }.unwrap_or_else(PoisonError::into_inner) =
            Some(driver.clone());
        if !self.woken.is_woken.swap(false, Ordering::SeqCst) {
            return Poll::Pending;
        }
        struct Driven(bool);
        impl Drop for Driven {
            fn drop(&mut self) {
                DRIVEN.set(self.0);
            }
        }
        let _driven = Driven(DRIVEN.replace(true));
        let _clock = waiting::enter(true);
        waiting::take_elsewhere();
        let waker = Waker::from(Arc::clone(&self.woken));
        let polled = Pin::new(&mut self.future).poll(&mut Context::from_waker(&waker));
        self.is_elsewhere = waiting::take_elsewhere();
        polled
    }
}

/// A clock that advances only on request.
#[derive(Default)]
pub(super) struct Clock {
    passed: Duration,
    timers: Vec<Timer>,
    last: u64,
}

struct Timer {
    id: u64,
    at: Duration,
    waker: Waker,
    /// Whether the waiter runs on a thread of its own.
    is_other_thread: bool,
}

impl Clock {
    /// Returns how much time has passed.
    pub(super) fn passed(&self) -> Duration {
        self.passed
    }

    /// Advances the clock, and returns the wakers of those whose time has come.
    pub(super) fn advance(&mut self, duration: Duration) -> Vec<Waker> {
        self.passed += duration;
        let (due, later) = std::mem::take(&mut self.timers)
            .into_iter()
            .partition(|timer| timer.at <= self.passed);
        self.timers = later;
        let due: Vec<Timer> = due;
        due.into_iter().map(|timer| timer.waker).collect()
    }

    /// Returns when the next waiter is to be woken.
    pub(super) fn next(&self) -> Option<Duration> {
        self.timers.iter().map(|timer| timer.at).min()
    }

    /// Returns how many wait on threads of their own.
    pub(super) fn of_other_threads(&self) -> usize {
        let timers = self.timers.iter();
        timers.filter(|timer| timer.is_other_thread).count()
    }

    /// Registers a waker for a time; a known number replaces the earlier registration.
    pub(super) fn wait(&mut self, known: Option<u64>, at: Duration, waker: &Waker) -> u64 {
        known.into_iter().for_each(|id| self.forget(id));
        self.last += 1;
        self.timers.push(Timer {
            id: self.last,
            at,
            waker: waker.clone(),
            is_other_thread: !is_driven(),
        });
        self.last
    }

    pub(super) fn forget(&mut self, id: u64) {
        self.timers.retain(|timer| timer.id != id);
    }
}
