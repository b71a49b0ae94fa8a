//! A delivery, one notification for one channel: its states, and how it is
//! claimed.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// Numbers a delivery within its store; greater ones are newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct DeliveryId(pub i64);

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What became of a delivery so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits.
    Pending,
    /// It was claimed: it is being sent, or was when somebody died.
    InFlight,
    /// The remote took it.
    Delivered,
    /// The remote did not take it, for good or as often as it was tried.
    Failed,
    /// Its time to live passed before it could be delivered.
    Expired,
    /// A rule kept it back.
    Suppressed,
    /// Something newer made it pointless.
    Superseded,
    /// It was sent, or perhaps was, and no answer was read.
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

    /// Its name.
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

    /// Whether nothing more will happen to it by itself.
    #[must_use]
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Pending | Self::InFlight)
    }

    /// Whether people may have read it.
    #[must_use]
    pub fn may_have_arrived(self) -> bool {
        matches!(self, Self::Delivered | Self::Unknown)
    }

    /// The number by which a store may keep it: 0 for the first of [`Self::ALL`]. It never
    /// changes, since files hold it.
    #[must_use]
    pub fn number(self) -> i64 {
        self as i64
    }

    /// What has this number; `None` when nothing that is known here has it.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What somebody wants to claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// Of this channel.
    pub channel: Arc<str>,
    /// At most so many.
    pub most: u32,
    /// Now.
    pub now_ms: i64,
    /// Until then the claim holds, as long as whoever claims it lives.
    pub lease_until_ms: i64,
    /// What whoever claims is still working on, though its claim may have run
    /// out: that is not claimed again.
    pub holding: Vec<DeliveryId>,
    /// Only what has come too late.
    pub only_expired: bool,
}

/// A delivery that its holder may try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Which.
    pub delivery: DeliveryId,
    /// To be shown when it is settled.
    pub fence: i64,
    /// How often it was tried since it was accepted, or a person had it tried
    /// again.
    pub attempts: u32,
    /// Whether somebody who is gone held it: it may have been sent.
    pub abandoned: bool,
    /// How often it was left behind so far, this time included.
    pub reclaims: u32,
    /// The targets that are left, where earlier attempts reached some; empty
    /// for all.
    pub targets: Vec<String>,
    /// When it was accepted.
    pub accepted_ms: i64,
    /// When it is too late.
    pub expires_ms: Option<i64>,
    /// Which step of a group it is; 0 for none.
    pub step: u32,
    /// The notification, as it was accepted.
    pub content: Arc<str>,
}
