//! The engine: what an embedding program holds and calls.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::join_all;
use serde::Serialize;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    builder::EngineBuilder,
    check::Check,
    config::{Config, Problems, load_channels},
    delivery::{Channel, Job, Report, broken, deliver},
    event::Notification,
    plugin::Catalog,
    router::{Router, UnknownChannel},
    services::Shared,
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
pub struct Engine(Arc<Inner>);

struct Inner {
    config: Config,
    catalog: Catalog,
    router: Router,
    shared: Shared,
    deliveries: TaskTracker,
    abandon: CancellationToken,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("channels", &self.0.router.all().len())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts to put an engine together from a configuration file.
    pub fn builder(file: impl Into<PathBuf>) -> EngineBuilder {
        EngineBuilder::new(file)
    }

    pub(crate) fn new(
        config: Config,
        catalog: Catalog,
        channels: Vec<Arc<Channel>>,
        shared: Shared,
    ) -> Self {
        Self(Arc::new(Inner {
            config,
            catalog,
            router: Router::new(channels),
            shared,
            deliveries: TaskTracker::new(),
            abandon: CancellationToken::new(),
        }))
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The plugins.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.0.catalog
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
        let inner = &self.0;
        let channels: Vec<_> = inner.router.host(&inner.config, host).cloned().collect();
        self.tell(host, channels, notification.into()).await
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
        let inner = &self.0;
        let channels: Vec<_> = inner.router.defaults(&inner.config).cloned().collect();
        self.tell("", channels, notification.into()).await
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
        let channels = self.0.router.named(&self.0.config, names)?;
        self.tell("", channels, notification.into()).await
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
        let (text, inner) = (definitions.to_owned(), Arc::clone(&self.0));
        let loading = tokio::task::spawn_blocking(move || load_channels(&text, &inner.catalog));
        let config = loading
            .await
            .map_err(|_| NotifyError::Closed)?
            .map_err(Box::new)?;
        let (engine, notification) = (self.clone(), notification.into());
        // A task of its own: who stops waiting does not leave channels open.
        let telling = self.0.deliveries.spawn(async move {
            // What such a channel keeps is nobody else's, whatever its name.
            let kv = Arc::default();
            let shared = Shared {
                kv,
                ..engine.0.shared.clone()
            };
            let configs = config.channels.iter().map(Arc::clone);
            let opening = configs.map(|config| Channel::open(config, &shared));
            let channels: Vec<_> = join_all(opening).await.into_iter().map(Arc::new).collect();
            let report = engine.tell("", channels.clone(), notification).await;
            join_all(channels.iter().map(|channel| channel.close())).await;
            report
        });
        telling.await.map_err(|_| NotifyError::Closed)?
    }

    async fn tell(
        &self,
        host: &str,
        channels: Vec<Arc<Channel>>,
        notification: Notification,
    ) -> Result<Report, NotifyError> {
        let inner = &self.0;
        if inner.deliveries.is_closed() {
            return Err(NotifyError::Closed);
        }
        let now = inner.shared.clock.now_ms();
        let rendered = notification
            .render(host, now)
            .ok_or(NotifyError::EmptyMessage)?;
        if channels.is_empty() {
            let id = rendered.message.id.as_str();
            tracing::warn!(
                host,
                notification = id,
                "no channel is configured for this: nobody is told"
            );
        }
        // Tasks of their own: what was accepted is delivered, whether or not
        // the caller goes on waiting.
        let deliveries = channels.into_iter().map(|channel| {
            let (rendered, abandon) = (rendered.clone(), inner.abandon.clone());
            let job = Job {
                channel: Arc::clone(&channel),
                rendered: rendered.clone(),
                abandon,
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
        let channels = if names.is_empty() {
            self.0.router.all().to_vec()
        } else {
            self.0.router.named(&self.0.config, names)?
        };
        Ok(join_all(channels.iter().map(|channel| Check::of(channel))).await)
    }

    /// How many deliveries wait or are under way, over all channels.
    #[must_use]
    pub fn deliveries_under_way(&self) -> usize {
        self.0.deliveries.len()
    }

    /// Takes no more notifications, waits for those under way until the
    /// deadline, then closes every channel.
    pub async fn shutdown(&self, deadline: Duration) -> Drained {
        let inner = &self.0;
        inner.deliveries.close();
        let in_time = tokio::time::timeout(deadline, inner.deliveries.wait()).await;
        let abandoned = if in_time.is_ok() {
            0
        } else {
            inner.deliveries.len()
        };
        inner.abandon.cancel();
        inner.deliveries.wait().await;
        join_all(inner.router.all().iter().map(|channel| channel.close())).await;
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
