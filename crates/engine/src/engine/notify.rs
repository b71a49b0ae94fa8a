//! Notifications whose caller waits for what comes of them.

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
        error::NotifyError,
        handle::Engine,
        opening::close_all,
        submit::{Route, check_key, refused},
    },
    event::{Notification, Rendered},
};

/// How people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// The outcome is waited for.
    Usual,
    /// Once, without a record.
    Unrecorded,
    /// It is accepted, and that is all the caller wants to know.
    WithoutWaiting,
}

impl Engine {
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
        self.tell_there(Route::Host(host), notification.into(), Manner::Usual)
            .await
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
        self.tell_there(Route::Defaults, notification.into(), Manner::Usual)
            .await
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
        self.tell_there(Route::Channels(names), notification.into(), Manner::Usual)
            .await
    }

    /// Tells channels by their names now, once and without a record, whatever is
    /// with the store: for whoever could not have it recorded. What would be told
    /// in a digest is told as well.
    ///
    /// # Errors
    /// As [`notify_channels`](Self::notify_channels).
    pub async fn notify_unrecorded(
        &self,
        names: &[&str],
        notification: impl Into<Notification>,
    ) -> Result<Report, NotifyError> {
        let (route, notification) = (Route::Channels(names), notification.into());
        self.tell_there(route, notification, Manner::Unrecorded)
            .await
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
        self.0.home.check()?;
        if self.0.deliveries.is_closed() {
            return Err(NotifyError::Closed);
        }
        let (engine, definitions) = (self.clone(), definitions.to_owned());
        let notification = notification.into();
        let telling = async move { engine.tell_with(definitions, notification).await };
        self.0.home.run(telling).await?
    }

    async fn tell_with(
        &self,
        definitions: String,
        notification: Notification,
    ) -> Result<Report, NotifyError> {
        // May load a plugin and read files: not on a thread of the runtime.
        let catalog = self.catalog();
        let loading = tokio::task::spawn_blocking(move || load_channels(&definitions, &catalog));
        let config = loading
            .await
            .map_err(|_| NotifyError::Closed)?
            .map_err(Box::new)?;
        let engine = self.clone();
        // A task of its own: who stops waiting does not leave channels open.
        let telling = self.0.deliveries.spawn(async move {
            let configs = config.channels.iter().map(Arc::clone);
            let opening = configs.map(|config| Channel::open_ad_hoc(config, &engine.0.shared));
            let channels: Vec<_> = join_all(opening).await.into_iter().map(Arc::new).collect();
            let addressees = channels.iter().map(|channel| Addressee {
                channel: ChannelGuard::new(channel),
                turn: None,
            });
            let report = engine.tell("", addressees.collect(), notification, Manner::Unrecorded);
            let report = report.await;
            close_all(&channels).await;
            report
        });
        telling.await.map_err(|_| NotifyError::Closed)?
    }

    /// Tells the channels of a route, in the engine's runtime.
    async fn tell_there(
        &self,
        route: Route<'_>,
        notification: Notification,
        manner: Manner,
    ) -> Result<Report, NotifyError> {
        self.0.home.check()?;
        let notification = notification.to(route.named());
        let (host, addressees) = self.route(route)?;
        let (engine, host) = (self.clone(), host.to_owned());
        let telling = async move { engine.tell(&host, addressees, notification, manner).await };
        self.0.home.run(telling).await?
    }

    pub(crate) async fn tell(
        &self,
        host: &str,
        addressees: Vec<Addressee>,
        mut notification: Notification,
        manner: Manner,
    ) -> Result<Report, NotifyError> {
        let inner = &self.0;
        let key = notification
            .take_key()
            .filter(|_| manner != Manner::Unrecorded);
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
                "no channel is configured for this: nobody is told"
            );
        }
        if let Some(outbox) = inner
            .outbox
            .as_ref()
            .filter(|_| manner != Manner::Unrecorded)
        {
            let submission = Submission {
                rendered: rendered.clone(),
                addressees: addressees.clone(),
                key,
            };
            let wait = match manner {
                Manner::WithoutWaiting => Duration::ZERO,
                _ => inner.in_force.look(|now| now.config.delivery.wait),
            };
            match outbox.submit_and_wait(submission, wait).await {
                Ok(report) => return Ok(report),
                Err(conflict @ StoreError::Conflict { .. }) => return Err(refused(conflict)),
                Err(error) => tracing::error!(
                    "{error}; the notification is delivered all the same, once and without a record"
                ),
            }
        }
        // Tasks of their own: what was accepted is delivered, whether or not
        // the caller goes on waiting.
        let deliveries = addressees.into_iter().map(|addressee| {
            let held = addressee.channel;
            let (rendered, abandon) = (rendered.clone(), inner.abandon.clone());
            // Who never asks for the answer does not hold up a reload.
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
}
