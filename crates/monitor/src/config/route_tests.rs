//! `route_tests`: the author's expectations of a configuration, compared with what it would
//! do.
//!
//! A failing test is a problem like any other; whoever declares the section decides its
//! level. A test never changes who is notified.

use std::{collections::BTreeSet, time::Duration};

use annunciator::{Config, Level, Planned, Section, SectionProblem, Severity};
use serde::Deserialize as _;

use super::file::{RouteTestFile, schema_of};
use crate::timestamp::{format_duration, format_timestamp, parse_time_of_day, parse_timestamp};

/// The section's name.
pub(super) const ROUTE_TESTS: &str = "route_tests";
/// The default time of a test: Monday, November 23rd 2026, at noon in UTC, a working day on
/// which most people are awake.
const MONDAY_NOON_MS: i64 = 1_795_435_200_000;
const MONDAY_MS: i64 = MONDAY_NOON_MS - 12 * 3_600_000;

/// Returns the section, in which a failing test is a problem of this level.
pub(super) fn section(level: Level) -> Section {
    let schema = schema_of::<Vec<RouteTestFile>>();
    Section::new(ROUTE_TESTS, schema)
        .names_hosts(["*", "host"])
        .check_with(move |json, config| {
            let tests = Vec::<RouteTestFile>::deserialize(json).unwrap_or_default();
            let tests = tests.iter().enumerate();
            let found = tests.flat_map(|(number, test)| Trial::run(number, test, config));
            found.map(|problem| problem.into_problem(level)).collect()
        })
}

/// A problem of a test, or of what it tests.
struct Finding {
    path: Vec<String>,
    sentence: String,
    help: Option<String>,
}

impl Finding {
    fn into_problem(self, level: Level) -> SectionProblem {
        let problem = match level {
            Level::Error => SectionProblem::error(self.path, self.sentence),
            Level::Warning => SectionProblem::warning(self.path, self.sentence),
        };
        match self.help {
            Some(help) => problem.help(help),
            None => problem,
        }
    }
}

/// A test that is being run.
struct Trial<'a> {
    number: usize,
    test: &'a RouteTestFile,
    severity: Severity,
    at_ms: i64,
    planned: Vec<Planned>,
    config: &'a Config,
}

impl<'a> Trial<'a> {
    fn run(number: usize, test: &'a RouteTestFile, config: &'a Config) -> Vec<Finding> {
        let mut findings: Vec<Finding> = test
            .lists()
            .flat_map(|(field, names)| names.iter().enumerate().map(move |at| (field, at)))
            .filter_map(|(field, (place, name))| {
                let (sentence, help) = no_channel(name, config)?;
                let path = [number.to_string(), field.to_owned(), place.to_string()];
                Some(Finding {
                    path: path.to_vec(),
                    sentence,
                    help,
                })
            })
            .collect();
        let Some(at_ms) = moment(test.at.as_deref()) else {
            let said = test.at.as_deref().unwrap_or_default().escape_debug();
            let help = "write when, such as \"2026-11-23 23:30\" (UTC), or a time such as \"23:30\" on that Monday";
            findings.push(Finding {
                path: vec![number.to_string(), "at".to_owned()],
                sentence: format!("`{said}` is not a time"),
                help: Some(help.to_owned()),
            });
            return findings;
        };
        if !findings.is_empty() {
            return findings;
        }
        let severity = test.severity.into();
        let trial = Trial {
            number,
            test,
            severity,
            at_ms,
            planned: config.plan(&test.host, severity, at_ms),
            config,
        };
        let lists = test.lists();
        lists
            .filter_map(|(field, names)| trial.compare(field, names))
            .collect()
    }

