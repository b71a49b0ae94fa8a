//! The engine's own alerts: problems that keep people from being notified, such as a channel that
//! does not work.
//!
//! `active_alerts` has the alerts. In the folder `engine`, `alert_notifier` notifies people of them
//! through the channels that work, and `canary` checks channels before they are needed.

mod active_alerts;

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

pub(crate) use active_alerts::{ACTIVE_ALERTS, ActiveAlerts, AlertChange};

/// The subject of an alert.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// The store of deliveries.
    Store,
    /// The store, which could not be opened at the start.
    StartedWithout,
    /// A channel, and its problem.
    Channel(Arc<str>, ChannelProblem),
    /// Something of the embedding program's, by a name that it has chosen.
    Program(Arc<str>),
}

/// The problem of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ChannelProblem {
    /// The circuit breaker is open, because the remote does not work.
    CircuitOpen,
    /// The remote accepts nothing for a long time.
    Quota,
    /// The check of the channel fails.
    Check,
    /// The worker process keeps ending.
    Crashes,
    /// The plugin cannot be used, or could not open the channel.
    Disabled,
}

impl Subject {
    /// Returns the name of the channel that the alert is about.
    pub(crate) fn channel(&self) -> Option<&str> {
        match self {
            Self::Store | Self::StartedWithout | Self::Program(_) => None,
            Self::Channel(name, _) => Some(name),
        }
    }

    /// Returns one word for metrics.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Store | Self::StartedWithout => "store",
            Self::Program(_) => "program",
            Self::Channel(_, ChannelProblem::CircuitOpen) => "circuit_open",
            Self::Channel(_, ChannelProblem::Quota) => "quota",
            Self::Channel(_, ChannelProblem::Check) => "check",
            Self::Channel(_, ChannelProblem::Crashes) => "crashes",
            Self::Channel(_, ChannelProblem::Disabled) => "disabled",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store => f.write_str("store"),
            Self::StartedWithout => f.write_str("store/start"),
            Self::Channel(name, _) => write!(f, "channel/{name}/{}", self.kind()),
            Self::Program(name) => f.write_str(name),
        }
    }
}

/// An active alert: a problem that keeps people from being notified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Alert {
    /// What the alert is about: `store`, or `channel`, the channel's name and its problem,
    /// separated by slashes, or what the embedding program has named.
    pub subject: String,
    /// What is wrong, and what to do.
    pub sentence: String,
    /// When the alert began, in milliseconds since the Unix epoch.
    pub since_ms: i64,
}
