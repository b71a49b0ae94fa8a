//! A host's metrics: their last values, and the alerts that are open.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};

use super::time::{Moment, Tick};
use crate::thresholds::{Level, Set, Streak};

/// A host may have as many metrics as this; what is more is not looked at.
pub(super) const MAX_PER_HOST: usize = 256;
/// Different paths over all hosts: names are kept once, and must not fill the
/// memory, whatever hosts make up.
const MAX_PATHS: usize = 1 << 16;

/// A path's number.
pub(super) type PathId = u32;

/// The last value of a metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    pub(super) path: PathId,
    pub(super) streak: Streak,
    /// Its rule, once it was looked up.
    pub(super) rule: Ruling,
    pub(super) value: f64,
}

/// Which rule counts for a metric, in two bytes: there are millions of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ruling(u16);

impl Ruling {
    /// Nobody has looked yet.
    pub(super) const UNKNOWN: Self = Self(u16::MAX);
    /// There is none.
    pub(super) const NONE: Self = Self(u16::MAX - 1);

    /// A rule by its number.
    pub(super) fn of(number: Option<usize>) -> Self {
        let number = number.and_then(|number| u16::try_from(number).ok());
        number.map_or(Self::NONE, Self)
    }

    /// The rule's number.
    pub(super) fn number(self) -> Option<usize> {
        (self != Self::NONE && self != Self::UNKNOWN).then(|| usize::from(self.0))
    }
}

/// A metric that is not as it should be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Alert {
    pub(super) path: Arc<str>,
    pub(super) level: Level,
    /// Since when it has this level.
    pub(super) since: Moment,
    /// The level that people were last notified of; `told` in files of earlier versions.
    #[serde(default, alias = "told", skip_serializing_if = "Option::is_none")]
    pub(super) notified: Option<Level>,
    /// When they were; `told_at` in files of earlier versions.
    #[serde(default, alias = "told_at")]
    pub(super) notified_at: Tick,
    /// The last value.
    pub(super) value: f64,
}

/// All paths, each kept once.
#[derive(Debug, Default)]
pub(super) struct Paths {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, PathId, RandomState>,
}

impl Paths {
    /// The number of a path; one that nobody has had before gets one where it
    /// may, and where there are not too many.
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

    /// A path by its number.
    pub(super) fn name(&self, number: PathId) -> Option<&Arc<str>> {
        self.names.get(usize::try_from(number).ok()?)
    }
}

/// Which rule of each set counts for which path, looked up once.
#[derive(Debug, Default)]
pub(super) struct Rules {
    found: HashMap<(u32, PathId), Ruling, RandomState>,
}

impl Rules {
    /// The rule of a set for a path.
    pub(super) fn find(&mut self, number: u32, set: &Set, path: PathId, name: &str) -> Ruling {
        *self
            .found
            .entry((number, path))
            .or_insert_with(|| Ruling::of(set.find(name)))
    }
}
