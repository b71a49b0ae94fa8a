//! The engine: what an embedding program holds and calls.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::join_all;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    builder::EngineBuilder,
    check::Check,
    config::{Config, Loaded, Problems, load_channels},
    delivery::{
        Channel, Held, Job, Outbox, Report, Submission, UnderWay, broken, deliver, run_courier,
    },
    event::{Notification, Rendered},
    in_force::{InForce, Setup},
    keeping::Kept,
    opening::close_all,
    plugin::Catalog,
    router::{Router, UnknownChannel},
    services::Shared,
    store::{Store, StoreError},
    submit::Route,
};

/// Why a notification was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// There is nothing to tell.
    #[error("the message is empty: there is nothing to tell")]
    EmptyMessage,
    /// A channel was named that does not exist.
    #[error(transparent)]
    UnknownChannel(#[from] UnknownChannel),
    /// The ad-hoc definitions cannot be used.
    #[error(transparent)]
    Definitions(#[from] Box<Problems>),
    /// The engine keeps no deliveries.
    #[error("the engine has no store: a notification can be told, and not submitted")]
    NoStore,
    /// An idempotency key that is none.
    #[error("an idempotency key has 1 to 512 bytes")]
    Key,
    /// It could not be recorded.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine was shut down.
    #[error("the engine is shut down and takes no more notifications")]
    Closed,
}

/// What was left when an engine was shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Drained {
    /// Deliveries that had no answer at the deadline. Their reports say that
    /// nobody knows what came of them.
    pub abandoned: usize,
}

