//! When a job is expected: at the times of a cron expression in a time zone.

use std::{fmt, str::FromStr as _};

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{
    Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};

/// The end of the year 9999 in milliseconds since the Unix epoch, the latest time that the
/// engine represents.
const MAX_TIME_MS: i64 = 253_402_300_799_999;
/// The time from which an expression is tried when it is read: November 23rd, 2026.
const TRIAL_MS: i64 = 1_795_392_000_000;
/// The maximum number of characters of a value that a sentence quotes.
const MAX_QUOTED: usize = 100;

/// What is wrong with a schedule, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {sentence}; {help}")]
pub struct ScheduleError {
    /// The key of the file that is wrong: `schedule` or `timezone`.
    pub key: &'static str,
    /// What is wrong, in one sentence.
    pub sentence: String,
    /// What would be right.
    pub help: &'static str,
}

/// The times at which a job is expected to run.
///
/// ```
/// use annunciator_monitor::Schedule;
///
/// let nightly = Schedule::new("30 2 * * *", Some("Europe/Berlin"))?;
/// // It has run at 2026-11-23T02:30:07+01:00.
/// let ran_at = 1_795_397_407_000;
/// assert_eq!(nightly.next_after(ran_at), Some(1_795_483_800_000));
/// # Ok::<(), annunciator_monitor::ScheduleError>(())
/// ```
#[derive(Clone)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
    /// The name of the zone, as people know it.
    zone_name: Box<str>,
}

impl Schedule {
    /// Reads a cron expression of five fields, such as `30 2 * * *`, or a name such as
    /// `@daily`, and the name of its time zone, which is UTC by default.
    ///
    /// # Errors
    /// Returns [`ScheduleError`] if the expression is not one or has no time that ever comes,
    /// or if there is no such zone.
    pub fn new(expression: &str, timezone: Option<&str>) -> Result<Self, ScheduleError> {
        let schedule = Self {
            cron: cron(expression)?,
            zone: time_zone(timezone)?,
            zone_name: timezone.unwrap_or("UTC").into(),
        };
        if schedule.next_after(TRIAL_MS).is_none() {
            return Err(ScheduleError {
                key: "schedule",
                sentence: format!("{} is a time that never comes", quoted(expression)),
                help: "write days that months have",
            });
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
        let from = Timestamp::from_millisecond(ms).ok()?;
        let from = from.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&from, false).ok()?;
        Some(next.timestamp().as_millisecond())
    }

    /// Returns a time as the clocks of the schedule's zone show it, for a sentence, such as
    /// `2026-11-23 02:30 (Europe/Berlin)`.
    #[must_use]
    pub fn local_time(&self, ms: i64) -> String {
        let at = Timestamp::from_millisecond(ms).unwrap_or_default();
        let at = at.to_zoned(self.zone.clone());
        format!("{} ({})", at.strftime("%Y-%m-%d %H:%M"), self.zone_name)
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schedule")
            .field("zone", &self.zone_name)
            .finish_non_exhaustive()
    }
}

/// Reads an expression of five fields, in which a day of the month and one of the week
/// count as either, as cron does.
fn cron(text: &str) -> Result<Cron, ScheduleError> {
    let wrong = |sentence: String| ScheduleError {
        key: "schedule",
        sentence,
        help: "write five fields: minute, hour, day of the month, month, day of the week, \
               such as `30 2 * * *`",
    };
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
    let zone = TimeZone::get(name).or_else(|_| built_in());
    zone.map_err(|_| ScheduleError {
        key: "timezone",
        sentence: format!("there is no time zone {}", quoted(name)),
        help: "write a name of the IANA database, such as Europe/Berlin or UTC",
    })
}

/// Returns a value of the file in a form that is fit for a sentence.
fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(MAX_QUOTED).collect();
    format!("`{}`", shown.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(cron: &str, zone: &str) -> Schedule {
        Schedule::new(cron, Some(zone)).unwrap()
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
    fn there_is_no_time_beyond_the_calendar() {
        for ms in [i64::MIN, -1, i64::MAX] {
            assert_eq!(schedule("@daily", "UTC").next_after(ms), None);
        }
    }

    #[test]
    fn a_time_is_shown_as_the_clocks_of_the_zone_do() {
        let shown = schedule("@daily", "Europe/Berlin").local_time(ms("2026-11-23T02:00:59Z"));
        assert_eq!(shown, "2026-11-23 03:00 (Europe/Berlin)");
        let utc = Schedule::new("@daily", None).unwrap();
        assert_eq!(utc.local_time(0), "1970-01-01 00:00 (UTC)");
    }

    #[test]
    fn what_cannot_be_a_schedule_is_refused_by_its_key() {
        for (cron, zone, key) in [
            ("", "UTC", "schedule"),
            ("* * * *", "UTC", "schedule"),
            ("* * * * * *", "UTC", "schedule"),
            ("61 * * * *", "UTC", "schedule"),
            ("0 0 30 2 *", "UTC", "schedule"),
            ("@never", "UTC", "schedule"),
            ("* * * * *", "Mars/Base", "timezone"),
            ("* * * * *", "", "timezone"),
        ] {
            let error = Schedule::new(cron, Some(zone)).unwrap_err();
            assert_eq!(error.key, key, "{cron:?} {zone:?}: {error}");
        }
    }
}
