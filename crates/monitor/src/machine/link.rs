//! A connection of a host: an address family on which it is heard.

use serde::{Deserialize, Serialize};

use super::{
    damper::Damper,
    family::LinkFamily,
    notice::Lapse,
    settings::Window,
    time::{Moment, Tick},
};

/// The state of a connection. The states "new" and "late" are not stored: they follow from
/// when it was last heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It is heard.
    #[default]
    Up,
    /// It has been silent for longer than its window.
    Overdue,
    /// It has announced a shutdown.
    Down,
    /// Its job has failed.
    Failed,
}

impl State {
    /// Returns whether people are notified of it.
    pub(super) fn is_problem(self) -> bool {
        matches!(self, Self::Overdue | Self::Failed)
    }
}

/// A fresh window, granted after a blind span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Recheck {
    /// Whether the notice about the blind span waits for this connection.
    pub(super) counted: bool,
}

/// A connection of a host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Link {
    pub(super) family: LinkFamily,
    #[serde(default)]
    pub(super) state: State,
    /// When the state began.
    pub(super) since: Moment,
    /// When it was last heard.
    pub(super) seen: Moment,
    /// The earliest tick at which it may be overdue, whenever it was last heard.
    #[serde(default)]
    pub(super) not_before: Tick,
    /// The end of the announced absence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expected: Option<Tick>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) recheck: Option<Recheck>,
    /// Whether people were notified, or are about to be, that it is overdue.
    #[serde(default)]
    pub(super) notified: bool,
    /// What is wrong with the job, while people are or would be notified of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lapse: Option<Lapse>,
    #[serde(default, skip_serializing_if = "Damper::is_idle")]
    pub(super) damper: Damper,
    /// When its current timer is due; earlier timers no longer count.
    #[serde(skip)]
    pub(super) timer: Option<Tick>,
}

impl Link {
    /// Creates a connection that is heard for the first time.
    pub(super) fn new(family: LinkFamily, now: Moment) -> Self {
        Self {
            family,
            state: State::Up,
            since: now,
            seen: now,
            not_before: Tick::default(),
            expected: None,
            recheck: None,
            notified: false,
            lapse: None,
            damper: Damper::default(),
            timer: None,
        }
    }

    /// Returns when a connection for datagrams is overdue unless it is heard; `None` for
    /// never.
    pub(super) fn deadline(&self, window: &Window) -> Option<Tick> {
        match self.state {
            State::Up => Some((self.seen.tick + window.length()).max(self.not_before)),
            State::Down => self.expected.map(|expected| expected.max(self.not_before)),
            State::Overdue | State::Failed => None,
        }
    }

    /// Returns whether it has missed a heartbeat without being overdue.
    pub(super) fn is_late(&self, now: Tick, window: &Window) -> bool {
        // Half an interval more, since heartbeats have jitter.
        self.state == State::Up && now.since(self.seen.tick) > window.interval * 3 / 2
    }

    pub(super) fn turn(&mut self, state: State, now: Moment) {
        self.state = state;
        self.since = now;
        self.lapse = None;
    }
}
