//! What the machine writes, and what it restores after a restart.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    blind::Blindness,
    family::LinkFamily,
    host::PersistentState,
    job::Job,
    mass_silence::Held,
    notice::{Entry, Notice},
    time::{Moment, Tick},
};

/// The state of one host, as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HostRecord {
    /// The host.
    pub host: Arc<str>,
    pub(super) persistent: PersistentState,
}

/// The time at which a connection was last heard.
///
/// It changes far more often than the rest and is stored separately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The host.
    pub host: Arc<str>,
    /// The address family.
    pub family: LinkFamily,
    /// When it was heard.
    pub at: Moment,
    /// The number of the host's boot in which it was heard.
    pub boots: u32,
    /// The greatest counter that was accepted in this boot.
    pub counter: Option<u64>,
    /// What the host's pings said, if this is the connection of its pings.
    pub job: Option<Box<Job>>,
}

/// The state that belongs to no single host.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Globals {
    pub(super) blindness: Blindness,
}

/// A silence: a host whose notifications are suppressed for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The host.
    pub host: Arc<str>,
    /// The beginning.
    pub since: Moment,
    /// The end.
    pub until: Tick,
    /// The reason that its requester gave.
    pub why: String,
}

/// A notice of which nobody is notified.
#[derive(Debug, Clone, PartialEq)]
pub struct SuppressedNotice {
    /// The notice.
    pub notice: Notice,
    /// The silence that suppressed it, in one sentence; `None` for the end of a problem of which
    /// nobody was notified.
    pub rule: Option<String>,
}

/// The result of a step of the machine.
///
/// Write all of it in one transaction, and notify people only after that.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// The notices, in order.
    pub notices: Vec<Notice>,
    /// The notices of which nobody is notified, in order.
    pub suppressed: Vec<SuppressedNotice>,
    /// New lines for the hosts' histories.
    pub history: Vec<Entry>,
    /// The hosts that changed.
    pub hosts: Vec<HostRecord>,
    /// Events that are held, to be reported with others.
    pub held: Vec<Held>,
    /// The number up to which events are no longer held.
    pub released: Option<u64>,
    /// All silences, if any of them changed.
    pub silences: Option<Vec<Silence>>,
    /// The state that belongs to no host, if it changed.
    pub globals: Option<Globals>,
}

impl Step {
    /// Returns whether the step changed nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.notices.is_empty()
            && self.suppressed.is_empty()
            && self.history.is_empty()
            && self.hosts.is_empty()
            && self.held.is_empty()
            && self.released.is_none()
            && self.silences.is_none()
            && self.globals.is_none()
    }
}

/// The stored state that a machine continues from.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// When the monitor was last known to work.
    pub last: Moment,
    /// The hosts.
    pub hosts: Vec<HostRecord>,
    /// When the hosts' connections were last heard.
    pub seen: Vec<Seen>,
    /// The held events.
    pub held: Vec<Held>,
    /// The silences.
    pub silences: Vec<Silence>,
    /// The state that belongs to no host.
    pub globals: Globals,
}
