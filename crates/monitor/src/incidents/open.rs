//! The open problems, and how each channel or group was notified of them. That decides how
//! it is notified of their end.
//!
//! The engine's store matches a problem with its end by their incident. A problem that was
//! reported alone has an incident of its own. Problems that were reported together share
//! one as long as none of them has ended; when all end at once, the incident ends.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

/// How a channel or group was notified of a problem: alone, or grouped with others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grouping {
    /// Alone, under an incident of its own.
    Alone,
    /// With others, none of which has ended, under this incident.
    Together(Arc<str>),
    /// In several messages, so that no single end matches.
    Mixed,
}

impl Grouping {
    /// Returns the stored form.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Alone => "own",
            Self::Together(incident) => incident,
            Self::Mixed => "mixed",
        }
    }

    /// Parses the stored form.
    #[must_use]
    pub fn read(text: &str) -> Self {
        match text {
            "own" => Self::Alone,
            "mixed" => Self::Mixed,
            incident => Self::Together(incident.into()),
        }
    }
}

/// A change of the incident log, written with the state change that caused it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentChange {
    /// The incident.
    pub incident: Arc<str>,
    /// The channel or group.
    pub name: Arc<str>,
    /// How the end is to be reported there; `None` if the problem is no longer open.
    pub grouping: Option<Grouping>,
}

/// The problems that are open.
#[derive(Debug, Default)]
pub(super) struct Open {
    by_incident: HashMap<Arc<str>, BTreeMap<Arc<str>, Grouping>>,
    /// Problems that were reported together, none of which has ended.
    whole: HashMap<Together, HashSet<Arc<str>>>,
}

/// The key of a group: its incident, and the channel or group that was notified of it.
type Together = (Arc<str>, Arc<str>);

impl Open {
    /// Returns the channels and groups that are notified of a problem's end.
    pub(super) fn names(
        &self,
        incident: &str,
    ) -> impl Iterator<Item = (&Arc<str>, &Grouping)> + use<'_> {
        self.by_incident.get(incident).into_iter().flatten()
    }

    pub(super) fn grouping(&self, incident: &str, name: &str) -> Option<&Grouping> {
        self.by_incident.get(incident)?.get(name)
    }

    /// Returns how many open problems were reported there together.
    pub(super) fn count(&self, together: &Arc<str>, name: &Arc<str>) -> usize {
        let key = (Arc::clone(together), Arc::clone(name));
        self.whole.get(&key).map_or(0, HashSet::len)
    }

    /// Records how a problem or its end was reported. The group that the problem belonged
    /// to is no longer whole.
    pub(super) fn set(
        &mut self,
        incident: &Arc<str>,
        name: &Arc<str>,
        grouping: Option<Grouping>,
        changes: &mut Vec<IncidentChange>,
    ) {
        let before = self.grouping(incident, name).cloned();
        if before == grouping {
            return;
        }
        if let Some(Grouping::Together(together)) = &before {
            self.set_together(together, name, Some(&Grouping::Mixed), changes);
        }
        let change = IncidentChange {
            incident: Arc::clone(incident),
            name: Arc::clone(name),
            grouping,
        };
        changes.push(change.clone());
        self.apply(change);
    }

    /// Ends a group whose problems end together.
    pub(super) fn end_together(
        &mut self,
        together: &Arc<str>,
        name: &Arc<str>,
        changes: &mut Vec<IncidentChange>,
    ) {
        self.set_together(together, name, None, changes);
    }

    /// Records the same of all that was reported together.
    fn set_together(
        &mut self,
        together: &Arc<str>,
        name: &Arc<str>,
        grouping: Option<&Grouping>,
        changes: &mut Vec<IncidentChange>,
    ) {
        for incident in self.take_whole(together, name) {
            let change = IncidentChange {
                incident,
                name: Arc::clone(name),
                grouping: grouping.cloned(),
            };
            changes.push(change.clone());
            self.apply(change);
        }
    }

    fn take_whole(&mut self, together: &Arc<str>, name: &Arc<str>) -> HashSet<Arc<str>> {
        let key = (Arc::clone(together), Arc::clone(name));
        self.whole.remove(&key).unwrap_or_default()
    }

    pub(super) fn apply(&mut self, change: IncidentChange) {
        let IncidentChange {
            incident,
            name,
            grouping,
        } = change;
        let Some(grouping) = grouping else {
            if let Some(names) = self.by_incident.get_mut(&incident) {
                names.remove(&name);
                if names.is_empty() {
                    self.by_incident.remove(&incident);
                }
            }
            return;
        };
        if let Grouping::Together(together) = &grouping {
            let key = (Arc::clone(together), Arc::clone(&name));
            self.whole
                .entry(key)
                .or_default()
                .insert(Arc::clone(&incident));
        }
        self.by_incident
            .entry(incident)
            .or_default()
            .insert(name, grouping);
    }
}
