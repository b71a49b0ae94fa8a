//! One connection of a host: an address family by which it is heard.

use annunciator_protocol::Family;
use serde::{Deserialize, Serialize};

use super::{
    damper::Damper,
    settings::Window,
    time::{Moment, Tick},
};

/// What is known of a connection. New and late are not kept: they follow from
/// what was heard and when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It is heard.
    #[default]
    Up,
    /// It is silent for longer than it may be.
    Overdue,
    /// It has said that it goes down.
    Down,
}

/// A fresh window that was given because the monitor did not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Recheck {
    /// Whether the notice about the blind span waits for it.
    pub(super) counted: bool,
}

/// A connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Link {
    pub(super) family: Family,
    #[serde(default)]
    pub(super) state: State,
    /// Since when it is in this state.
    pub(super) since: Moment,
    /// When it was last heard.
    pub(super) seen: Moment,
    /// Not overdue before this, whenever it was last heard.
    #[serde(default)]
    pub(super) not_before: Tick,
    /// Until when it expects to be down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expected: Option<Tick>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) recheck: Option<Recheck>,
    /// Whether people were notified, or are about to be, that it is overdue; `told` in
    /// files of earlier versions.
    #[serde(default, alias = "told")]
    pub(super) notified: bool,
    #[serde(default, skip_serializing_if = "Damper::is_idle")]
    pub(super) damper: Damper,
    /// When the timer that counts will ring.
    #[serde(skip)]
    pub(super) timer: Option<Tick>,
}

impl Link {
    /// A connection that is heard for the first time.
    pub(super) fn new(family: Family, now: Moment) -> Self {
        Self {
            family,
            state: State::Up,
            since: now,
            seen: now,
            not_before: Tick::default(),
            expected: None,
            recheck: None,
            notified: false,
            damper: Damper::default(),
            timer: None,
        }
    }

    /// When it will be overdue unless it is heard; `None` for never.
    pub(super) fn deadline(&self, window: &Window) -> Option<Tick> {
        match self.state {
            State::Up => Some((self.seen.tick + window.length()).max(self.not_before)),
            State::Down => self.expected.map(|expected| expected.max(self.not_before)),
            State::Overdue => None,
        }
    }

    /// Whether it has missed a heartbeat without being overdue.
    pub(super) fn is_late(&self, now: Tick, window: &Window) -> bool {
        // Half an interval on top: heartbeats jitter.
        self.state == State::Up && now.since(self.seen.tick) > window.interval * 3 / 2
    }

    pub(super) fn turn(&mut self, state: State, now: Moment) {
        self.state = state;
        self.since = now;
    }
}
