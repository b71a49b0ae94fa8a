//! What came of an examination, for people and for programs.

use std::{path::PathBuf, time::Duration};

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value as Json, json};

use crate::checks::{Check, Level};

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not, and this is why.
    Failed(String),
    /// It says nothing of this plugin, and this is why.
    Skipped(String),
    /// It does not hold, and this is why that is all right.
    Waived(String),
}

/// One check and what came of it.
#[derive(Debug)]
pub struct Result {
    /// The check.
    pub check: &'static Check,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// An examination.
#[derive(Debug)]
pub struct Report {
    /// The plugin's file.
    pub path: PathBuf,
    /// What was asked of it.
    pub level: Level,
    /// By which what was random can be repeated.
    pub seed: u64,
    /// In the order of the list.
    pub results: Vec<Result>,
}

impl Outcome {
    /// One word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
            Self::Waived(_) => "waived",
        }
    }

    /// Why it was not passed.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Failed(why) | Self::Skipped(why) | Self::Waived(why) => Some(why),
        }
    }
}

impl Report {
    /// Whether nothing has failed.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.count("failed") == 0
    }

    /// How many checks came to this, by its word.
    #[must_use]
    pub fn count(&self, outcome: &str) -> usize {
        let results = self.results.iter();
        results
            .filter(|result| result.outcome.name() == outcome)
            .count()
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> Json {
        let checks = self.results.iter().map(|result| {
            json!({
                "check": result.check.name,
                "level": result.check.level.name(),
                "sentence": result.check.sentence,
                "outcome": result.outcome.name(),
                "why": result.outcome.why(),
                "milliseconds": u64::try_from(result.took.as_millis()).unwrap_or(u64::MAX),
            })
        });
        json!({
            "path": self.path,
            "level": self.level.name(),
            "seed": self.seed,
            "passed": self.is_passed(),
            "checks": checks.collect::<Vec<_>>(),
        })
    }

    /// As JUnit's XML.
    ///
    /// # Errors
    /// A sentence when it cannot be written as XML.
    pub fn junit(&self) -> std::result::Result<String, String> {
        let mut suite = TestSuite::new(self.path.display().to_string());
        for result in &self.results {
            let status = match &result.outcome {
                Outcome::Passed => TestCaseStatus::success(),
                Outcome::Failed(why) => {
                    let mut failure = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    failure.set_message(why.as_str());
                    failure
                }
                Outcome::Skipped(why) | Outcome::Waived(why) => {
                    let mut skipped = TestCaseStatus::skipped();
                    skipped.set_message(why.as_str());
                    skipped
                }
            };
            let mut case = TestCase::new(result.check.name, status);
            case.set_classname(result.check.level.name());
            case.set_time(result.took);
            suite.add_test_case(case);
        }
        let mut report = quick_junit::Report::new("annunciator plugin examination");
        report.add_test_suite(suite);
        report.to_string().map_err(|error| error.to_string())
    }
}
