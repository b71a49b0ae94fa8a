//! One open provider: the only place from which a running plugin is called.
//!
//! Whatever the provider does, the caller gets an answer within the time
//! limit: a panic, a hang and a nonsensical answer become outcomes that name
//! the plugin's file.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use annunciator_core::{
    code::Fault,
    message::DeliveryV1,
    outcome::{CheckResultV1, DeliveryResultV1, OpenErrorV1},
    provider::ProviderBox,
    services::HostBox,
};
use futures_util::FutureExt as _;

use super::{LoadedType, Pool};

/// How long a provider may take to open and to close.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// When so many polls of one channel are under way at once, they are blocked,
/// and the channel gets no more threads until they end.
const MOST_BLOCKED: usize = 16;

/// A poll that takes longer is told, since it holds up a thread: the rule for
/// authors is 10 ms, and a busy machine may add to it.
const SLOW_POLL: Duration = Duration::from_millis(100);

/// Why a provider gave no answer. The plugin's file stands in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// Not within the limit.
    Late(String),
    /// It panicked in a way that its own guards did not catch.
    Panicked(String),
    /// The channel was closed before.
    Closed(String),
    /// It holds so many threads that it was not called at all.
    Stuck(String),
    /// No thread was free in time: it was not called at all.
    NotCalled(String),
}

/// A provider for one channel.
pub(crate) struct Instance {
    /// `None` once it is closed.
    provider: Mutex<Option<Arc<ProviderBox>>>,
    name: Arc<str>,
    file: Arc<str>,
    pool: Pool,
    /// Polls of this provider that are under way.
    polling: Arc<AtomicUsize>,
}

impl Instance {
    /// Opens a provider.
    pub(crate) async fn open(
        loaded: &LoadedType,
        channel: &str,
        settings_json: &str,
        host: HostBox,
        pool: Pool,
    ) -> Result<Self, OpenErrorV1> {
        let file: Arc<str> = loaded.file.path.display().to_string().into();
        let name: Arc<str> = channel.into();
        let polling = Arc::new(AtomicUsize::new(0));
        let opening = loaded.open(channel, settings_json, host);
        let answer = call(&pool, &polling, &name, &file, OPEN_LIMIT, opening).await;
        let provider = answer.map_err(|why| OpenErrorV1 {
            fault: Fault::PLUGIN,
            detail: why.sentence("while it opened the channel").into(),
            hint: "report this to the plugin's author".into(),
        })??;
        Ok(Self {
            provider: Mutex::new(Some(Arc::new(provider))),
            name,
            file,
            pool,
            polling,
        })
    }

    /// The plugin's file, for sentences.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<ProviderBox>>> {
        self.provider
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn take(&self) -> Option<Arc<ProviderBox>> {
        self.slot().take()
    }

    fn provider(&self) -> Result<Arc<ProviderBox>, NoAnswer> {
        self.slot()
            .clone()
            .ok_or_else(|| NoAnswer::Closed(self.file.to_string()))
    }

    /// Makes one attempt.
    pub(crate) async fn deliver(
        &self,
        delivery: DeliveryV1,
        limit: Duration,
    ) -> Result<DeliveryResultV1, NoAnswer> {
        let provider = self.provider()?;
        let attempt = async move { provider.deliver(delivery).await };
        call(
            &self.pool,
            &self.polling,
            &self.name,
            &self.file,
            limit,
            attempt,
        )
        .await
    }

    /// Checks the settings against the remote.
    pub(crate) async fn check(&self, limit: Duration) -> Result<CheckResultV1, NoAnswer> {
        let provider = self.provider()?;
        let check = async move { provider.check().await };
        call(
            &self.pool,
            &self.polling,
            &self.name,
            &self.file,
            limit,
            check,
        )
        .await
    }

    /// Closes the provider. One that does not end in time is left behind.
    pub(crate) async fn close(&self) {
        let Some(provider) = self.take() else {
            return;
        };
        // Its destructor runs there too, since that is the plugin's code.
        let close = async move { provider.close().await };
        if let Err(why) = call(
            &self.pool,
            &self.polling,
            &self.name,
            &self.file,
            CLOSE_LIMIT,
            close,
        )
        .await
        {
            let why = why.sentence("while it closed the channel");
            tracing::warn!(channel = %self.name, "{why}");
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(provider) = self.take() {
            // A provider's destructor is the plugin's code: not on our thread.
            self.pool.spawn(async move { drop(provider) }).detach();
        }
    }
}

impl NoAnswer {
    /// What happened, as a sentence that names the plugin's file.
    pub(crate) fn sentence(&self, when: &str) -> String {
        match self {
            Self::Late(file) => format!("plugin {file} did not answer in time {when}"),
            Self::Panicked(file) => format!("plugin {file} panicked {when}"),
            Self::Closed(file) => format!("the channel's provider ({file}) is closed"),
            Self::Stuck(file) => {
                format!("plugin {file} blocks {MOST_BLOCKED} threads and is not called")
            }
            Self::NotCalled(file) => format!("no thread was free for plugin {file}"),
        }
    }
}

impl NoAnswer {
    /// What a person can do about it.
    pub(crate) fn hint(&self, limit: Duration) -> String {
        match self {
            Self::Late(_) => format!(
                "most likely the service is silent: check its address, its port and the firewalls; \
                 the limit was {}, and delivery.timeout sets another",
                humantime::format_duration(limit)
            ),
            Self::Panicked(_) => "report this to the plugin's author".to_owned(),
            Self::Stuck(_) => {
                "it blocks its threads: report this to the plugin's author".to_owned()
            }
            Self::NotCalled(_) | Self::Closed(_) => String::new(),
        }
    }
}

async fn call<T: Send + 'static>(
    pool: &Pool,
    polling: &Arc<AtomicUsize>,
    channel: &Arc<str>,
    file: &Arc<str>,
    limit: Duration,
    future: impl Future<Output = T> + Send + 'static,
) -> Result<T, NoAnswer> {
    let started = Arc::new(AtomicBool::new(false));
    if polling.load(Ordering::Relaxed) >= MOST_BLOCKED {
        return Err(NoAnswer::Stuck(file.to_string()));
    }
    let watched = Watched {
        future: Box::pin(future),
        polling: Arc::clone(polling),
        started: Arc::clone(&started),
        channel: Arc::clone(channel),
        file: Arc::clone(file),
        told: false,
    };
    let task = pool.spawn(AssertUnwindSafe(watched).catch_unwind());
    match tokio::time::timeout(limit, task).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(payload)) => {
            // A payload may panic again when it is dropped.
            std::mem::forget(payload);
            Err(NoAnswer::Panicked(file.to_string()))
        }
        Err(_) if started.load(Ordering::Relaxed) => Err(NoAnswer::Late(file.to_string())),
        Err(_) => Err(NoAnswer::NotCalled(file.to_string())),
    }
}

/// Tells once when a poll blocks its thread for too long.
struct Watched<F> {
    future: Pin<Box<F>>,
    channel: Arc<str>,
    file: Arc<str>,
    polling: Arc<AtomicUsize>,
    started: Arc<AtomicBool>,
    told: bool,
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
        if took > SLOW_POLL && !self.told {
            self.told = true;
            let ms = took.as_millis();
            tracing::warn!(channel = %self.channel, plugin = %self.file, ms, "the plugin blocked its thread");
        }
        polled
    }
}
