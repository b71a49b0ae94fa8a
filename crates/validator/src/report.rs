//! The report of an examination, for people and for programs.

use std::{path::PathBuf, time::Duration};

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value as Json, json};

use crate::checks::{Check, Level};

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The plugin passes.
    Passed,
    /// The plugin fails, for this reason.
    Failed(String),
    /// The check does not apply to this plugin, for this reason.
    Skipped(String),
    /// The plugin fails, and its author has waived the check for this reason.
    Waived(String),
}

/// The result of a check.
#[derive(Debug)]
pub struct Result {
    /// The check.
    pub check: &'static Check,
    /// The check's outcome.
    pub outcome: Outcome,
    /// How long the check took.
    pub took: Duration,
}

/// The report of an examination.
#[derive(Debug)]
pub struct Report {
    /// The plugin's file.
    pub path: PathBuf,
    /// What was required of the plugin.
    pub level: Level,
    /// The seed with which everything random can be repeated.
    pub seed: u64,
    /// The results, in the order of the list of checks.
    pub results: Vec<Result>,
}

impl Outcome {
    /// Returns the outcome in one word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
            Self::Waived(_) => "waived",
        }
    }

    /// Returns the reason, if the check did not pass.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Failed(why) | Self::Skipped(why) | Self::Waived(why) => Some(why),
        }
    }
}

impl Report {
    /// Returns whether no check failed.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.count("failed") == 0
    }

    /// Returns the number of checks with an outcome, by its word.
    #[must_use]
    pub fn count(&self, outcome: &str) -> usize {
        let results = self.results.iter();
        results
            .filter(|result| result.outcome.name() == outcome)
            .count()
    }

    /// Returns the report as JSON.
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

    /// Returns the report as JUnit's XML.
    ///
    /// # Errors
    /// Fails with a sentence if the report cannot be written as XML.
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
