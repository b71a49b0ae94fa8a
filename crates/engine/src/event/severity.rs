//! How bad it is, and where in its incident a notification stands.

use std::{fmt, str::FromStr};

use annunciator_core::code;
use serde::Serialize;

/// How bad it is. Greater is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know; nobody needs to act.
    #[default]
    Info,
    /// Somebody should look soon.
    Warning,
    /// Somebody must look now.
    Critical,
}

impl Severity {
    /// Every severity, from the mildest to the worst.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    pub(crate) fn number(self) -> i64 {
        self as i64
    }

    pub(crate) fn of_number(number: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    pub(crate) fn code(self) -> code::Severity {
        match self {
            Self::Info => code::Severity::INFO,
            Self::Warning => code::Severity::WARNING,
            Self::Critical => code::Severity::CRITICAL,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text is not the name of a severity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown severity `{0}`: use info, warning or critical")]
pub struct UnknownSeverity(String);

impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(text: &str) -> Result<Self, UnknownSeverity> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownSeverity(text.to_owned()))
    }
}

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
    const ALL: [Self; 4] = [Self::Message, Self::Problem, Self::Recovery, Self::Test];

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

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) fn number(self) -> i64 {
        self as i64
    }

    pub(crate) fn of_number(number: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    pub(crate) fn code(self) -> code::Kind {
        match self {
            Self::Message => code::Kind::MESSAGE,
            Self::Problem => code::Kind::PROBLEM,
            Self::Recovery => code::Kind::RECOVERY,
            Self::Test => code::Kind::TEST,
        }
    }
}
