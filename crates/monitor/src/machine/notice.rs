//! What the machine has to tell, and what it notes down: facts, no words.

use std::{sync::Arc, time::Duration};

use annunciator_protocol::Family;
use serde::{Deserialize, Serialize};

use super::time::Moment;
use crate::thresholds::Level;

/// Something that people shall learn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// What has happened.
    pub what: What,
    /// When.
    pub at: Moment,
}

/// A host's connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Connection {
    /// The host's name.
    pub host: Arc<str>,
    /// The address family.
    pub family: Family,
}

/// What a connection is that no longer changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Steadiness {
    /// It is heard.
    Up,
    /// It is silent.
    Overdue,
    /// It has announced a shutdown.
    Down,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum What {
    /// A host has booted.
    Booted {
        /// The host.
        host: Arc<str>,
        /// Whether it had been up and said nothing before.
        unannounced: bool,
    },
    /// A host goes down, as it says.
    Shutdown(Connection),
    /// A host that had said it would go down goes on as before.
    UpAgain(Connection),
    /// A host reports trouble in its own words.
    Reported {
        /// The host.
        host: Arc<str>,
        /// Its words.
        message: Box<str>,
    },
    /// A host is silent.
    Overdue(Connection),
    /// A host that was told to be overdue is heard again.
    Back(Connection),
    /// Many hosts fell silent at once.
    ManyOverdue(Vec<Connection>),
    /// Many of them are heard again.
    ManyBack(Vec<Connection>),
    /// A connection changes too often to tell each change.
    Flapping {
        /// Whose.
        of: Connection,
        /// How often it has changed.
        changes: usize,
        /// Within this time.
        within: Duration,
    },
    /// It no longer does.
    Steady {
        /// Whose.
        of: Connection,
        /// What it is now.
        now_is: Steadiness,
    },
    /// A host boots and shuts down too often to tell each time.
    Restarting {
        /// The host.
        host: Arc<str>,
        /// How often.
        changes: usize,
        /// Within this time.
        within: Duration,
    },
    /// It no longer does.
    RestartingEnded {
        /// The host.
        host: Arc<str>,
    },
    /// A host reports trouble too often to tell each time.
    Reporting {
        /// The host.
        host: Arc<str>,
        /// How often.
        changes: usize,
        /// Within this time.
        within: Duration,
    },
    /// It no longer does.
    ReportingEnded {
        /// The host.
        host: Arc<str>,
    },
    /// A metric that people were told of has no threshold any more.
    ThresholdGone {
        /// The host.
        host: Arc<str>,
        /// The metric's path.
        path: Arc<str>,
    },
    /// A metric has another level, or still has a bad one.
    Threshold {
        /// The host.
        host: Arc<str>,
        /// The metric's path.
        path: Arc<str>,
        /// The level.
        level: Level,
        /// The value, in words.
        value: Box<str>,
        /// The threshold, in words.
        info: Box<str>,
        /// Whether the level was told before.
        reminder: bool,
    },
    /// The monitor did not see.
    Blind {
        /// From this wall time on, in milliseconds since the epoch.
        from_ms: i64,
        /// Until this one.
        to_ms: i64,
        /// How many hosts got a fresh window.
        rechecked: u32,
        /// How many of them are silent still.
        silent: u32,
    },
}

/// A line in a host's history: what happened to it, and by which evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The host.
    pub host: Arc<str>,
    /// When.
    pub at: Moment,
    /// What happened, in a sentence with its evidence.
    pub text: String,
}
