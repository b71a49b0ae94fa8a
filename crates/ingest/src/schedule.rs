//! When a job is expected: at the times of a cron expression in a time zone, or at least so
//! often.

use std::{str::FromStr as _, time::Duration};

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{
    Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::{MAX_TIME_MS, quoted};

/// How late a job may be by default: that of Healthchecks
/// (<https://healthchecks.io/docs/configuring_checks/>).
const DEFAULT_GRACE: Duration = Duration::from_secs(3600);
/// The minimum of an interval: a job that is due each second is a heartbeat.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// The maximum of an interval and of a grace: a year, and a day for leap years.
const MAX_DURATION: Duration = Duration::from_secs(366 * 24 * 3600);
/// The time from which an expression is tried when it is read: November 23rd, 2026.
const TRIAL_MS: i64 = 1_795_392_000_000;

/// A schedule as it stands in a file: `cron` with `timezone`, or `interval`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleFile {
    /// A cron expression of five fields, such as `*/5 * * * *`, or a name such as `@daily`.
    pub cron: Option<String>,
    /// The time zone of the expression. Default: UTC.
    pub timezone: Option<String>,
    /// The maximum time between two runs, such as `1h`.
    pub interval: Option<String>,
    /// How late a run may be. Default: 1h.
    pub grace: Option<String>,
}

/// What is wrong with a schedule: at which key, in one sentence, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {sentence}; {help}")]
pub struct ScheduleError {
    /// The key of [`ScheduleFile`].
    pub key: &'static str,
    /// What is wrong.
    pub sentence: String,
    /// What would be right.
    pub help: String,
}

impl ScheduleError {
    fn new(key: &'static str, sentence: impl Into<String>, help: impl Into<String>) -> Self {
        let (sentence, help) = (sentence.into(), help.into());
        Self {
            key,
            sentence,
            help,
        }
    }
}

/// When a job is expected.
///
/// ```
/// use annunciator_ingest::{Schedule, ScheduleFile};
///
/// let nightly = Schedule::new(&ScheduleFile {
///     cron: Some("30 2 * * *".to_owned()),
///     timezone: Some("Europe/Berlin".to_owned()),
///     grace: Some("10m".to_owned()),
///     ..ScheduleFile::default()
/// })?;
/// // It has run at 2026-11-23T02:30:07+01:00.
/// let ran_at = 1_795_397_407_000;
/// assert_eq!(nightly.next_after(ran_at), Some(1_795_483_800_000));
/// assert_eq!(nightly.due_until(ran_at), Some(1_795_483_800_000 + 600_000));
/// # Ok::<(), annunciator_ingest::ScheduleError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Schedule {
    times: Times,
    grace_ms: i64,
}

#[derive(Debug, Clone)]
enum Times {
    /// At the times of an expression in a time zone.
    Cron(Box<(Cron, TimeZone)>),
    /// So many milliseconds after the last run.
    Interval(i64),
}

impl Schedule {
    /// Checks a schedule.
    ///
    /// # Errors
    /// What is wrong, by the key.
    pub fn new(file: &ScheduleFile) -> Result<Self, ScheduleError> {
        let times = match (&file.cron, &file.interval) {
            (Some(text), None) => Times::Cron(Box::new((
                cron(text)?,
                time_zone(file.timezone.as_deref())?,
            ))),
            (None, Some(text)) => {
                if file.timezone.is_some() {
                    let sentence = "an interval has no time zone";
                    return Err(ScheduleError::new("timezone", sentence, "leave it out"));
                }
                Times::Interval(duration("interval", text, MIN_INTERVAL)?)
            }
            (None, None) => {
                let sentence = "it says nothing of when";
                let help = "write `cron: \"30 2 * * *\"` or `interval: 1h`";
                return Err(ScheduleError::new("cron", sentence, help));
            }
            (Some(_), Some(_)) => {
                let sentence = "there are two schedules";
                let help = "write either `cron` or `interval`";
                return Err(ScheduleError::new("interval", sentence, help));
            }
        };
        let default = || Ok(i64::try_from(DEFAULT_GRACE.as_millis()).unwrap_or(i64::MAX));
        let grace = file.grace.as_deref();
        let grace_ms =
            grace.map_or_else(default, |text| duration("grace", text, Duration::ZERO))?;
        let schedule = Self { times, grace_ms };
        if schedule.next_after(TRIAL_MS).is_none() {
            let sentence = "there is no such time";
            let help = "write days that months have";
            return Err(ScheduleError::new("cron", sentence, help));
        }
        Ok(schedule)
    }

