//! The events that people are notified of and that the history records: facts without
//! words.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{family::LinkFamily, host_state::HostState, time::Moment};
use crate::{thresholds::Level, timestamp::format_timestamp};

/// An event that people are notified of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// What happened.
    pub what: Occurrence,
    /// When it happened.
    pub at: Moment,
}

/// A connection: a host and the address family by which it is heard.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Connection {
    /// The host's name.
    pub host: Arc<str>,
    /// The address family.
    pub family: LinkFamily,
}

/// The state in which a flapping connection settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Steadiness {
    /// It is heard.
    Up,
    /// It is silent.
    Overdue,
    /// It has announced a shutdown.
    Down,
    /// Its job has failed.
    Failed,
}

/// What is wrong with a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lapse {
    /// A run of its schedule did not come.
    Missed {
        /// When it was expected, as the clocks of its zone show it.
        run: Box<str>,
    },
    /// A run began and did not end.
    Unfinished {
        /// When it began, in milliseconds since the Unix epoch.
        since_ms: i64,
    },
    /// A run failed.
    Failed {
        /// The exit status, if the job said which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u8>,
    },
}

impl fmt::Display for Lapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missed { run } => write!(f, "its run of {run} has not come"),
            Self::Unfinished { since_ms } => {
                let since = format_timestamp(*since_ms);
                write!(f, "its run that began at {since} has not ended")
            }
            Self::Failed { status: None } => f.write_str("its run failed"),
            Self::Failed {
                status: Some(status),
            } => {
                write!(f, "its run failed with exit status {status}")
            }
        }
    }
}

/// An event, without the words that report it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Occurrence {
    /// A host booted.
    Booted {
        /// The host.
        host: Arc<str>,
        /// Whether it had been up and had not announced a shutdown.
        unannounced: bool,
    },
    /// A host announced its shutdown.
    Shutdown(Connection),
    /// A host that had announced a shutdown sends again without a reboot.
    UpAgain(Connection),
    /// A host reported a message in its own words.
    Reported {
        /// The host.
        host: Arc<str>,
        /// The message.
        message: Box<str>,
    },
    /// A host is overdue.
    Overdue(Connection),
    /// A host's job lapsed: a run did not come, did not end, or failed.
    Lapsed {
        /// The connection: the pings of the host.
        of: Connection,
        /// What is wrong.
        lapse: Lapse,
    },
    /// A host is heard again after people were notified that it is overdue.
    Back(Connection),
    /// A host with a problem is no longer in the configuration.
    Removed(Connection),
    /// Many hosts became overdue at once.
    ManyOverdue(Vec<Connection>),
    /// Many overdue hosts are heard again.
    ManyBack(Vec<Connection>),
    /// A connection changes too often to notify of each change.
    Flapping {
        /// The connection.
        of: Connection,
        /// The number of changes.
        changes: usize,
        /// The period in which they happened.
        within: Duration,
    },
    /// A connection stopped flapping.
    Steady {
        /// The connection.
        of: Connection,
        /// Its state now.
        now_is: Steadiness,
    },
    /// A host boots and shuts down too often to notify of each time.
    Restarting {
        /// The host.
        host: Arc<str>,
        /// The number of boots and shutdowns.
        changes: usize,
        /// The period in which they happened.
        within: Duration,
    },
    /// A host no longer restarts again and again.
    RestartingEnded {
        /// The host.
        host: Arc<str>,
    },
    /// A host reports messages too often to notify of each.
    Reporting {
        /// The host.
        host: Arc<str>,
        /// The number of messages.
        changes: usize,
        /// The period in which they happened.
        within: Duration,
    },
    /// A host no longer reports messages again and again.
    ReportingEnded {
        /// The host.
        host: Arc<str>,
    },
    /// A metric no longer has a threshold, after people were notified of its alert.
    ThresholdGone {
        /// The host.
        host: Arc<str>,
        /// The metric's path.
        path: Arc<str>,
    },
    /// A metric changed its level, or a reminder of its level is due.
    Threshold {
        /// The host.
        host: Arc<str>,
        /// The metric's path.
        path: Arc<str>,
        /// The level.
        level: Level,
        /// The value, formatted.
        value: Box<str>,
        /// The threshold, formatted.
        info: Box<str>,
        /// Whether it is a reminder: people were notified of this level before.
        reminder: bool,
    },
    /// The monitor received nothing for a while: a blind span.
    Blind {
        /// The beginning, in milliseconds since the Unix epoch.
        from_ms: i64,
        /// The end, in milliseconds since the Unix epoch.
        to_ms: i64,
        /// How many hosts got a fresh window.
        rechecked: u32,
        /// How many of them are still silent.
        silent: u32,
    },
}

/// A line of a host's history: an event with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The host.
    pub host: Arc<str>,
    /// When it happened.
    pub at: Moment,
    /// What happened, in a sentence with its evidence.
    pub text: String,
    /// The host's state after that; none if the line says nothing about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<HostState>,
}