/// Routes and delivers notifications. A handle: clones are the same engine.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) in_force: InForce,
    pub(crate) shared: Shared,
    pub(crate) deliveries: TaskTracker,
    abandon: CancellationToken,
    /// One reload at a time, and none beside a shutdown.
    pub(crate) reloading: Mutex<()>,
    /// Channels that reloads have put out of use.
    pub(crate) closing: TaskTracker,
    /// Where deliveries are kept, if they are.
    pub(crate) outbox: Option<Arc<Outbox>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("channels", &self.0.in_force.now().router.all().len())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts to put an engine together from a configuration file.
    pub fn builder(file: impl Into<PathBuf>) -> EngineBuilder {
        EngineBuilder::new(file)
    }

    pub(crate) fn new(
        loaded: Loaded,
        channels: Vec<Arc<Channel>>,
        shared: Shared,
        kept: Kept,
    ) -> Self {
        let setup = Setup {
            config: Arc::new(loaded.config),
            catalog: Arc::new(loaded.catalog),
            router: Router::new(channels),
        };
        let (deliveries, abandon) = (TaskTracker::new(), CancellationToken::new());
        let outbox = kept.store.map(|store| {
            let clock = Arc::clone(&shared.clock);
            Outbox::new(store, clock, deliveries.clone(), abandon.clone())
        });
        let inner = Arc::new(Inner {
            in_force: InForce::new(setup),
            shared,
            deliveries,
            abandon,
            reloading: Mutex::default(),
            closing: TaskTracker::new(),
            outbox,
        });
        if inner.outbox.is_some() {
            drop(tokio::spawn(run_courier(Arc::downgrade(&inner))));
        }
        Self(inner)
    }

    /// The configuration that is in force now; a [`reload`](Self::reload)
    /// doesn't change what was answered before.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.0.in_force.now().config)
    }

    /// The plugins, as of the start or the last reload.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.0.in_force.now().catalog)
    }

    /// Tells a host's channels, all at once, and answers when each has
    /// answered: its own channels, else the default ones. A host that the
    /// configuration does not know gets the defaults.
    ///
    /// Deliveries go on when the returned future is dropped.
    ///
    /// # Errors
    /// [`NotifyError`] when the notification was not accepted. A failed
    /// delivery is no error: it stands in the [`Report`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(engine: &annunciator::Engine) -> Result<(), Box<dyn std::error::Error>> {
    /// let report = engine.notify_host("prod-web-01", "Server CPU at 95%").await?;
    /// assert_eq!(report.results().get("signal_ops"), Some(&true));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "pushmsg_for_host")]
    pub async fn notify_host(
        &self,
        host: &str,
        notification: impl Into<Notification>,
    ) -> Result<Report, NotifyError> {
        let (host, channels) = self.route(Route::Host(host))?;
        self.tell(host, channels, notification.into(), false).await
    }

    /// Tells the default channels.
    ///
    /// # Errors
    /// As [`notify_host`](Self::notify_host).
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(engine: &annunciator::Engine) -> Result<(), Box<dyn std::error::Error>> {
    /// let report = engine.notify_default("Global notification").await?;
    /// assert!(report.all_delivered());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "pushmsg_from_config")]
    pub async fn notify_default(
        &self,
        notification: impl Into<Notification>,
    ) -> Result<Report, NotifyError> {
        let (host, channels) = self.route(Route::Defaults)?;
        self.tell(host, channels, notification.into(), false).await
    }

    /// Tells channels by their names.
    ///
    /// # Errors
    /// As [`notify_host`](Self::notify_host); also when a name is unknown, and
    /// then nobody is told.
    pub async fn notify_channels(
        &self,
        names: &[&str],
        notification: impl Into<Notification>,
    ) -> Result<Report, NotifyError> {
        let (host, channels) = self.route(Route::Channels(names))?;
        self.tell(host, channels, notification.into(), false).await
    }

    /// Tells channels that stand in no configuration: `definitions` is what
    /// would stand below `notification_channels`, as YAML or JSON text. They
    /// are opened for this one notification and closed afterwards.
    ///
    /// # Errors
    /// As [`notify_host`](Self::notify_host); also when the definitions cannot
    /// be used, with every problem.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(engine: &annunciator::Engine) -> Result<(), Box<dyn std::error::Error>> {
    /// let definitions = "ops: {type: mattermost, host: chat.example.com, token: abc, channel: ops}";
    /// let report = engine.notify_with(definitions, "Targeted notification").await?;
    /// println!("{:?}", report.results());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "pushmsg")]
    pub async fn notify_with(
        &self,
        definitions: &str,
        notification: impl Into<Notification>,
    ) -> Result<Report, NotifyError> {
        if self.0.deliveries.is_closed() {
            return Err(NotifyError::Closed);
        }
        // May load a plugin and read files: not on a thread of the runtime.
        let (text, catalog) = (definitions.to_owned(), self.catalog());
        let loading = tokio::task::spawn_blocking(move || load_channels(&text, &catalog));
        let config = loading
            .await
            .map_err(|_| NotifyError::Closed)?
            .map_err(Box::new)?;
        let (engine, notification) = (self.clone(), notification.into());
        // A task of its own: who stops waiting does not leave channels open.
        let telling = self.0.deliveries.spawn(async move {
            let configs = config.channels.iter().map(Arc::clone);
            let opening = configs.map(|config| Channel::open_ad_hoc(config, &engine.0.shared));
            let channels: Vec<_> = join_all(opening).await.into_iter().map(Arc::new).collect();
            let held = channels.iter().map(Held::new).collect();
            let report = engine.tell("", held, notification, true).await;
            close_all(&channels).await;
            report
        });
        telling.await.map_err(|_| NotifyError::Closed)?
    }

    async fn tell(
        &self,
        host: &str,
        channels: Vec<Held>,
        notification: Notification,
        ad_hoc: bool,
    ) -> Result<Report, NotifyError> {
        let inner = &self.0;
        let rendered = self.render(host, notification)?;
        if channels.is_empty() {
            let id = rendered.message.id.as_str();
            tracing::warn!(
                host,
                notification = id,
                "no channel is configured for this: nobody is told"
            );
        }
        if let Some(outbox) = inner.outbox.as_ref().filter(|_| !ad_hoc) {
            let submission = Submission {
                rendered: rendered.clone(),
                channels: channels.clone(),
                key: None,
            };
            let wait = inner.in_force.look(|now| now.config.delivery.wait);
            match outbox.tell(submission, wait).await {
                Ok(report) => return Ok(report),
                Err(error) => tracing::error!(
                    "{error}; the notification is delivered all the same, once and without a record"
                ),
            }
        }
        // Tasks of their own: what was accepted is delivered, whether or not
        // the caller goes on waiting.
        let deliveries = channels.into_iter().map(|held| {
            let (rendered, abandon) = (rendered.clone(), inner.abandon.clone());
            // Who never asks for the answer does not hold up a reload.
            let channel = held.channel();
            let job = Job {
                channel: held,
                rendered: rendered.clone(),
                abandon,
                under_way: UnderWay::begin(),
            };
            let delivery = inner.deliveries.spawn(deliver(job));
            async move {
                delivery
                    .await
                    .unwrap_or_else(|_| broken(&channel, rendered))
            }
        });
        let deliveries: Vec<_> = deliveries.collect();
        let reports = join_all(deliveries).await;
        Ok(Report::new(reports))
    }

    /// Puts a notification into the form that all channels share.
    pub(crate) fn render(
        &self,
        host: &str,
        notification: Notification,
    ) -> Result<Rendered, NotifyError> {
        if self.0.deliveries.is_closed() {
            return Err(NotifyError::Closed);
        }
        let now_ms = self.0.shared.clock.now_ms();
        let rendered = notification.render(host, now_ms);
        rendered.ok_or(NotifyError::EmptyMessage)
    }

    /// Where deliveries are kept, if they are: for questions about them.
    #[must_use]
    pub fn store(&self) -> Option<&Arc<dyn Store>> {
        self.0.outbox.as_ref().map(|outbox| &outbox.store)
    }

    /// Lets channels prove their settings without delivering anything, all at
    /// once. No names means all channels.
    ///
    /// # Errors
    /// [`UnknownChannel`] when a name is unknown.
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
    pub async fn check(&self, names: &[&str]) -> Result<Vec<Check>, UnknownChannel> {
        let in_force = &self.0.in_force;
        let channels = if names.is_empty() {
            in_force.look(|now| now.router.all().to_vec())
        } else {
            let held = in_force.look(|now| now.router.named(&now.config, names))?;
            // A check that nobody goes on with must not hold up a reload.
            held.iter().map(Held::channel).collect()
        };
        Ok(join_all(channels.iter().map(|channel| Check::of(channel))).await)
    }

    /// How many deliveries wait or are under way, over all channels.
    #[must_use]
    pub fn deliveries_under_way(&self) -> usize {
        self.0.deliveries.len()
    }

    /// Takes no more notifications, waits for those under way until the
    /// deadline, then closes every channel, and waits for those that reloads
    /// have put out of use.
    pub async fn shutdown(&self, deadline: Duration) -> Drained {
        let inner = &self.0;
        inner.deliveries.close();
        if let Some(outbox) = &inner.outbox {
            outbox.wake();
        }
        let in_time = tokio::time::timeout(deadline, inner.deliveries.wait()).await;
        let abandoned = if in_time.is_ok() {
            0
        } else {
            inner.deliveries.len()
        };
        inner.abandon.cancel();
        inner.deliveries.wait().await;
        // A reload that is under way sees that it came too late.
        let _alone = inner.reloading.lock().await;
        inner.closing.close();
        close_all(inner.in_force.now().router.all()).await;
        inner.closing.wait().await;
        Drained { abandoned }
    }
}

/// Turns anything that serde can write into definitions for
/// [`Engine::notify_with`].
///
/// # Errors
/// serde's error when the value has no JSON form.
pub fn definitions(value: &impl Serialize) -> Result<String, serde_json::Error> {
    // JSON is YAML.
    serde_json::to_string(value)
}
