//! The states of connections and of hosts, by name.

use serde::{Deserialize, Serialize};

/// The state of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LinkState {
    /// It is heard as expected.
    Up,
    /// It has missed a heartbeat.
    Late,
    /// The monitor was blind and is checking the connection again.
    Unknown,
    /// It has announced a shutdown.
    Down,
    /// It changes too often.
    Flapping,
    /// Its job has failed.
    Failed,
    /// It has been silent for longer than its window.
    Overdue,
}

/// The state of a host: the worst of its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostState {
    /// It was never heard.
    New,
    /// The state of its worst connection.
    #[serde(untagged)]
    Known(LinkState),
}

impl HostState {
    /// The name of the state of a host that was never heard.
    pub const NEW: &'static str = "new";

    /// Returns the state of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let known = LinkState::ALL.into_iter().map(Self::Known);
        let mut states = known.chain([Self::New]);
        states.find(|state| state.name() == name)
    }

    /// Returns the state's name, such as `overdue`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::New => Self::NEW,
            Self::Known(state) => state.name(),
        }
    }
}

impl LinkState {
    /// Every state, the best first.
    pub const ALL: [Self; 7] = [
        Self::Up,
        Self::Late,
        Self::Unknown,
        Self::Down,
        Self::Flapping,
        Self::Failed,
        Self::Overdue,
    ];

    /// Returns the state's name, such as `overdue`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Late => "late",
            Self::Unknown => "unknown",
            Self::Down => "down",
            Self::Flapping => "flapping",
            Self::Failed => "failed",
            Self::Overdue => "overdue",
        }
    }
}
