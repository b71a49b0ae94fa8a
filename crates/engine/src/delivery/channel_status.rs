//! The status of a channel: what its circuit breaker, its rate limit and its last check say.

use std::sync::PoisonError;

use serde::Serialize;

use super::{
    channel::{Channel, MAX_CONCURRENT_ATTEMPTS},
    check::{Check, LastCheck},
    circuit_breaker::CircuitStatus,
    report::Disabled,
    suppression::RateLimitStatus,
};
use crate::{
    alerts::{ActiveAlerts, Alert},
    clock::Clock,
};

/// What the engine knows of a channel at the moment.
///
/// All times are in milliseconds since the Unix epoch. Nothing of it is kept over a restart, nor
/// when a reload changes the channel's definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChannelStatus {
    /// The name of the channel.
    pub channel: String,
    /// Why the channel is disabled; `None` if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<String>,
    /// The active alerts about this channel.
    pub alerts: Vec<Alert>,
    /// Its circuit breaker.
    pub circuit: CircuitStatus,
    /// Its rate limit; `None` if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimitStatus>,
    /// The attempts that are under way.
    pub attempts_under_way: usize,
    /// Its last check, by a canary or because somebody asked; `None` before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_check: Option<LastCheck>,
}

impl Channel {
    /// Checks the channel by its provider, and keeps what came of it for the channel's status.
    pub(crate) async fn check(&self, clock: &dyn Clock) -> Check {
        let check = Check::of(&self.config, self.provider()).await;
        let last = LastCheck {
            at_ms: clock.now_ms(),
            check: check.clone(),
        };
        let mut kept = self
            .last_check
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *kept = Some(last);
        check
    }

    fn last_check(&self) -> Option<LastCheck> {
        let kept = self
            .last_check
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }

    pub(crate) fn status(&self, alerts: &ActiveAlerts, clock: &dyn Clock) -> ChannelStatus {
        let name = self.config.name();
        let permits = self.attempt_permits.available_permits();
        ChannelStatus {
            channel: name.to_owned(),
            disabled: self.provider.as_ref().err().map(Disabled::sentence),
            alerts: alerts.list_if(|subject| subject.channel() == Some(name)),
            circuit: self.breaker.status(clock),
            rate_limit: self.rate_limit.status(),
            attempts_under_way: MAX_CONCURRENT_ATTEMPTS.saturating_sub(permits),
            last_check: self.last_check(),
        }
    }
}
