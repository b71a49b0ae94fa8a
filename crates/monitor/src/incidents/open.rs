//! The open problems, and how each channel or group was notified of them. That decides how
//! it is notified of their end.
//!
//! The engine's store matches a problem with its end by their incident. A problem that was
//! reported alone has an incident of its own. Problems that were reported together share
//! one, which ends with the last of them. A problem can have been reported in several ways;
//! its end then ends all of these incidents, so that none stays open without a problem.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// The stored form of a problem that was reported alone.
const ALONE: &str = "own";
/// The stored form of a problem that was recorded, and of which nobody was notified.
const SUPPRESSED: &str = "suppressed";

/// How a channel or group was notified of a problem. Nothing of it can be known of a problem
/// that an earlier version has recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reported {
    /// Alone, under an incident of its own.
    pub alone: bool,
    /// Not at all: the problem was recorded under an incident of its own, and suppressed.
    pub suppressed: bool,
    /// With others, under these incidents.
    pub together: BTreeSet<Arc<str>>,
}

impl Reported {
    /// Reported alone.
    #[must_use]
    pub fn alone() -> Self {
        Self {
            alone: true,
            ..Self::default()
        }
    }

    /// Recorded, but suppressed.
    #[must_use]
    pub fn suppressed() -> Self {
        Self {
            suppressed: true,
            ..Self::default()
        }
    }

    /// Reported with others, under an incident.
    #[must_use]
    pub fn together(incident: Arc<str>) -> Self {
        Self {
            together: BTreeSet::from([incident]),
            ..Self::default()
        }
    }

    /// Returns both.
    fn and(mut self, other: Self) -> Self {
        self.alone |= other.alone;
        self.suppressed |= other.suppressed;
        self.together.extend(other.together);
        self
    }

    /// Returns the stored form: words that are separated by spaces, which no incident of several
    /// problems has.
    #[must_use]
    pub fn text(&self) -> String {
        let ways = [(self.alone, ALONE), (self.suppressed, SUPPRESSED)];
        let ways = ways.into_iter().filter_map(|(is, way)| is.then_some(way));
        let together = self.together.iter().map(|incident| &**incident);
        let ways: Vec<&str> = ways.chain(together).collect();
        ways.join(" ")
    }

    /// Parses the stored form. What it does not know says nothing.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let ways = text.split(' ');
        ways.fold(Self::default(), |all, way| match way {
            ALONE => all.and(Self::alone()),
            SUPPRESSED => all.and(Self::suppressed()),
            incident if incident.starts_with('/') => all.and(Self::together(incident.into())),
            _ => all,
        })
    }
}

/// A change of the incident log, written with the state change that caused it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentChange {
    /// The incident.
    pub incident: Arc<str>,
    /// The channel or group.
    pub name: Arc<str>,
    /// How it was reported there; `None` if the problem is no longer open.
    pub reported: Option<Reported>,
}

/// How the end of a problem is reported.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ending {
    /// As the end of the problem's own incident: whoever was not notified of the problem is not
    /// notified of its end.
    Own,
    /// As the end of an incident of several problems, of which no other is open.
    Whole(Arc<str>),
    /// In a message that ends no incident: others of its incident are open, or nothing is known
    /// of that.
    Rest,
}

/// The problems that are open.
#[derive(Debug, Default)]
pub(super) struct Open {
    by_incident: HashMap<Arc<str>, BTreeMap<Arc<str>, Reported>>,
    /// Problems that were reported together, and have not ended.
    members: HashMap<Together, HashSet<Arc<str>>>,
}

/// The key of problems that were reported together: their incident, and the channel or group
/// that was notified of it.
type Together = (Arc<str>, Arc<str>);

impl Open {
    /// Returns the incidents under which a problem was reported together with others.
    pub(super) fn together(&self, incident: &str) -> BTreeSet<Arc<str>> {
        let names = self.by_incident.get(incident);
        let reported = names.into_iter().flat_map(BTreeMap::values);
        reported
            .flat_map(|one| one.together.iter().cloned())
            .collect()
    }

    /// Records how a channel or group was notified of a problem, besides how it was before.
    pub(super) fn add(
        &mut self,
        incident: &Arc<str>,
        name: &Arc<str>,
        reported: Reported,
        changes: &mut Vec<IncidentChange>,
    ) {
        let names = self.by_incident.get(incident);
        let before = names.and_then(|names| names.get(name));
        let now = before.cloned().unwrap_or_default().and(reported);
        if before != Some(&now) {
            self.change(incident, name, Some(now), changes);
        }
    }

    /// Ends problems at once. Returns for each, by its place, who is notified of that and how.
    pub(super) fn end(
        &mut self,
        incidents: &[Arc<str>],
        changes: &mut Vec<IncidentChange>,
    ) -> Vec<(usize, Arc<str>, Ending)> {
        let mut ended = Vec::new();
        for (place, incident) in incidents.iter().enumerate() {
            let names = self.by_incident.get(incident).cloned();
            for (name, reported) in names.into_iter().flatten() {
                self.change(incident, &name, None, changes);
                ended.push((place, name, reported));
            }
        }
        let mut endings = Vec::new();
        for (place, name, reported) in ended {
            let has_own = reported.alone || reported.suppressed;
            let mut is_said = reported.alone || (has_own && reported.together.is_empty());
            if has_own {
                endings.push((place, Arc::clone(&name), Ending::Own));
            }
            for together in reported.together {
                let key = (Arc::clone(&together), Arc::clone(&name));
                if !self.members.contains_key(&key) {
                    endings.push((place, Arc::clone(&name), Ending::Whole(together)));
                    is_said = true;
                }
            }
            if !is_said {
                endings.push((place, name, Ending::Rest));
            }
        }
        endings
    }

    fn change(
        &mut self,
        incident: &Arc<str>,
        name: &Arc<str>,
        reported: Option<Reported>,
        changes: &mut Vec<IncidentChange>,
    ) {
        let change = IncidentChange {
            incident: Arc::clone(incident),
            name: Arc::clone(name),
            reported,
        };
        changes.push(change.clone());
        self.apply(change);
    }

    pub(super) fn apply(&mut self, change: IncidentChange) {
        let IncidentChange {
            incident,
            name,
            reported,
        } = change;
        let Some(reported) = reported else {
            self.forget(&incident, &name);
            return;
        };
        for together in &reported.together {
            let key = (Arc::clone(together), Arc::clone(&name));
            let members = self.members.entry(key).or_default();
            members.insert(Arc::clone(&incident));
        }
        let names = self.by_incident.entry(incident).or_default();
        names.insert(name, reported);
    }

    fn forget(&mut self, incident: &Arc<str>, name: &Arc<str>) {
        let Some(names) = self.by_incident.get_mut(incident) else {
            return;
        };
        let reported = names.remove(name);
        if names.is_empty() {
            self.by_incident.remove(incident);
        }
        for together in reported.into_iter().flat_map(|one| one.together) {
            let key = (together, Arc::clone(name));
            if let Some(members) = self.members.get_mut(&key) {
                members.remove(incident);
                if members.is_empty() {
                    self.members.remove(&key);
                }
            }
        }
    }
}