    /// Returns the first time after a moment at which the job is expected. Both are in
    /// milliseconds since the Unix epoch. Returns `None` if there is none before the year
    /// 5000, or the moment is not between the years 1970 and 9999.
    ///
    /// When clocks go forward, a time of the hour that is left out is expected right after
    /// it, once, and one of an expression with `*` or steps in its minutes or hours is left
    /// out. When clocks go back, a fixed time is expected once, at the first of both, and
    /// the others twice.
    #[must_use]
    pub fn next_after(&self, ms: i64) -> Option<i64> {
        if !(0..=MAX_TIME_MS).contains(&ms) {
            return None;
        }
        match &self.times {
            Times::Interval(interval) => ms.checked_add(*interval),
            Times::Cron(cron) => {
                let (cron, zone) = &**cron;
                let from = Timestamp::from_millisecond(ms).ok()?;
                let from = from.to_zoned(zone.clone());
                let next = cron.find_next_occurrence(&from, false).ok()?;
                Some(next.timestamp().as_millisecond())
            }
        }
    }

    /// Returns until when the job may keep people waiting after it was last heard of: the
    /// next expected time, and the grace. All are in milliseconds since the Unix epoch.
    #[must_use]
    pub fn due_until(&self, last_ms: i64) -> Option<i64> {
        self.next_after(last_ms)?.checked_add(self.grace_ms)
    }

    /// Returns how late a run may be.
    #[must_use]
    pub fn grace(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.grace_ms).unwrap_or_default())
    }
}

/// Reads an expression of five fields, in which a day of the month and one of the week
/// count as either, as cron does.
fn cron(text: &str) -> Result<Cron, ScheduleError> {
    let help = "write five fields: minute, hour, day of the month, month, day of the week, \
                such as `30 2 * * *`";
    let wrong = |sentence: String| ScheduleError::new("cron", sentence, help);
    let fields = text.split_whitespace().count();
    if text.trim_start().starts_with('@') && fields == 1 {
        return Cron::from_str(text).map_err(|error| wrong(format!("{}: {error}", quoted(text))));
    }
    if fields != 5 {
        return Err(wrong(format!("{} has {fields} fields", quoted(text))));
    }
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    let cron = parser.parse(text);
    cron.map_err(|error| wrong(format!("{}: {error}", quoted(text))))
}

/// Returns a time zone by its name. The machine's own rules come before those that are built
/// in, since they are updated more often.
fn time_zone(name: Option<&str>) -> Result<TimeZone, ScheduleError> {
    let Some(name) = name else {
        return Ok(TimeZone::UTC);
    };
    let built_in = || TimeZoneDatabase::bundled().get(name);
    TimeZone::get(name).or_else(|_| built_in()).map_err(|_| {
        let sentence = format!("there is no time zone {}", quoted(name));
        let help = "write a name of the IANA database, such as Europe/Berlin or UTC";
        ScheduleError::new("timezone", sentence, help)
    })
}

