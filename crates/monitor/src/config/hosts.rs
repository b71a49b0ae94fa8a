//! Hosts and their thresholds, in the form that the machine needs.

use std::{collections::HashMap, sync::Arc};

use annunciator::{Config, HostConfig, SectionProblem};
use serde::Deserialize as _;
use serde_json::{Map, Value as Json, json};

use super::{
    THRESHOLDS,
    file::HostFile,
    monitor::{bounded, interval},
    wrong,
};
use crate::{
    machine::HostSettings,
    schedule::{Schedule, ScheduleError},
    thresholds::Set,
};

/// The schema of `threshold_configs`.
pub(super) fn thresholds_schema() -> Json {
    json!({
        "type": "object",
        "description": "Thresholds by the name that hosts use as `threshold_config`",
        "additionalProperties": Set::schema(),
    })
}

/// Reads all threshold configurations.
pub(super) fn thresholds(json: &Json) -> (Vec<(String, Set)>, Vec<SectionProblem>) {
    let mut problems = Vec::new();
    let empty = Map::new();
    let sets = json
        .as_object()
        .unwrap_or(&empty)
        .iter()
        .map(|(name, json)| {
            let mut found = Vec::new();
            let set = Set::read(json, &mut found);
            problems.extend(found.into_iter().map(|problem| {
                let path = std::iter::once(name.clone()).chain(problem.path);
                let located = if problem.warning {
                    SectionProblem::warning(path, problem.sentence)
                } else {
                    SectionProblem::error(path, problem.sentence)
                };
                match problem.help {
                    Some(help) => located.help(help),
                    None => located,
                }
            }));
            (name.clone(), set)
        });
    let sets = sets.collect();
    (sets, problems)
}

/// Reads the monitor's keys of one host.
pub(super) fn host(json: &Json) -> (HostSettings, Vec<SectionProblem>) {
    let mut problems = Vec::new();
    let file = read_keys(json);
    if let Some(Err(error)) = schedule(&file) {
        wrong(&mut problems, &[error.key], error.sentence, error.help);
    }
    if file.schedule.is_some() && file.interval.is_some() {
        let help = "write one of both: a job that pings has a schedule or an interval";
        wrong(
            &mut problems,
            &["interval"],
            "the host has a schedule already",
            help,
        );
    }
    if file.timezone.is_some() && file.schedule.is_none() {
        let help = "write a `schedule`, such as `30 2 * * *`, or omit the time zone";
        wrong(
            &mut problems,
            &["timezone"],
            "there is no schedule that has this time zone",
            help,
        );
    }
    let grace = file.grace.as_deref();
    let settings = HostSettings {
        interval: interval(file.interval.as_deref(), &mut problems),
        grace: grace.map(|text| bounded(Some(text), Default::default(), &["grace"], &mut problems)),
        misses: file.misses,
        ..HostSettings::default()
    };
    (settings, problems)
}

/// Reads the schedule of a host, if it has one.
fn schedule(file: &HostFile) -> Option<Result<Schedule, ScheduleError>> {
    let expression = file.schedule.as_deref()?;
    Some(Schedule::new(expression, file.timezone.as_deref()))
}

fn read_keys(json: &Json) -> HostFile {
    HostFile::deserialize(json).unwrap_or_default()
}

fn schedule_text(file: &HostFile) -> Option<ScheduleText> {
    Some((file.schedule.clone()?, file.timezone.clone()))
}

/// A schedule as it stands in the file: the expression and the time zone.
type ScheduleText = (String, Option<String>);

/// The hosts' settings, schedules and thresholds in a configuration.
#[derive(Debug)]
pub struct Hosts {
    /// The sets of thresholds. A host refers to its set by index.
    pub sets: Vec<Arc<Set>>,
    /// The schedules of jobs. A host refers to its schedule by index.
    pub schedules: Vec<Arc<Schedule>>,
    numbers: HashMap<String, u32>,
    schedule_numbers: HashMap<ScheduleText, u32>,
}

impl Hosts {
    /// Reads the schedules and thresholds of a configuration, which must have been loaded with
    /// [`declare`](crate::declare).
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let (named, _) = config
            .section(THRESHOLDS)
            .map(thresholds)
            .unwrap_or_default();
        let mut numbers = HashMap::new();
        let mut sets = Vec::new();
        for (number, (name, set)) in (0..).zip(named) {
            numbers.insert(name, number);
            sets.push(Arc::new(set));
        }
        let mut hosts = Self {
            sets,
            schedules: Vec::new(),
            numbers,
            schedule_numbers: HashMap::new(),
        };
        for (_, host) in config.hosts() {
            hosts.add_schedule(host);
        }
        hosts
    }

    /// Returns the settings of every configured host, with its name.
    pub fn settings<'a>(
        &'a self,
        config: &'a Config,
    ) -> impl Iterator<Item = (Arc<str>, HostSettings)> + 'a {
        let hosts = config.hosts().into_iter();
        hosts.map(|(name, host)| (Arc::from(name), self.of(host)))
    }

    /// Returns the thresholds of a host, or `None` if it has none.
    #[must_use]
    pub fn thresholds(&self, config: &HostConfig) -> Option<&Set> {
        let number = self.numbers.get(config.threshold_config.as_deref()?)?;
        self.sets.get(*number as usize).map(|set| &**set)
    }

    /// Adds the schedule of a host, unless another host has the same.
    fn add_schedule(&mut self, config: &HostConfig) {
        let Some(file) = config.extra().map(read_keys) else {
            return;
        };
        let (Some(Ok(schedule)), Some(text)) = (schedule(&file), schedule_text(&file)) else {
            return;
        };
        let number = u32::try_from(self.schedules.len()).unwrap_or(u32::MAX);
        let numbers = &mut self.schedule_numbers;
        if *numbers.entry(text).or_insert(number) == number {
            self.schedules.push(Arc::new(schedule));
        }
    }

    fn of(&self, config: &HostConfig) -> HostSettings {
        let extra = config.extra().map(|json| host(json).0);
        let set = config.threshold_config.as_deref();
        HostSettings {
            watch: config.watch,
            set: set.and_then(|name| self.numbers.get(name)).copied(),
            schedule: config
                .extra()
                .and_then(|json| schedule_text(&read_keys(json)))
                .and_then(|text| self.schedule_numbers.get(&text).copied()),
            ..extra.unwrap_or_default()
        }
    }
}
