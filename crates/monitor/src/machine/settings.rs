//! What the configuration says, in the form in which nothing can be wrong.

use std::{sync::Arc, time::Duration};

use crate::thresholds::Set;

/// When a silent host is overdue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How often a heartbeat is expected.
    pub interval: Duration,
    /// How late it may be.
    pub grace: Duration,
    /// How many may be missing; at least 1.
    pub misses: u16,
}

impl Window {
    /// How long after a heartbeat a host is overdue.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.interval
            .saturating_mul(u32::from(self.misses))
            .saturating_add(self.grace)
    }
}

/// When many hosts fall silent at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mass {
    /// From how many hosts on they are told together.
    pub hosts: usize,
    /// How long a single one is held to see whether others follow.
    pub within: Duration,
}

/// When a host changes so often that each change is no longer told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flap {
    /// From how many changes on.
    pub changes: usize,
    /// Within this time.
    pub within: Duration,
    /// After how long without a change it is steady again.
    pub steady_after: Duration,
}

/// What holds for all hosts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// For hosts that say nothing else.
    pub window: Window,
    /// When many hosts fall silent at once.
    pub mass: Mass,
    /// When a host changes too often.
    pub flap: Flap,
    /// How far a sender's clock may be off; `None` for any.
    pub max_skew: Option<Duration>,
    /// A blind span shorter than this is not worth a notice.
    pub blind_notice: Duration,
    /// Whether datagrams can be signed: then a plain one's word on intervals
    /// is not taken.
    pub keyed: bool,
    /// The thresholds that hosts refer to by number.
    pub sets: Vec<Arc<Set>>,
}

impl Default for Settings {
    /// An interval of 10 s and a grace of 20 s: one lost datagram is no alarm.
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
        }
    }
}

/// What holds for one host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HostSettings {
    /// Whether its heartbeat events are told.
    pub watch: bool,
    /// How often it sends, instead of what it says itself or the default.
    pub interval: Option<Duration>,
    /// Its own grace.
    pub grace: Option<Duration>,
    /// Its own number of misses.
    pub misses: Option<u16>,
    /// Its thresholds, by their number in [`Settings::sets`].
    pub set: Option<u32>,
}

impl HostSettings {
    /// The window of this host: its own, else what it announced, else the
    /// default, each part for itself.
    #[must_use]
    pub fn window(&self, announced: Option<Duration>, default: &Window) -> Window {
        Window {
            interval: self.interval.or(announced).unwrap_or(default.interval),
            grace: self.grace.unwrap_or(default.grace),
            misses: self.misses.unwrap_or(default.misses).max(1),
        }
    }
}
