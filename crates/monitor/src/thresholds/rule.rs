//! A rule: turns the samples of a metric into its level.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{condition::Condition, pattern::Pattern, value::shown};

/// The level of a metric. Greater is worse.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The value is as it should be.
    #[default]
    Ok,
    /// Somebody should look at it soon.
    Warning,
    /// Somebody must look at it now.
    Critical,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
        })
    }
}

/// The value past which an alert clears (hysteresis).
///
/// Without one, an alert clears as soon as its conditions no longer hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clear {
    /// The alert clears below this value.
    Below(f64),
    /// The alert clears above this value.
    Above(f64),
}

/// How many consecutive samples met the conditions of a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streak {
    /// How many met the condition of a warning or of a critical alert.
    pub warning: u8,
    /// How many met the condition of a critical alert.
    pub critical: u8,
}

/// A rule: the thresholds of the metrics that a pattern matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Which metrics the rule applies to.
    pub pattern: Pattern,
    /// The condition of a warning.
    pub warning: Option<Condition>,
    /// The condition of a critical alert.
    pub critical: Option<Condition>,
    /// When an alert clears.
    pub clear: Option<Clear>,
    /// How many consecutive samples it takes to get worse; at least 1.
    pub samples: u8,
}

impl Rule {
    /// Returns the level after one more sample.
    #[must_use]
    pub fn judge(&self, current: Level, streak: &mut Streak, value: f64) -> Level {
        let sample = self.level_of(value);
        let count = |so_far: u8, met: bool| if met { so_far.saturating_add(1) } else { 0 };
        streak.warning = count(streak.warning, sample >= Level::Warning);
        streak.critical = count(streak.critical, sample == Level::Critical);
        let worse = if streak.critical >= self.samples {
            Level::Critical
        } else if streak.warning >= self.samples && self.warning.is_some() {
            Level::Warning
        } else {
            Level::Ok
        };
        if worse >= current {
            return worse;
        }
        // A sample at the current level only ends a streak of worse ones; it takes better
        // samples to lower the level.
        match sample {
            _ if sample >= current => current,
            Level::Ok if self.is_clear(value) => Level::Ok,
            // It has not cleared, but it is no longer critical.
            _ if self.warning.is_some() => Level::Warning,
            _ => current,
        }
    }

    /// Returns the threshold of a level in the words of a message; for OK, the threshold of
    /// the mildest level.
    #[must_use]
    pub fn info(&self, level: Level) -> String {
        self.condition(level)
            .map_or_else(String::new, |condition| format!("(threshold: {condition})"))
    }

    /// Formats a value for a message about this rule.
    #[must_use]
    pub fn shown(&self, value: f64) -> String {
        let bounds: Vec<f64> = [self.warning, self.critical]
            .into_iter()
            .flatten()
            .map(|condition| condition.bound())
            .collect();
        shown(value, &bounds)
    }

    fn condition(&self, level: Level) -> Option<Condition> {
        match level {
            Level::Critical => self.critical,
            Level::Ok | Level::Warning => self.warning.or(self.critical),
        }
    }

    fn level_of(&self, value: f64) -> Level {
        let holds = |condition: Option<Condition>| condition.is_some_and(|one| one.holds(value));
        if holds(self.critical) {
            Level::Critical
        } else if holds(self.warning) {
            Level::Warning
        } else {
            Level::Ok
        }
    }

    fn is_clear(&self, value: f64) -> bool {
        match self.clear {
            Some(Clear::Below(bound)) => value < bound,
            Some(Clear::Above(bound)) => value > bound,
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(warning: &str, critical: &str) -> Rule {
        let condition = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
        Rule {
            pattern: "a.b".parse().unwrap(),
            warning: condition(warning),
            critical: condition(critical),
            clear: None,
            samples: 1,
        }
    }

    fn check(rule: &Rule, samples: &[(f64, Level)]) {
        let (mut level, mut streak) = (Level::Ok, Streak::default());
        for (i, (value, expected)) in samples.iter().enumerate() {
            level = rule.judge(level, &mut streak, *value);
            assert_eq!(level, *expected, "sample {i}: {value}");
        }
    }

    #[test]
    fn every_sample_counts_where_nothing_else_is_said() {
        use Level::{Critical, Ok, Warning};
        check(
            &rule("> 80", "> 90"),
            &[
                (80.0, Ok),
                (81.0, Warning),
                (95.2, Critical),
                (90.0, Warning),
                (70.0, Ok),
                (99.0, Critical),
                (1.0, Ok),
            ],
        );
    }

    #[test]
    fn several_samples_in_a_row_are_needed_to_get_worse_and_one_to_get_better() {
        use Level::{Critical, Ok, Warning};
        let rule = Rule {
            samples: 3,
            ..rule("> 80", "> 90")
        };
        check(
            &rule,
            &[
                (99.0, Ok),
                (85.0, Ok),
                (79.0, Ok), // broken off
                (85.0, Ok),
                (95.0, Ok),
                (95.0, Warning), // three that are at least a warning
                (95.0, Critical),
                (85.0, Warning),
                (95.0, Warning),
                (95.0, Warning),
                (95.0, Critical),
                (50.0, Ok),
            ],
        );
    }

    #[test]
    fn it_is_well_again_only_below_what_clears_it() {
        use Level::{Critical, Ok, Warning};
        let with_warning = Rule {
            clear: Some(Clear::Below(75.0)),
            ..rule("> 80", "> 90")
        };
        check(
            &with_warning,
            &[
                (95.0, Critical),
                (78.0, Warning),
                (75.0, Warning),
                (74.9, Ok),
                (78.0, Ok),
            ],
        );
        let critical_only = Rule {
            clear: Some(Clear::Below(75.0)),
            ..rule("", "> 90")
        };
        check(
            &critical_only,
            &[(95.0, Critical), (78.0, Critical), (74.0, Ok)],
        );
    }

    #[test]
    fn small_values_may_be_the_bad_ones() {
        use Level::{Critical, Ok, Warning};
        let rule = Rule {
            clear: Some(Clear::Above(20.0)),
            ..rule("< 10", "<= 5")
        };
        check(
            &rule,
            &[
                (11.0, Ok),
                (9.0, Warning),
                (5.0, Critical),
                (15.0, Warning),
                (21.0, Ok),
            ],
        );
    }

    #[test]
    fn the_message_names_the_threshold_of_its_level() {
        let rule = rule("> 80", "> 90");
        assert_eq!(rule.info(Level::Critical), "(threshold: > 90.0)");
        assert_eq!(rule.info(Level::Warning), "(threshold: > 80.0)");
        assert_eq!(rule.info(Level::Ok), "(threshold: > 80.0)");
    }
}
