//! The place of a notification in its incident.

use serde::{Deserialize, Serialize};

use crate::numbered::numbered;

/// The place of a notification in its incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// A message that is part of no problem.
    #[default]
    Message,
    /// A problem that began or persists.
    Problem,
    /// The end of a problem.
    Recovery,
    /// A test that a person requested.
    Test,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Message, Self::Problem, Self::Recovery, Self::Test];

    /// Returns the kind's name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Problem => "problem",
            Self::Recovery => "recovery",
            Self::Test => "test",
        }
    }

    /// Returns the kind with a name, or `None` if this version knows none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

numbered!(Kind);
