//! A delivery, one notification on its way to one channel: its states and its claims.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::numbered::numbered;

/// The number of a delivery in its store. Newer deliveries have greater numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct DeliveryId(pub i64);

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The delivery waits for its next attempt.
    Pending,
    /// The delivery is claimed: it is being sent, or its holder died while sending it.
    InFlight,
    /// The remote accepted the message.
    Delivered,
    /// The remote refused the message for good, or all attempts failed.
    Failed,
    /// The time to live passed before the message was delivered.
    Expired,
    /// A rule suppressed the message.
    Suppressed,
    /// Something newer made the message pointless.
    Superseded,
    /// The message may have been sent, and no answer was read.
    Unknown,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::InFlight,
        Self::Delivered,
        Self::Failed,
        Self::Expired,
        Self::Suppressed,
        Self::Superseded,
        Self::Unknown,
    ];

    /// Returns the state's name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InFlight => "in_flight",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Suppressed => "suppressed",
            Self::Superseded => "superseded",
            Self::Unknown => "unknown",
        }
    }

    /// Returns whether the delivery has ended: it stays in this state unless a person retries it.
    #[must_use]
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Pending | Self::InFlight)
    }

    /// Returns whether people may have read the message.
    #[must_use]
    pub fn may_have_arrived(self) -> bool {
        matches!(self, Self::Delivered | Self::Unknown)
    }
}

numbered!(State);

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A request for claims on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// The channel's name.
    pub channel: Arc<str>,
    /// The maximum number of claims.
    pub limit: u32,
    /// The current time, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// When the claims run out, in milliseconds since the Unix epoch. They end earlier if their
    /// holder is gone.
    pub lease_until_ms: i64,
    /// Deliveries that the requester still works on, though their claims may have run out: they
    /// are not claimed again.
    pub in_flight: Vec<DeliveryId>,
    /// Whether only expired deliveries are claimed, so that they can be ended.
    pub only_expired: bool,
}

/// The right to attempt one delivery. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The delivery's number.
    pub delivery: DeliveryId,
    /// The claim's fence, which its settlement has to show.
    pub fence: i64,
    /// The number of attempts since the delivery was accepted or a person retried it.
    pub attempts: u32,
    /// Whether its last holder is gone: the message may have been sent.
    pub abandoned: bool,
    /// How often a holder abandoned it, including this time.
    pub reclaims: u32,
    /// The targets that remain after earlier attempts; empty for all.
    pub targets: Vec<String>,
    /// When the delivery was accepted.
    pub accepted_ms: i64,
    /// When the delivery expires, if it does.
    pub expires_ms: Option<i64>,
    /// The number of its step in a group, from 1; 0 for none.
    pub step: u32,
    /// The notification as it was accepted.
    pub content: Arc<str>,
}
