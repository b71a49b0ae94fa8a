//! Notifications that are accepted now and delivered whatever happens: the
//! caller learns that they are recorded, and need not wait for more.

use std::collections::BTreeSet;

use annunciator_store::{DeliveryId, State, StoreError};
use serde::Serialize;

use crate::{
    delivery::Submission,
    engine::{
        handle::{Engine, NotifyError},
        home::Misplaced,
    },
    event::Notification,
    router::{Addressee, UnknownChannel},
};

/// The longest idempotency key, in bytes.
const LONGEST_KEY: usize = 512;

/// To whom a notification goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route<'a> {
    /// To the channels of a host.
    Host(&'a str),
    /// To the default channels.
    Defaults,
    /// To these channels.
    Channels(&'a [&'a str]),
}

/// Says that a notification is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Receipt {
    /// Names the notification: the one that was accepted first, where the key
    /// was known.
    pub notification: String,
    /// Whether it was accepted before, by its key.
    pub repeated: bool,
    /// Its deliveries, one for each channel.
    pub deliveries: Vec<Submitted>,
}

/// A delivery that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Submitted {
    /// Which.
    pub delivery: DeliveryId,
    /// The channel.
    pub channel: String,
    /// What became of it so far.
    pub state: State,
}

impl Route<'_> {
    /// The channels that it names, in order.
    pub(crate) fn named(&self) -> Vec<String> {
        let Self::Channels(names) = self else {
            return Vec::new();
        };
        let names: BTreeSet<&str> = names.iter().copied().collect();
        names.into_iter().map(str::to_owned).collect()
    }
}

/// Whether it is one.
pub(crate) fn check_key(key: Option<&str>) -> Result<(), NotifyError> {
    if key.is_some_and(|key| key.is_empty() || key.len() > LONGEST_KEY) {
        return Err(NotifyError::Key);
    }
    Ok(())
}

/// Why it was not accepted.
pub(crate) fn refused(error: StoreError) -> NotifyError {
    match error {
        StoreError::Conflict { key, differs } => NotifyError::Conflict { key, differs },
        error => error.into(),
    }
}

impl Engine {
    /// Accepts a notification and answers when that is recorded: from then on
    /// it is delivered, or it stands in the store why not, whatever breaks.
    ///
    /// `key` is the caller's name for the intent, at most 512 bytes. Submitted
    /// again with the same one, because no answer came say, it is not accepted
    /// again: the receipt is that of the first time. The message, its title, severity,
    /// kind and attributes, the incident, the host and the route must be the same, and
    /// so must [when it happened](Notification::occurred_at), where that was said; in
    /// what order attributes are given makes no difference.
    ///
    /// # Errors
    /// [`NotifyError`] when it was not accepted; then nothing of it is
    /// recorded. [`NotifyError::Conflict`] when the key was used for something else.
    /// [`NotifyError::NoStore`] when the engine has no store, see
    /// [`EngineBuilder::store`](crate::EngineBuilder::store).
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(engine: &annunciator::Engine) -> Result<(), Box<dyn std::error::Error>> {
    /// use annunciator::Route;
    ///
    /// let backup = Route::Host("prod-db-01");
    /// let receipt = engine.submit(backup, "Backup failed", Some("backup/2026-11-22")).await?;
    /// println!("{} deliveries are on their way", receipt.deliveries.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn submit(
        &self,
        route: Route<'_>,
        notification: impl Into<Notification>,
        key: Option<&str>,
    ) -> Result<Receipt, NotifyError> {
        let inner = &self.0;
        inner.home.check()?;
        let outbox = inner.outbox.clone().ok_or(NotifyError::NoStore)?;
        let mut notification = notification.into().to(route.named());
        let own = notification.take_key();
        let key = key.map(str::to_owned).or(own);
        check_key(key.as_deref())?;
        let (host, addressees) = self.route(route)?;
        let rendered = self.render(host, notification)?;
        let submission = Submission {
            rendered,
            addressees,
            key,
        };
        // A task of its own: who stops waiting does not stop it halfway.
        let submitting = async move { outbox.submit(submission).await };
        inner.home.reach().await?;
        let runtime = inner.home.runtime();
        let submitting = inner.deliveries.spawn_on(submitting, runtime);
        let accepted = submitting.await.map_err(|error| Misplaced::of(&error))?;
        let accepted = accepted.map_err(refused)?;
        let deliveries = accepted.deliveries.into_iter().map(|placed| Submitted {
            delivery: placed.delivery,
            channel: placed.channel.to_string(),
            state: placed.state,
        });
        Ok(Receipt {
            notification: accepted.notification,
            repeated: accepted.repeated,
            deliveries: deliveries.collect(),
        })
    }

    /// The host that is told of, and the channels that are told.
    pub(crate) fn route<'a>(
        &self,
        route: Route<'a>,
    ) -> Result<(&'a str, Vec<Addressee>), UnknownChannel> {
        self.0.in_force.look(|now| {
            let (router, config) = (&now.router, &now.config);
            Ok(match route {
                Route::Host(host) => (host, router.host(config, host)),
                Route::Defaults => ("", router.defaults(config)),
                Route::Channels(names) => ("", router.named(config, names)?),
            })
        })
    }
}
