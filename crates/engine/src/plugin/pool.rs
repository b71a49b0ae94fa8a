//! The thread pool on which plugins run, and calls of their code on it.
//!
//! A plugin may block a thread for ever, against the rules. Its futures are therefore never polled
//! on the embedding program's threads. They run on threads of the engine's own, and if all of these
//! are blocked while work waits, another thread is added. Timers and sockets belong to the caller's
//! runtime.
//!
//! Whatever the plugin does, its caller gets an answer within the time limit: a panic and a hang
//! become a [`CallError`] that names the plugin's file.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};

use async_task::Runnable;
use futures_util::FutureExt as _;
use tokio::runtime::Handle;

use super::call_error::{CallError, MAX_BLOCKED_POLLS};

/// The duration of a poll above which it is logged, because it blocks a thread. The limit for
/// plugins is 10 ms, and a busy machine may add to it.
const SLOW_POLL_AFTER: Duration = Duration::from_millis(100);
/// A future on the pool. Dropping the task cancels the future.
pub(crate) type Task<T> = async_task::Task<T>;

/// The number of threads that are kept once they were needed.
const MIN_THREADS: usize = 2;
/// The maximum number of threads, even if all of them are blocked.
const MAX_THREADS: usize = 512;
/// The time that work waits before the pool grows.
const STALL_TIMEOUT: Duration = Duration::from_millis(20);
/// The idle time after which a thread beyond [`MIN_THREADS`] ends.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// A handle of the pool. The threads end when the last handle is dropped.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Owner>);

struct Owner(Arc<PoolShared>);

struct PoolShared {
    state: Mutex<PoolState>,
    work: Condvar,
    watch: Condvar,
    runtime: Handle,
}

#[derive(Default)]
struct PoolState {
    ready: VecDeque<Runnable>,
    threads: usize,
    idle: usize,
    /// Whether a thread was woken and does not run yet. When it finds more work than one thread can
    /// do, it wakes the next one itself, so that one wake at a time is enough.
    waking: bool,
    /// The number of runnables that were taken so far. The watch checks whether it grows.
    taken: u64,
    watched: bool,
    /// Whether the watch sleeps until there is work. Otherwise it checks at intervals.
    watch_sleeps: bool,
    closed: bool,
}

impl Pool {
    /// Creates a pool, without threads at first. Futures on it use the timers and sockets of this
    /// runtime.
    pub(crate) fn new(runtime: Handle) -> Self {
        Self(Arc::new(Owner(Arc::new(PoolShared {
            state: Mutex::default(),
            work: Condvar::new(),
            watch: Condvar::new(),
            runtime,
        }))))
    }

    /// Returns the runtime whose timers and sockets are used.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.0.0.runtime
    }

    /// Runs a future on the pool.
    pub(crate) fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        // Weak, because a waiting task would otherwise keep its own pool alive.
        let shared = Arc::downgrade(&self.0.0);
        let (runnable, task) = async_task::spawn(future, move |runnable| {
            // Without a pool the future is not polled any more; dropping it cancels it.
            if let Some(shared) = Weak::upgrade(&shared) {
                PoolShared::schedule(&shared, runnable);
            }
        });
        runnable.schedule();
        task
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        let left = std::mem::take(&mut state.ready);
        drop(state);
        self.0.work.notify_all();
        self.0.watch.notify_all();
        drop(left);
    }
}

