//! Calls into a plugin's code, on the plugins' thread pool.
//!
//! Whatever the plugin does, the caller gets an answer within the time limit: a
//! panic and a hang become a [`CallError`] that names the plugin's file.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;

use super::{
    call_error::{CallError, MAX_BLOCKED_POLLS},
    pool::Pool,
};

/// A poll that takes longer is logged, since it blocks a thread: the rule for authors is
/// 10 ms, and a busy machine may add to it.
const SLOW_POLL: Duration = Duration::from_millis(100);

/// Calls one provider.
#[derive(Clone)]
pub(crate) struct Calls {
    pool: Pool,
    channel: Arc<str>,
    file: Arc<str>,
    /// Polls of this provider that are under way.
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

    /// The plugin's file, for sentences.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn channel(&self) -> &str {
        &self.channel
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Polls a future of the plugin's until it ends or the time is up.
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
                // A payload may panic again when it is dropped.
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

/// Counts one down, however the poll ends.
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
        if took > SLOW_POLL && !self.has_warned {
            self.has_warned = true;
            let ms = took.as_millis();
            tracing::warn!(channel = %self.channel, plugin = %self.file, ms, "the plugin blocked its thread");
        }
        polled
    }
}