/// Reads a duration in milliseconds.
fn duration(key: &'static str, text: &str, least: Duration) -> Result<i64, ScheduleError> {
    let help = "write a number with its unit, such as 10m";
    let duration = humantime::parse_duration(text).map_err(|_| {
        ScheduleError::new(key, format!("{} is not a duration", quoted(text)), help)
    })?;
    if !(least..=MAX_DURATION).contains(&duration) {
        let sentence = format!("{} is too short or too long", quoted(text));
        let least = humantime::format_duration(least);
        let help = format!("write a time between {least} and a year");
        return Err(ScheduleError::new(key, sentence, help));
    }
    Ok(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(cron: &str, zone: &str) -> Schedule {
        Schedule::new(&ScheduleFile {
            cron: Some(cron.to_owned()),
            timezone: Some(zone.to_owned()),
            ..ScheduleFile::default()
        })
        .unwrap()
    }

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    /// The times after a moment, in UTC.
    fn next(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let schedule = schedule(cron, zone);
        let mut at = ms(after);
        let mut times = Vec::new();
        for _ in 0..count {
            at = schedule.next_after(at).unwrap();
            times.push(Timestamp::from_millisecond(at).unwrap().to_string());
        }
        times
    }

    #[test]
    fn a_time_that_clocks_leave_out_is_expected_right_after_the_gap() {
        // In Berlin, 2:00 to 3:00 is left out on March 29th, 2026.
        let found = next("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 3);
        let expected = [
            "2026-03-29T01:00:00Z",
            "2026-03-30T00:30:00Z",
            "2026-03-31T00:30:00Z",
        ];
        assert_eq!(found, expected);
        let steps = next("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 3);
        let expected = [
            "2026-03-29T00:30:00Z",
            "2026-03-29T01:00:00Z",
            "2026-03-29T01:30:00Z",
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn a_time_that_clocks_repeat_is_expected_once_and_steps_go_on() {
        // In Berlin, 2:00 to 3:00 comes twice on October 25th, 2026.
        let found = next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2);
        assert_eq!(found, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        // Also where the first of both has just passed.
        let found = next("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:01Z", 1);
        assert_eq!(found, ["2026-10-26T01:30:00Z"]);
        let steps = next("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:15:00Z", 4);
        let expected = [
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-25T02:00:00Z",
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn a_zone_that_changes_by_half_an_hour_is_kept() {
        // On Lord Howe Island, 2:00 to 2:30 is left out on October 4th, 2026.
        let found = next(
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T12:00:00Z",
            2,
        );
        assert_eq!(found, ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]);
    }

    #[test]
    fn days_of_the_month_and_of_the_week_count_as_either() {
        let found = next("0 12 13 * 5", "UTC", "2026-11-01T00:00:00Z", 4);
        let days: Vec<&str> = found.iter().map(|time| &time[8..10]).collect();
        assert_eq!(days, ["06", "13", "20", "27"]);
        let found = next("0 0 15 * 1", "UTC", "2026-11-10T00:00:00Z", 2);
        assert_eq!(found, ["2026-11-15T00:00:00Z", "2026-11-16T00:00:00Z"]);
    }

    #[test]
    fn what_is_due_waits_for_the_grace() {
        let file = |interval: &str, grace: Option<&str>| ScheduleFile {
            interval: Some(interval.to_owned()),
            grace: grace.map(str::to_owned),
            ..ScheduleFile::default()
        };
        let hourly = Schedule::new(&file("1h", Some("5m"))).unwrap();
        assert_eq!(hourly.next_after(0), Some(3_600_000));
        assert_eq!(hourly.due_until(0), Some(3_900_000));
        let default = Schedule::new(&file("1h", None)).unwrap();
        assert_eq!(default.grace(), DEFAULT_GRACE);
        for ms in [i64::MIN, -1, i64::MAX] {
            assert_eq!(hourly.due_until(ms), None);
            assert_eq!(schedule("@daily", "UTC").due_until(ms), None);
        }
    }

    #[test]
    fn what_cannot_be_a_schedule_is_refused_by_its_key() {
        let file = |cron: &str, zone: &str, interval: &str, grace: &str| {
            let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            ScheduleFile {
                cron: given(cron),
                timezone: given(zone),
                interval: given(interval),
                grace: given(grace),
            }
        };
        for (file, key) in [
            (file("", "", "", ""), "cron"),
            (file("* * * *", "", "", ""), "cron"),
            (file("* * * * * *", "", "", ""), "cron"),
            (file("61 * * * *", "", "", ""), "cron"),
            (file("0 0 30 2 *", "", "", ""), "cron"),
            (file("@never", "", "", ""), "cron"),
            (file("* * * * *", "Mars/Base", "", ""), "timezone"),
            (file("* * * * *", "", "1h", ""), "interval"),
            (file("", "UTC", "1h", ""), "timezone"),
            (file("", "", "1ms", ""), "interval"),
            (file("", "", "soon", ""), "interval"),
            (file("", "", "1h", "400days"), "grace"),
        ] {
            let error = Schedule::new(&file).unwrap_err();
            assert_eq!(error.key, key, "{file:?}: {error}");
        }
    }
}
