//! What of the machine is written, and what it goes on from.

use std::sync::Arc;

use annunciator_protocol::Family;
use serde::{Deserialize, Serialize};

use super::{
    blind::Blindness,
    hold::Held,
    host::Kept,
    notice::{Entry, Notice},
    time::{Moment, Tick},
};

/// What is known of one host, in the form in which it is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HostRecord {
    /// The host.
    pub host: Arc<str>,
    pub(super) kept: Kept,
}

/// When a connection was last heard. It is written far more often than the
/// rest, so it stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The host.
    pub host: Arc<str>,
    /// The address family.
    pub family: Family,
    /// When.
    pub at: Moment,
    /// In which of its boots, by their number.
    pub boots: u32,
    /// The greatest counter that was taken in this boot.
    pub counter: Option<u64>,
}

/// What belongs to no host.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Globals {
    pub(super) blindness: Blindness,
}

/// A host whose events are not told for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The host.
    pub host: Arc<str>,
    /// Since when.
    pub since: Moment,
    /// Until when.
    pub until: Tick,
    /// Why, in the words of whoever asked for it.
    pub why: String,
}

/// What would have been told, were it not for a silence.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptBack {
    /// What would have been told.
    pub notice: Notice,
    /// The silence, in words.
    pub rule: String,
}

/// What came of a step. All of it is written in one transaction, and only
/// then told.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// What to tell, in order.
    pub notices: Vec<Notice>,
    /// What silences kept from being told.
    pub kept_back: Vec<KeptBack>,
    /// What to note down in the hosts' histories.
    pub history: Vec<Entry>,
    /// The hosts that changed.
    pub hosts: Vec<HostRecord>,
    /// What began to wait to be told with others.
    pub held: Vec<Held>,
    /// Nothing up to this number waits any more.
    pub released: Option<u64>,
    /// All silences, when they changed.
    pub silences: Option<Vec<Silence>>,
    /// What belongs to no host, when it changed.
    pub globals: Option<Globals>,
}

impl Step {
    /// Whether nothing came of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.notices.is_empty()
            && self.kept_back.is_empty()
            && self.history.is_empty()
            && self.hosts.is_empty()
            && self.held.is_empty()
            && self.released.is_none()
            && self.silences.is_none()
            && self.globals.is_none()
    }
}

/// All that was written.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// When the monitor was last known to see.
    pub last: Moment,
    /// The hosts.
    pub hosts: Vec<HostRecord>,
    /// When their connections were last heard.
    pub seen: Vec<Seen>,
    /// What waited.
    pub held: Vec<Held>,
    /// The silences.
    pub silences: Vec<Silence>,
    /// What belongs to no host.
    pub globals: Globals,
}
