//! The engine's own trouble: what keeps people from being told, known once and
//! told once, through the channels that work.
//!
//! `board` knows what there is, `tell` says it to people, `canary` looks for it
//! before anybody needs a channel.

mod board;

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

pub(crate) use board::{ACTIVE_ALERTS, News, Troubles};

/// What the trouble is with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// The store of deliveries.
    Store,
    /// The store that was wanted at the start.
    StartedWithout,
    /// A channel, and what ails it.
    Channel(Arc<str>, Ailment),
}

/// What ails a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ailment {
    /// Its remote is out of order.
    OutOfOrder,
    /// Its remote takes nothing for a long time.
    Quota,
    /// Its check fails.
    Check,
    /// Its worker process keeps ending.
    Crashes,
    /// Its plugin cannot be used, or could not open it.
    Disabled,
}

impl Subject {
    /// The channel that it is about.
    pub(crate) fn channel(&self) -> Option<&str> {
        match self {
            Self::Store | Self::StartedWithout => None,
            Self::Channel(name, _) => Some(name),
        }
    }

    /// One word, for metrics.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Store | Self::StartedWithout => "store",
            Self::Channel(_, Ailment::OutOfOrder) => "out_of_order",
            Self::Channel(_, Ailment::Quota) => "quota",
            Self::Channel(_, Ailment::Check) => "check",
            Self::Channel(_, Ailment::Crashes) => "crashes",
            Self::Channel(_, Ailment::Disabled) => "disabled",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store => f.write_str("store"),
            Self::StartedWithout => f.write_str("store/start"),
            Self::Channel(name, _) => write!(f, "channel/{name}/{}", self.kind()),
        }
    }
}

/// Something that keeps people from being told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Trouble {
    /// What it is with: `store`, or `channel`, its name and what ails it, with
    /// slashes between.
    pub subject: String,
    /// What it is, and what to do.
    pub sentence: String,
    /// Since when, in milliseconds since the Unix epoch.
    pub since_ms: i64,
}
