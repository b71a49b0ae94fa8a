//! A host's metrics: their last values, and the alerts that are open.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::time::{Moment, Tick};
use crate::thresholds::{Level, Set, Streak};

/// A host may have as many metrics as this; what is more is not looked at.
pub(super) const MOST_PER_HOST: usize = 256;
/// Different paths over all hosts: names are kept once, and must not fill the
/// memory, whatever hosts make up.
const MOST_PATHS: usize = 1 << 16;

/// A path's number.
pub(super) type PathId = u32;

/// The last value of a metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    pub(super) path: PathId,
    pub(super) streak: Streak,
    pub(super) value: f64,
}

/// A metric that is not as it should be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Alert {
    pub(super) path: Arc<str>,
    pub(super) level: Level,
    /// Since when it has this level.
    pub(super) since: Moment,
    /// The level that was told last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) told: Option<Level>,
    /// When it was told last.
    #[serde(default)]
    pub(super) told_at: Tick,
    /// The last value.
    pub(super) value: f64,
}

/// All paths, each kept once.
#[derive(Debug, Default)]
pub(super) struct Paths {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, PathId>,
}

impl Paths {
    /// The number of a path; `None` when there are too many.
    pub(super) fn number(&mut self, path: &str) -> Option<PathId> {
        if let Some(known) = self.numbers.get(path) {
            return Some(*known);
        }
        if self.names.len() >= MOST_PATHS {
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
    found: HashMap<(u32, PathId), Option<u16>>,
}

impl Rules {
    /// The number of the rule of a set for a path.
    pub(super) fn find(
        &mut self,
        number: u32,
        set: &Set,
        path: PathId,
        name: &str,
    ) -> Option<usize> {
        let found = self.found.entry((number, path)).or_insert_with(|| {
            let rule = set.find(name)?;
            u16::try_from(rule).ok()
        });
        found.map(usize::from)
    }
}
