//! The engine's handle: what an embedding program holds and calls.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Duration,
};

use annunciator_store::{Store, StoreError};
use futures_util::future::join_all;
use serde::Serialize;
use tokio::sync::{Mutex, Notify, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    alerts::{ActiveAlerts, Subject},
    config::{Config, Retention},
    delivery::{
        Channel, ChannelGuard, ChannelStatus, Check, CurrentConfig, Outbox, persist_proofs,
        run_dispatcher,
    },
    engine::{
        current::{Current, Snapshot},
        error::NotifyError,
        load::Loaded,
        open_channels::{close_channels, update_disabled_alerts},
        runtime_home::{Misplaced, RuntimeHome},
        store_choice::OpenedStore,
    },
    router::{Route, Router},
    runtime::Catalog,
    services::{Proven, Shared},
};

/// The result of a [shutdown](Engine::shutdown).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Drained {
    /// How many deliveries had no answer at the deadline. The outcome in their reports is unknown.
    pub abandoned: usize,
    /// Why the shutdown did nothing, if it was called where it cannot be carried out.
    pub refused: Option<Misplaced>,
}

/// A notification engine: routes and delivers notifications.
///
/// An `Engine` is a handle: a clone refers to the same engine.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) runtime_home: RuntimeHome,
    /// The path of the configuration file, which does not change.
    pub(crate) file: PathBuf,
    /// The reason why deliveries are stored in memory although a file was chosen.
    pub(crate) store_error: Option<StoreError>,
    pub(crate) current: Current,
    pub(crate) shared: Shared,
    pub(crate) deliveries: TaskTracker,
    pub(crate) abandon: CancellationToken,
    /// Held during a reload and a shutdown, so that they run one after the other.
    pub(crate) reloading: Mutex<()>,
    /// Tracks the channels that reloads have replaced and that are being closed.
    pub(crate) closing: TaskTracker,
    /// The outbox, if deliveries are stored.
    pub(crate) outbox: Option<Arc<Outbox>>,
    /// The active alerts: what keeps people from being notified.
    pub(crate) alerts: Arc<ActiveAlerts>,
    /// Signals that the snapshot was replaced: canary checks may be due earlier.
    pub(crate) reloaded: Arc<Notify>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("channels", &self.0.current.snapshot().router.all().len())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Returns the engine that a task works for, or `None` if the engine accepts no more
    /// notifications or was dropped.
    pub(crate) fn while_open(engine: &Weak<Inner>) -> Option<Self> {
        let inner = engine.upgrade()?;
        (!inner.deliveries.is_closed()).then_some(Self(inner))
    }

    pub(crate) fn new(
        runtime_home: RuntimeHome,
        loaded: Loaded,
        channels: Vec<Arc<Channel>>,
        shared: Shared,
        opened: OpenedStore,
        proven: mpsc::Receiver<Proven>,
    ) -> Self {
        let loaded_from = loaded.warnings.file().to_owned();
        update_disabled_alerts(&channels, &shared.alerts);
        let snapshot = Snapshot {
            config: Arc::new(loaded.config),
            catalog: Arc::new(loaded.catalog),
            router: Router::new(channels),
        };
        let (deliveries, abandon) = (TaskTracker::new(), CancellationToken::new());
        let alerts = Arc::clone(&shared.alerts);
        let outbox = opened.store.map(|store| {
            let (clock, alerts) = (Arc::clone(&shared.clock), Arc::clone(&alerts));
            let ends = (deliveries.clone(), abandon.clone());
            Outbox::new(store, alerts, clock, ends, opened.awaits_attempts)
        });
        if let Some(error) = &opened.error {
            let sentence = format!(
                "Deliveries are stored in memory until the next start, and what waits is lost when this program ends: {error}."
            );
            alerts.raise(Subject::StartedWithout, sentence);
        }
        let inner = Arc::new(Inner {
            reloaded: Arc::default(),
            runtime_home,
            file: loaded_from,
            store_error: opened.error,
            current: Current::new(snapshot),
            shared,
            deliveries,
            abandon,
            reloading: Mutex::default(),
            closing: TaskTracker::new(),
            outbox,
            alerts,
        });
        if let Some(outbox) = &inner.outbox {
            let outbox = Arc::downgrade(outbox);
            drop(tokio::spawn(run_dispatcher(
                Arc::downgrade(&inner),
                outbox.clone(),
            )));
            drop(tokio::spawn(persist_proofs(
                Arc::downgrade(&inner),
                outbox,
                proven,
            )));
        }
        Self(inner)
    }

    /// Returns the current configuration. A later [`reload`](Self::reload) does not change the
    /// returned value.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.0.current.snapshot().config)
    }

    /// Returns the plugins that were found at the start or the last reload.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.0.current.snapshot().catalog)
    }

    /// Returns the store of deliveries, if the engine has one. Use it for queries.
    #[must_use]
    pub fn store(&self) -> Option<&Arc<dyn Store>> {
        self.0.outbox.as_ref().map(|outbox| &outbox.store)
    }

    /// Returns why the chosen store file could not be opened at the start, if so. Deliveries are
    /// then stored in memory, and lost when this program ends.
    #[must_use]
    pub fn store_error(&self) -> Option<&StoreError> {
        self.0.store_error.as_ref()
    }

    /// Returns the path of the configuration file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.0.file
    }

    /// Checks the settings of channels concurrently, without delivering anything. If `names` is
    /// empty, all channels are checked.
    ///
    /// # Errors
    /// [`NotifyError`] when a name is unknown or the engine is shut down.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(engine: &annunciator::Engine) -> Result<(), Box<dyn std::error::Error>> {
    /// for check in engine.check(&["email_ops"]).await? {
    ///     println!("{}: {:?} {}", check.channel, check.status, check.detail);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn check(&self, names: &[&str]) -> Result<Vec<Check>, NotifyError> {
        self.0.runtime_home.check()?;
        if self.0.deliveries.is_closed() {
            return Err(NotifyError::Closed);
        }
        let current = &self.0.current;
        let channels = if names.is_empty() {
            current.with(|current| current.router.all().to_vec())
        } else {
            let (_, held) = current.with(|current| current.route(Route::Channels(names)))?;
            // A check whose caller stops waiting must not delay a reload.
            held.iter().map(|one| one.channel.channel()).collect()
        };
        let clock = Arc::clone(&self.0.shared.clock);
        let checking = async move {
            let checks = channels.iter().map(|channel| channel.check(&*clock));
            join_all(checks).await
        };
        Ok(self.0.runtime_home.run(checking).await?)
    }

    /// Returns what the engine knows of each channel at the moment, in the order of the
    /// configuration: its circuit breaker, its rate limit, its last check and the alerts about it.
    #[must_use]
    pub fn channel_statuses(&self) -> Vec<ChannelStatus> {
        let (alerts, clock) = (&*self.0.alerts, &*self.0.shared.clock);
        self.0.current.with(|current| {
            let channels = current.router.all().iter();
            channels
                .map(|channel| channel.status(alerts, clock))
                .collect()
        })
    }

    /// Returns the number of deliveries that wait or are under way, over all channels.
    #[must_use]
    pub fn deliveries_under_way(&self) -> usize {
        self.0.deliveries.len()
    }

    /// Shuts the engine down: refuses further notifications, waits until the deadline for
    /// deliveries that are under way, closes every channel, and waits for channels that reloads
    /// have replaced.
    ///
    /// A second call does the same with what is left. In a process that was forked from the
    /// engine's process, or when the engine's runtime has ended, nothing is done, and
    /// [`Drained::refused`] says why.
    pub async fn shutdown(&self, deadline: Duration) -> Drained {
        let inner = Arc::clone(&self.0);
        let closing = async move { inner.shutdown(deadline).await };
        let drained = self.0.runtime_home.run(closing).await;
        drained.unwrap_or_else(|refused| Drained {
            abandoned: 0,
            refused: Some(refused),
        })
    }
}

