//! The settings, in a form that has no invalid values.

use std::{sync::Arc, time::Duration};

use crate::{schedule::Schedule, thresholds::Set};

/// The interval between pings of a host without a schedule: the default of Healthchecks
/// (`DEFAULT_TIMEOUT`, <https://healthchecks.io/docs/configuring_checks/>).
const DEFAULT_PING_INTERVAL: Duration = Duration::from_secs(24 * 3600);
/// How late a ping may be: the default of Healthchecks (`DEFAULT_GRACE`).
const DEFAULT_PING_GRACE: Duration = Duration::from_secs(3600);

/// How long a host may be silent before it is overdue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The expected interval between heartbeats.
    pub interval: Duration,
    /// How late a heartbeat may be.
    pub grace: Duration,
    /// How many heartbeats may be missing; at least 1.
    pub misses: u16,
}

impl Window {
    /// Returns the time after a heartbeat until the host is overdue.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.interval
            .saturating_mul(u32::from(self.misses))
            .saturating_add(self.grace)
    }
}

/// When the silence of many hosts at once is reported together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mass {
    /// The minimum number of hosts.
    pub hosts: usize,
    /// How long the silence of one host is held to see whether others follow.
    pub within: Duration,
}

/// When a host that changes often counts as flapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flap {
    /// The minimum number of changes.
    pub changes: usize,
    /// The time within which they happen.
    pub within: Duration,
    /// How long without a change until the host is steady again.
    pub steady_after: Duration,
}

/// Settings that apply to all hosts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The window of hosts without settings of their own.
    pub window: Window,
    /// When the silence of many hosts is reported together.
    pub mass: Mass,
    /// When a host counts as flapping.
    pub flap: Flap,
    /// The maximum deviation of a sender's clock; `None` for any.
    pub max_skew: Option<Duration>,
    /// The minimum length of a blind span that people are notified of.
    pub blind_notice: Duration,
    /// Whether keys are configured. If so, the interval in an unsigned datagram is ignored.
    pub keyed: bool,
    /// The sets of thresholds. A host refers to its set by index.
    pub sets: Vec<Arc<Set>>,
    /// The schedules of jobs. A host refers to its schedule by index.
    pub schedules: Vec<Arc<Schedule>>,
}

impl Default for Settings {
    /// An interval of 10 s and a grace of 20 s, so that one lost datagram raises no alarm.
    fn default() -> Self {
        Self {
            window: Window {
                interval: Duration::from_secs(10),
                grace: Duration::from_secs(20),
                misses: 1,
            },
            mass: Mass {
                hosts: 10,
                within: Duration::from_secs(5),
            },
            flap: Flap {
                changes: 6,
                within: Duration::from_secs(3600),
                steady_after: Duration::from_secs(900),
            },
            max_skew: Some(Duration::from_secs(300)),
            blind_notice: Duration::from_secs(60),
            keyed: false,
            sets: Vec::new(),
            schedules: Vec::new(),
        }
    }
}

/// The settings of one host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HostSettings {
    /// Whether people are notified of its heartbeat events.
    pub watch: bool,
    /// The interval, instead of the announced one or the default.
    pub interval: Option<Duration>,
    /// The grace, instead of the default.
    pub grace: Option<Duration>,
    /// The number of misses, instead of the default.
    pub misses: Option<u16>,
    /// The set of its thresholds: an index into [`Settings::sets`].
    pub set: Option<u32>,
    /// The schedule of its job, which pings: an index into [`Settings::schedules`].
    pub schedule: Option<u32>,
}

impl HostSettings {
    /// Returns the window of this host. Each part is the host's own, otherwise the
    /// announced one, otherwise the default.
    #[must_use]
    pub fn window(&self, announced: Option<Duration>, default: &Window) -> Window {
        Window {
            interval: self.interval.or(announced).unwrap_or(default.interval),
            grace: self.grace.unwrap_or(default.grace),
            misses: self.misses.unwrap_or(default.misses).max(1),
        }
    }

    /// Returns the window of this host's pings, which have defaults of their own: a job runs
    /// far less often than a heartbeat is sent.
    #[must_use]
    pub fn ping_window(&self, default: &Window) -> Window {
        Window {
            interval: self.interval.unwrap_or(DEFAULT_PING_INTERVAL),
            grace: self.grace.unwrap_or(DEFAULT_PING_GRACE),
            misses: self.misses.unwrap_or(default.misses).max(1),
        }
    }
}
