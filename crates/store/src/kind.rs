//! Where in its incident a notification stands.

use serde::Serialize;

/// Where in the life of its incident a notification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// A message for its own sake.
    #[default]
    Message,
    /// Something is wrong, or goes on being wrong.
    Problem,
    /// What was wrong is right again.
    Recovery,
    /// A test that a person asked for.
    Test,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Message, Self::Problem, Self::Recovery, Self::Test];

    /// The name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Problem => "problem",
            Self::Recovery => "recovery",
            Self::Test => "test",
        }
    }

    /// What has this name; `None` when nothing that is known here has it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The number by which a store may keep it: 0 for the first of [`Self::ALL`]. It never
    /// changes, since files hold it.
    #[must_use]
    pub fn number(self) -> i64 {
        self as i64
    }

    /// What has this number; `None` when nothing that is known here has it.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }
}