impl CurrentConfig for Inner {
    fn channel(&self, name: &str) -> Option<ChannelGuard> {
        self.current
            .with(|current| current.router.channel(&current.config, name))
    }

    fn retention(&self) -> Retention {
        self.current.with(|current| current.config.delivery.keep)
    }
}

impl Inner {
    async fn shutdown(&self, deadline: Duration) -> Drained {
        self.deliveries.close();
        let all_ended = async {
            if let Some(outbox) = &self.outbox {
                outbox.wake();
                outbox.wait_for_claims().await;
            }
            self.deliveries.wait().await;
        };
        let in_time = tokio::time::timeout(deadline, all_ended).await;
        let abandoned = if in_time.is_ok() {
            0
        } else {
            self.deliveries.len()
        };
        self.abandon.cancel();
        self.deliveries.wait().await;
        // A reload that is under way sees that the engine is shut down.
        let _lock = self.reloading.lock().await;
        self.closing.close();
        close_channels(self.current.snapshot().router.all()).await;
        self.closing.wait().await;
        Drained {
            abandoned,
            refused: None,
        }
    }
}

/// Converts a value that implements serde's `Serialize` to definitions for [`Engine::notify_with`].
///
/// # Errors
/// serde's error when the value cannot be written as JSON.
pub fn definitions(value: &impl Serialize) -> Result<String, serde_json::Error> {
    // Every JSON text is YAML.
    serde_json::to_string(value)
}