    /// Compares one of the lists with the plan.
    fn compare(&self, field: &str, names: &[String]) -> Option<Finding> {
        let expected: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let planned = self.planned.iter();
        let would = planned.filter(|planned| self.list_of(planned) == field);
        let would: BTreeSet<&str> = would.map(|planned| planned.channel.as_str()).collect();
        if expected == would {
            return None;
        }
        let (verb, nothing) = match field {
            NOTIFIED => ("be notified", "nobody"),
            LATER => ("follow", "nothing"),
            _ => ("be suppressed", "nothing"),
        };
        let names = |set: &BTreeSet<&str>| match set.len() {
            0 => nothing.to_owned(),
            _ => set.iter().copied().collect::<Vec<_>>().join(", "),
        };
        let mut sentence = format!(
            "expected {}; would {verb}: {}",
            names(&expected),
            names(&would)
        );
        for missing in expected.difference(&would) {
            sentence.push_str("; ");
            sentence.push_str(&self.instead(missing));
        }
        let (severity, at) = (self.severity, format_timestamp(self.at_ms));
        // A host's name has no NUL byte, the only reason to fail.
        let typed = shlex::try_quote(&self.test.host).unwrap_or_default();
        let help = format!("`hbd route {typed} --severity {severity} --at {at}` shows all of it");
        Some(Finding {
            path: vec![self.number.to_string(), field.to_owned()],
            sentence,
            help: Some(help),
        })
    }

    /// Returns the list of a test that the channel belongs to.
    fn list_of(&self, planned: &Planned) -> &'static str {
        match planned.rule {
            Some(_) => SUPPRESSED,
            None if disabled(planned, self.config).is_some() => DISABLED,
            None if planned.at_ms > self.at_ms => LATER,
            None => NOTIFIED,
        }
    }

    /// Describes what would happen with a channel.
    fn instead(&self, channel: &str) -> String {
        let mut planned = self.planned.iter();
        let Some(planned) = planned.find(|planned| planned.channel == channel) else {
            let host = &self.test.host;
            let whose = match self.config.host(host) {
                Some(config) if config.has_own_channels() => format!("{host}'s"),
                _ => "the default".to_owned(),
            };
            return format!("{channel} is not among {whose} channels");
        };
        if let Some(rule) = &planned.rule {
            return format!("{channel} is suppressed: {rule}");
        }
        if let Some(why) = disabled(planned, self.config) {
            return format!("{channel} is disabled: {why}");
        }
        match (&planned.group, planned.at_ms.saturating_sub(self.at_ms)) {
            (Some(group), after_ms @ 1..) => {
                let after = Duration::from_millis(after_ms.unsigned_abs());
                let (step, after) = (planned.step, format_duration(after));
                format!("{channel} follows after {after}, as step {step} of group {group}")
            }
            _ => format!("{channel} would be notified at once"),
        }
    }
}

const NOTIFIED: &str = "notified";
const LATER: &str = "later";
const SUPPRESSED: &str = "suppressed";
/// A list that no test has: nobody expects that.
const DISABLED: &str = "disabled";

impl RouteTestFile {
    /// Returns the lists to compare.
    fn lists(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        let lists = [
            (NOTIFIED, Some(&self.notified)),
            (LATER, self.later.as_ref()),
            (SUPPRESSED, self.suppressed.as_ref()),
        ];
        lists
            .into_iter()
            .filter_map(|(field, names)| Some((field, names?.as_slice())))
    }
}

/// Returns why a planned channel is disabled; `None` if it is not.
fn disabled(planned: &Planned, config: &Config) -> Option<String> {
    let channel = config.channel(&planned.channel)?;
    Some(channel.disabled()?.to_string())
}

/// Returns why a name in a list is not a channel's, with a hint; `None` if it is.
fn no_channel(name: &str, config: &Config) -> Option<(String, Option<String>)> {
    if config.channel(name).is_some() {
        return None;
    }
    let shown = name.escape_debug();
    if let Some(group) = config.group(name) {
        let names: Vec<&str> = group.first_of().collect();
        let sentence = format!("`{shown}` is a group: name the channels that are notified");
        return Some((
            sentence,
            Some(format!("its steps are: {}", names.join(", "))),
        ));
    }
    let help = config.closest(name);
    let help = help.map(|found| format!("did you mean `{found}`?"));
    Some((format!("there is no channel `{shown}`"), help))
}

/// Returns the time of a test.
fn moment(said: Option<&str>) -> Option<i64> {
    let Some(said) = said else {
        return Some(MONDAY_NOON_MS);
    };
    let on_monday = || Some(MONDAY_MS + parse_time_of_day(said)?);
    parse_timestamp(said).or_else(on_monday)
}