impl PoolShared {
    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn schedule(self: &Arc<Self>, runnable: Runnable) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            drop(runnable);
            return;
        }
        state.ready.push_back(runnable);
        self.see_to(state);
    }

    /// Ensures that a thread takes the ready work.
    fn see_to(self: &Arc<Self>, mut state: MutexGuard<'_, PoolState>) {
        if state.idle > 0 {
            if !state.waking {
                state.waking = true;
                // The woken thread needs the lock.
                drop(state);
                self.work.notify_one();
            }
        } else if state.threads < MIN_THREADS {
            self.grow(&mut state);
        } else {
            self.ensure_watch(&mut state);
        }
    }

    fn grow(self: &Arc<Self>, state: &mut PoolState) {
        let shared = Arc::clone(self);
        let spawned = thread::Builder::new()
            .name("plugin".to_owned())
            .spawn(move || shared.run_worker());
        match spawned {
            Ok(_) => state.threads += 1,
            Err(error) => tracing::error!(%error, "no further thread for plugins can be started"),
        }
    }

    fn ensure_watch(self: &Arc<Self>, state: &mut PoolState) {
        if !state.watched {
            let shared = Arc::clone(self);
            let spawned = thread::Builder::new()
                .name("plugin-watch".to_owned())
                .spawn(move || shared.run_watch());
            state.watched = spawned.is_ok();
        } else if state.watch_sleeps {
            state.watch_sleeps = false;
            self.watch.notify_one();
        }
    }

    fn run_worker(self: &Arc<Self>) {
        let _runtime = self.runtime.enter();
        let mut state = self.lock();
        loop {
            if let Some(runnable) = state.ready.pop_front() {
                state.taken += 1;
                // This thread may be busy for long.
                if state.ready.is_empty() {
                    drop(state);
                } else {
                    self.see_to(state);
                }
                runnable.run();
                state = self.lock();
                continue;
            }
            if state.closed {
                break;
            }
            state.idle += 1;
            let (woken, timeout) = self
                .work
                .wait_timeout(state, IDLE_TIMEOUT)
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            state = woken;
            state.idle -= 1;
            state.waking = false;
            if timeout.timed_out() && state.ready.is_empty() && state.threads > MIN_THREADS {
                break;
            }
        }
        state.threads -= 1;
    }

    /// Adds a thread whenever work has waited and no thread took any.
    fn run_watch(self: Arc<Self>) {
        let mut state = self.lock();
        let mut seen = state.taken;
        while !state.closed {
            if state.ready.is_empty() {
                state.watch_sleeps = true;
                state = self
                    .watch
                    .wait_while(state, |state| state.watch_sleeps && !state.closed)
                    .unwrap_or_else(|poisoned| poisoned.into_inner());
                seen = state.taken;
            }
            let (woken, _) = self
                .watch
                .wait_timeout_while(state, STALL_TIMEOUT, |state| !state.closed)
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            state = woken;
            let stuck = !state.ready.is_empty() && state.taken == seen && state.idle == 0;
            if stuck && state.threads < MAX_THREADS && !state.closed {
                tracing::debug!(
                    threads = state.threads,
                    "plugins block their threads; adding one"
                );
                self.grow(&mut state);
            }
            seen = state.taken;
        }
    }
}

/// Calls one provider, within time limits.
#[derive(Clone)]
pub(crate) struct Calls {
    pool: Pool,
    channel: Arc<str>,
    file: Arc<str>,
    /// The number of polls of this provider that are under way.
    polling: Arc<AtomicUsize>,
}

impl Calls {
    pub(crate) fn new(channel: &str, file: &str, pool: Pool) -> Self {
        Self {
            pool,
            channel: channel.into(),
            file: file.into(),
            polling: Arc::default(),
        }
    }

    /// Returns the path of the plugin's file, for error messages.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn channel(&self) -> &str {
        &self.channel
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Polls a future of the plugin until it ends or the time limit has passed.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        limit: Duration,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, CallError> {
        let started = Arc::new(AtomicBool::new(false));
        if self.polling.load(Ordering::Relaxed) >= MAX_BLOCKED_POLLS {
            return Err(CallError::Stuck(self.file.to_string()));
        }
        let watched = Watched {
            future: Box::pin(future),
            polling: Arc::clone(&self.polling),
            started: Arc::clone(&started),
            channel: Arc::clone(&self.channel),
            file: Arc::clone(&self.file),
            has_warned: false,
        };
        let task = self.pool.spawn(AssertUnwindSafe(watched).catch_unwind());
        match tokio::time::timeout(limit, task).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(payload)) => {
                // A panic payload may panic again when it is dropped.
                std::mem::forget(payload);
                Err(CallError::Panicked(self.file.to_string()))
            }
            Err(_) if started.load(Ordering::Relaxed) => {
                Err(CallError::Late(self.file.to_string()))
            }
            Err(_) => Err(CallError::NotCalled(self.file.to_string())),
        }
    }
}

