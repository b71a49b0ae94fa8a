//! Looks up the report of an idempotency key without notifying anybody.

use annunciator_store::{Intake, Store};

use crate::{
    clock::{Clock as _, SystemClock},
    config::{ChannelConfig, Config},
    delivery::{ChannelReport, Report, recorded},
    engine::error::{NotifyError, check_key},
    event::Notification,
    router::Route,
};

impl Config {
    /// Returns the report of the first submission with the notification's [key](Notification::key),
    /// as the store has it. Returns `None` if there was none or the notification has no key.
    ///
    /// Nobody is notified, and nothing is recorded.
    ///
    /// # Errors
    /// The [`NotifyError`] with which the notification would be refused: [`NotifyError::Conflict`]
    /// when the key was used for another notification.
    pub async fn known_report(
        &self,
        store: &dyn Store,
        route: Route<'_>,
        notification: impl Into<Notification>,
    ) -> Result<Option<Report>, NotifyError> {
        let mut notification = notification.into().to(route.named());
        let Some(key) = notification.take_key() else {
            return Ok(None);
        };
        check_key(Some(&key))?;
        let host = match route {
            Route::Host(host) => host,
            Route::Defaults | Route::Channels(_) => "",
        };
        let now_ms = SystemClock.now_ms();
        let rendered = notification.render(host, now_ms);
        let rendered = rendered.ok_or(NotifyError::EmptyMessage)?;
        // A route that would be refused without a key is refused with one, too.
        self.plan_route(route, rendered.severity, now_ms)?;
        let known = store.known(Intake {
            key: Some(key),
            ..recorded(&rendered, Vec::new(), now_ms)
        });
        let Some(accepted) = known.await.map_err(NotifyError::of_store)? else {
            return Ok(None);
        };
        let reports = accepted.deliveries.iter().map(|placed| {
            let channel_type = self.channel(&placed.channel);
            let channel_type = channel_type.map_or("", ChannelConfig::channel_type);
            ChannelReport::accepted_before(channel_type, placed)
        });
        Ok(Some(Report::new(reports)))
    }
}
