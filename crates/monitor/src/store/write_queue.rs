//! What waits to be written, and who waits for that.
//!
//! Everything that is handed over merges into one batch, so that what waits is
//! bounded however long the disk takes. Whoever waits is called when it is
//! written, or when the disk has had its time: once, and in the order of the
//! calls. Writing itself is left to `writer`.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::batch::Batch;

/// How long people wait for the disk. A commit takes some 10 ms, on a poor
/// disk under load a second; whoever takes longer may never answer.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// What is called when it is written.
pub(super) type Then = Box<dyn FnOnce() + Send>;

/// What waits, shared by those who hand over, the thread that writes and the
/// one that looks after it.
#[derive(Debug, Default)]
pub(super) struct WriteQueue {
    state: Mutex<QueueState>,
    /// For the thread that writes, and for who waits for its end.
    work: Condvar,
    /// For the thread that looks after it.
    watch: Condvar,
    /// Held while those who wait are called: two threads do, in one order.
    calling: Mutex<()>,
}

#[derive(Default)]
struct QueueState {
    batch: Batch,
    waiting: VecDeque<Waiter>,
    /// How often something was handed over, and how much of that was taken.
    pushed: u64,
    taken: u64,
    writing_since: Option<Instant>,
    /// That the disk hangs stands in the log.
    logged: bool,
    closed: bool,
    ended: bool,
}

struct Waiter {
    number: u64,
    deadline: Instant,
    then: Then,
}

/// What was taken to be written.
pub(super) struct TakenBatch {
    pub(super) batch: Batch,
    /// All that was handed over up to this number is in it.
    pub(super) number: u64,
    /// No more will come.
    pub(super) closed: bool,
}

impl WriteQueue {
    /// Adds a batch; `then` is called once.
    pub(super) fn push(&self, batch: Batch, then: Option<Then>) {
        let mut state = self.state();
        state.batch.merge(batch);
        state.pushed += 1;
        let number = state.pushed;
        if let Some(then) = then {
            let deadline = Instant::now() + WRITE_TIMEOUT;
            state.waiting.push_back(Waiter {
                number,
                deadline,
                then,
            });
            self.watch.notify_all();
        }
        self.work.notify_all();
    }

    /// Takes all that waits, and waits for something first, but not longer
    /// than this. Whoever takes says [`written`](Self::written) next.
    pub(super) fn take(&self, longest: Duration) -> TakenBatch {
        let idle = |state: &mut QueueState| state.pushed == state.taken && !state.closed;
        let waited = self.work.wait_timeout_while(self.state(), longest, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.taken = state.pushed;
        state.writing_since = Some(Instant::now());
        self.watch.notify_all();
        TakenBatch {
            batch: std::mem::take(&mut state.batch),
            number: state.pushed,
            closed: state.closed,
        }
    }

    /// The disk is asked for something else; [`written`](Self::written) ends
    /// that, too.
    pub(super) fn busy(&self) {
        self.state().writing_since = Some(Instant::now());
        self.watch.notify_all();
    }

    /// What was handed over up to this number is written, or cannot be for
    /// now.
    pub(super) fn written(&self, number: u64) {
        let mut state = self.state();
        state.writing_since = None;
        let answers_again = std::mem::take(&mut state.logged);
        drop(state);
        self.call(|waiting, _| waiting.number <= number);
        if answers_again {
            tracing::info!("the disk with the state file answers again");
        }
    }

    /// Whether the disk has had its time, and not answered.
    pub(super) fn hangs(&self) -> bool {
        self.state().hangs()
    }

    /// Calls those whom the disk lets wait for too long, until the end.
    pub(super) fn look_after(&self) {
        let mut state = self.state();
        while !state.ended {
            let now = Instant::now();
            state = match state.due() {
                Some(due) if due <= now => {
                    let hangs = state.hangs() && !std::mem::replace(&mut state.logged, true);
                    drop(state);
                    self.call(|waiting, hangs| hangs || waiting.deadline <= Instant::now());
                    if hangs {
                        tracing::error!(
                            "the disk with the state file does not answer; people are told all the same"
                        );
                    }
                    self.state()
                }
                Some(due) => {
                    let waited = self.watch.wait_timeout(state, due - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let waited = self.watch.wait(state);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
        drop(state);
        self.call(|_, _| true);
    }

    /// The thread that writes has ended.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        state.writing_since = None;
        self.work.notify_all();
        self.watch.notify_all();
    }

    /// No more is handed over.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.work.notify_all();
    }

    /// Waits until all is written, but not longer than this; answers whether
    /// it is.
    pub(super) fn wait_for_end(&self, longest: Duration) -> bool {
        let goes_on = |state: &mut QueueState| !state.ended;
        let waited = self.work.wait_timeout_while(self.state(), longest, goes_on);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    /// Calls the first of those who wait for as long as this says so.
    fn call(&self, ready: impl Fn(&Waiter, bool) -> bool) {
        let calling = self.calling.lock();
        let _calling = calling.unwrap_or_else(PoisonError::into_inner);
        loop {
            let mut state = self.state();
            let first = state.next(&ready);
            // They may hand over something themselves.
            drop(state);
            match first {
                Some(first) => (first.then)(),
                None => return,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        // What is guarded is whole between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QueueState {
    fn hangs(&self) -> bool {
        self.writing_since
            .is_some_and(|since| since.elapsed() >= WRITE_TIMEOUT)
    }

    fn next(&mut self, ready: impl Fn(&Waiter, bool) -> bool) -> Option<Waiter> {
        let hangs = self.hangs();
        let first = self.waiting.front()?;
        if !ready(first, hangs) {
            return None;
        }
        self.waiting.pop_front()
    }

    /// When the first of those who wait shall be called at the latest.
    fn due(&self) -> Option<Instant> {
        let first = self.waiting.front()?.deadline;
        let hangs = self.writing_since.map(|since| since + WRITE_TIMEOUT);
        Some(hangs.map_or(first, |hangs| hangs.min(first)))
    }
}

impl std::fmt::Debug for QueueState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("waiting", &self.waiting.len())
            .field("writing_since", &self.writing_since)
            .finish_non_exhaustive()
    }
}