/// Logs once when a poll blocks its thread for too long.
struct Watched<F> {
    future: Pin<Box<F>>,
    channel: Arc<str>,
    file: Arc<str>,
    polling: Arc<AtomicUsize>,
    started: Arc<AtomicBool>,
    has_warned: bool,
}

/// Decrements a counter when the poll ends in any way.
struct Polled<'a>(&'a AtomicUsize);

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let start = Instant::now();
        let polling = Arc::clone(&self.polling);
        polling.fetch_add(1, Ordering::Relaxed);
        let counted = Polled(&polling);
        self.started.store(true, Ordering::Relaxed);
        let polled = self.future.as_mut().poll(cx);
        drop(counted);
        let took = start.elapsed();
        if took > SLOW_POLL_AFTER && !self.has_warned {
            self.has_warned = true;
            let ms = took.as_millis();
            tracing::warn!(channel = %self.channel, plugin = %self.file, ms, "the plugin blocked its thread");
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_future_runs_and_answers() {
        let pool = Pool::new(Handle::current());
        let slept = pool.spawn(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            7
        });
        assert_eq!(slept.await, 7);
    }

    #[tokio::test]
    async fn when_every_thread_is_blocked_others_still_run() {
        let pool = Pool::new(Handle::current());
        let (release, blocked) = mpsc::channel::<()>();
        let blocked = Arc::new(Mutex::new(blocked));
        let stuck: Vec<_> = (0..MIN_THREADS + 2)
            .map(|_| {
                let blocked = Arc::clone(&blocked);
                pool.spawn(async move {
                    let _ = blocked.lock().unwrap().recv();
                })
            })
            .collect();
        assert_eq!(pool.spawn(async { "alive" }).await, "alive");
        drop(release);
        for task in stuck {
            task.await;
        }
    }

    #[tokio::test]
    async fn when_the_last_idle_thread_takes_work_that_blocks_what_came_with_it_still_runs() {
        let pool = Pool::new(Handle::current());
        let (release, blocked) = mpsc::channel::<()>();
        let blocked = Arc::new(Mutex::new(blocked));
        let block = |started: Option<tokio::sync::oneshot::Sender<()>>| {
            let blocked = Arc::clone(&blocked);
            async move {
                drop(started);
                let _ = blocked.lock().unwrap().recv();
            }
        };
        let (started, begun) = tokio::sync::oneshot::channel();
        let first = pool.spawn(block(Some(started)));
        let _ = begun.await;
        pool.spawn(async {}).await;
        while pool.0.0.lock().idle == 0 {
            tokio::task::yield_now().await;
        }
        let second = pool.spawn(block(None));
        assert_eq!(pool.spawn(async { "alive" }).await, "alive");
        drop(release);
        first.await;
        second.await;
    }

    #[tokio::test]
    async fn dropping_the_task_drops_the_future() {
        let pool = Pool::new(Handle::current());
        let (alive, dropped) = tokio::sync::oneshot::channel::<()>();
        let task = pool.spawn(async move {
            let _alive = alive;
            std::future::pending::<()>().await;
        });
        drop(task);
        assert!(dropped.await.is_err());
    }

    #[tokio::test]
    async fn the_threads_end_with_the_pool() {
        let pool = Pool::new(Handle::current());
        pool.spawn(async {}).await;
        let shared = Arc::downgrade(&pool.0.0);
        drop(pool);
        while shared.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    }
}
