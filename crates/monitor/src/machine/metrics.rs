//! A host's metrics: the last values and the open alerts.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};

use super::time::{Moment, Tick};
use crate::thresholds::{Level, Set, Streak};

/// The maximum number of metrics of a host; further ones are ignored.
pub(super) const MAX_PER_HOST: usize = 256;
/// The maximum number of different paths over all hosts. Each name is stored once, and
/// invented names must not exhaust the memory.
const MAX_PATHS: usize = 1 << 16;

/// The number of a path.
pub(super) type PathId = u32;

/// The last value of a metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    pub(super) path: PathId,
    pub(super) streak: Streak,
    /// The rule that applies, once it was looked up.
    pub(super) rule: Ruling,
    pub(super) value: f64,
}

/// The rule that applies to a metric, in two bytes, since there are millions of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ruling(u16);

impl Ruling {
    /// Not looked up yet.
    pub(super) const UNKNOWN: Self = Self(u16::MAX);
    /// No rule applies.
    pub(super) const NONE: Self = Self(u16::MAX - 1);

    /// Stores a rule by its number.
    pub(super) fn of(number: Option<usize>) -> Self {
        let number = number.and_then(|number| u16::try_from(number).ok());
        number.map_or(Self::NONE, Self)
    }

    /// Returns the rule's number.
    pub(super) fn number(self) -> Option<usize> {
        (self != Self::NONE && self != Self::UNKNOWN).then(|| usize::from(self.0))
    }
}

/// An open alert: a metric with the level `WARNING` or `CRITICAL`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Alert {
    pub(super) path: Arc<str>,
    pub(super) level: Level,
    /// When the current level began.
    pub(super) since: Moment,
    /// The level that people were last notified of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) notified: Option<Level>,
    /// When people were last notified.
    #[serde(default)]
    pub(super) notified_at: Tick,
    /// The last value.
    pub(super) value: f64,
}

/// All paths, each stored once.
#[derive(Debug, Default)]
pub(super) struct Paths {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, PathId, RandomState>,
}

impl Paths {
    /// Returns the number of a path. A new path gets a number if `may_be_new` allows it and
    /// there are not too many.
    pub(super) fn number(&mut self, path: &str, may_be_new: bool) -> Option<PathId> {
        if let Some(known) = self.numbers.get(path) {
            return Some(*known);
        }
        if !may_be_new || self.names.len() >= MAX_PATHS {
            return None;
        }
        let (number, path) = (PathId::try_from(self.names.len()).ok()?, Arc::from(path));
        self.names.push(Arc::clone(&path));
        self.numbers.insert(path, number);
        Some(number)
    }

    /// Returns a path by its number.
    pub(super) fn name(&self, number: PathId) -> Option<&Arc<str>> {
        self.names.get(usize::try_from(number).ok()?)
    }
}

/// A cache of the rules that apply, by set and path.
#[derive(Debug, Default)]
pub(super) struct Rules {
    found: HashMap<(u32, PathId), Ruling, RandomState>,
}

impl Rules {
    /// Returns the rule of a set that applies to a path.
    pub(super) fn find(&mut self, number: u32, set: &Set, path: PathId, name: &str) -> Ruling {
        *self
            .found
            .entry((number, path))
            .or_insert_with(|| Ruling::of(set.find(name)))
    }
}
