//! Notifications whose caller waits for the outcome.

use std::{sync::Arc, time::Duration};

use annunciator_store::StoreError;
use futures_util::future::join_all;

use crate::{
    config::load_channels,
    delivery::{
        Addressee, Channel, ChannelGuard, Report, SingleDelivery, Submission, UnderWay,
        deliver_once, report_panic,
    },
    engine::{
        error::{NotifyError, check_key},
        handle::Engine,
        open_channels::close_channels,
    },
    event::{Notification, Rendered},
    router::Route,
};

/// How a notification is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotifyMode {
    /// Recorded in the store; the caller waits for the outcome.
    Recorded,
    /// A single attempt without a record.
    Unrecorded,
    /// Recorded in the store; the caller does not wait for the outcome.
    WithoutWaiting,
}

impl Engine {
    /// Notifies the channels of a host concurrently, and returns when each has an outcome or
    /// `delivery.wait` has passed. A host that has no channels of its own or is not in the
    /// configuration has the default channels.
    ///
    /// If the returned future is dropped, the deliveries go on.
    ///
    /// # Errors
    /// [`NotifyError`] when the notification is not accepted. A failed delivery is not an error;
    /// the [`Report`] has it.
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
        self.notify_route(Route::Host(host), notification.into(), NotifyMode::Recorded)
            .await
    }

    /// Notifies the default channels, as [`notify_host`](Self::notify_host) does those of a host.
    ///
    /// # Errors
    /// The same as [`notify_host`](Self::notify_host).
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
        self.notify_route(Route::Defaults, notification.into(), NotifyMode::Recorded)
            .await
    }

    /// Notifies the channels and groups with these names.
    ///
    /// # Errors
    /// The same as [`notify_host`](Self::notify_host), and [`NotifyError::UnknownChannel`] when a
    /// name is unknown; then nobody is notified.
    pub async fn notify_channels(
        &self,
        names: &[&str],
        notification: impl Into<Notification>,
    ) -> Result<Report, NotifyError> {
        self.notify_route(
            Route::Channels(names),
            notification.into(),
            NotifyMode::Recorded,
        )
        .await
    }

    /// Notifies the channels with these names in a single attempt, without recording the
    /// notification and whatever the state of the store.
    ///
    /// Use it when the notification could not be recorded. Deliveries that would otherwise wait for
    /// a digest are attempted at once.
    ///
    /// # Errors
    /// The same as [`notify_channels`](Self::notify_channels).
    pub async fn notify_unrecorded(
        &self,
        names: &[&str],
        notification: impl Into<Notification>,
    ) -> Result<Report, NotifyError> {
        let (route, notification) = (Route::Channels(names), notification.into());
        self.notify_route(route, notification, NotifyMode::Unrecorded)
            .await
    }

    /// Notifies ad-hoc channels, which are not in the configuration.
    ///
    /// `definitions` is YAML or JSON text in the form of `notification_channels`. The channels are
    /// opened for this one notification and closed afterwards.
    ///
    /// # Errors
    /// The same as [`notify_host`](Self::notify_host), and [`NotifyError::Definitions`] with the
    /// problems that were found when the definitions cannot be used.
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
        self.0.runtime_home.check()?;
        if self.0.deliveries.is_closed() {
            return Err(NotifyError::Closed);
        }
        let (engine, definitions) = (self.clone(), definitions.to_owned());
        let notification = notification.into();
        let notifying = async move { engine.notify_definitions(definitions, notification).await };
        self.0.runtime_home.run(notifying).await?
    }

    async fn notify_definitions(
        &self,
        definitions: String,
        notification: Notification,
    ) -> Result<Report, NotifyError> {
        // May load a plugin and read files, so it must not run on a thread of the runtime.
        let catalog = self.catalog();
        let loading = tokio::task::spawn_blocking(move || load_channels(&definitions, &catalog));
        let config = loading
            .await
            .map_err(|_| NotifyError::Closed)?
            .map_err(Box::new)?;
        let engine = self.clone();
        // A task of its own, which closes the channels if the caller stops waiting.
        let notifying = self.0.deliveries.spawn(async move {
            let configs = config.channels.iter().map(Arc::clone);
            let opening = configs.map(|config| Channel::open_ad_hoc(config, &engine.0.shared));
            let channels: Vec<_> = join_all(opening).await.into_iter().map(Arc::new).collect();
            let addressees = channels.iter().map(|channel| Addressee {
                channel: ChannelGuard::new(channel),
                turn: None,
            });
            let report = engine.notify_addressees(
                "",
                addressees.collect(),
                notification,
                NotifyMode::Unrecorded,
            );
            let report = report.await;
            close_channels(&channels).await;
            report
        });
        notifying.await.map_err(|_| NotifyError::Closed)?
    }

    /// Notifies the channels of a route, in the engine's runtime.
    async fn notify_route(
        &self,
        route: Route<'_>,
        notification: Notification,
        mode: NotifyMode,
    ) -> Result<Report, NotifyError> {
        self.0.runtime_home.check()?;
        let notification = notification.to(route.named());
        let (host, addressees) = self.0.current.with(|current| current.route(route))?;
        let (engine, host) = (self.clone(), host.to_owned());
        let notifying = async move {
            engine
                .notify_addressees(&host, addressees, notification, mode)
                .await
        };
        self.0.runtime_home.run(notifying).await?
    }

    pub(crate) async fn notify_addressees(
        &self,
        host: &str,
        addressees: Vec<Addressee>,
        mut notification: Notification,
        mode: NotifyMode,
    ) -> Result<Report, NotifyError> {
        let inner = &self.0;
        let key = notification
            .take_key()
            .filter(|_| mode != NotifyMode::Unrecorded);
        check_key(key.as_deref())?;
        if key.is_some() && inner.outbox.is_none() {
            return Err(NotifyError::NoStore);
        }
        let rendered = self.render(host, notification)?;
        if addressees.is_empty() {
            let id = rendered.message.id.as_str();
            tracing::warn!(
                host,
                notification = id,
                "no channel is configured for this: nobody is notified"
            );
        }
        if let Some(outbox) = inner
            .outbox
            .as_ref()
            .filter(|_| mode != NotifyMode::Unrecorded)
        {
            let submission = Submission {
                rendered: rendered.clone(),
                addressees: addressees.clone(),
                key,
            };
            let wait = match mode {
                NotifyMode::WithoutWaiting => Duration::ZERO,
                _ => inner.current.with(|current| current.config.delivery.wait),
            };
            match outbox.submit_and_wait(submission, wait).await {
                Ok(report) => return Ok(report),
                Err(conflict @ StoreError::Conflict { .. }) => {
                    return Err(NotifyError::of_store(conflict));
                }
                Err(error) => tracing::error!(
                    "{error}; the notification is delivered all the same, once and without a record"
                ),
            }
        }
        // Tasks of their own, so that accepted deliveries continue if the caller stops waiting.
        let deliveries = addressees.into_iter().map(|addressee| {
            let held = addressee.channel;
            let (rendered, abandon) = (rendered.clone(), inner.abandon.clone());
            // A caller that never polls for the outcome must not delay a reload.
            let channel = held.channel();
            let delivery = SingleDelivery {
                channel: held,
                rendered: rendered.clone(),
                abandon,
                now_ms: inner.shared.clock.now_ms(),
                under_way: UnderWay::begin(),
            };
            let delivery = inner.deliveries.spawn(deliver_once(delivery));
            async move {
                delivery
                    .await
                    .unwrap_or_else(|_| report_panic(&channel, rendered))
            }
        });
        let deliveries: Vec<_> = deliveries.collect();
        let reports = join_all(deliveries).await;
        Ok(Report::new(reports))
    }

    /// Renders a notification in the form that all channels share.
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
}
