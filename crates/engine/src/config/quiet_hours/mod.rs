//! Quiet hours: hours of the day in which messages wait, and whether they cover a time.
//!
//! They begin and end when the clocks of their time zone first show the minute or jump past it. A
//! night in which the clocks change therefore has one beginning and one end.

mod exception;
mod time_of_day;
mod time_zone;

pub(super) use self::{exception::EXCEPTION, time_of_day::TIME_OF_DAY, time_zone::TIME_ZONE};

use std::fmt;

use jiff::{
    Timestamp,
    civil::Date,
    tz::{AmbiguousOffset, TimeZone},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::options::value;
use crate::event::Severity;

/// Hours of the day in which messages wait for a digest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[non_exhaustive]
pub struct QuietHours {
    /// When quiet hours begin, such as `"22:00"`.
    #[serde(rename = "from", with = "time_of_day")]
    #[schemars(schema_with = "time_of_day::schema")]
    pub from_minute: u16,

    /// When quiet hours end, such as `"07:00"`. An earlier time than `from` is on the next
    /// day.
    #[serde(rename = "to", with = "time_of_day")]
    #[schemars(schema_with = "time_of_day::schema")]
    pub to_minute: u16,

    /// The time zone: a name in the IANA database, such as `Europe/Berlin`.
    #[serde(rename = "timezone", default = "utc", with = "value")]
    #[schemars(schema_with = "value::schema::<TimeZone>")]
    zone: TimeZone,

    /// The lowest severity that bypasses quiet hours.
    #[serde(default = "critical", with = "value")]
    #[schemars(schema_with = "exception::schema")]
    pub except: Severity,
}

/// The default time zone. Never the machine's own, so that a file has the same meaning on every
/// machine.
fn utc() -> TimeZone {
    TimeZone::UTC
}

fn critical() -> Severity {
    Severity::Critical
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, to] = [self.from_minute, self.to_minute].map(time_of_day::text);
        write!(f, "{from} to {to}, {}", self.timezone())
    }
}

impl QuietHours {
    /// Returns the name of the time zone, such as `Europe/Berlin`.
    #[must_use]
    pub fn timezone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// Returns whether quiet hours cover a time, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn covers(&self, ms: i64) -> bool {
        self.end_of(ms).is_some()
    }

    /// Returns when the quiet hours end that cover a time, or that time itself if none do. Both are
    /// in milliseconds since the Unix epoch.
    #[must_use]
    pub fn ends_after(&self, ms: i64) -> i64 {
        let end = self.end_of(ms).unwrap_or(ms);
        // After a skipped day, the next quiet hours begin when these end.
        self.end_of(end).unwrap_or(end)
    }

    fn end_of(&self, ms: i64) -> Option<i64> {
        let now = Timestamp::from_millisecond(ms).ok()?;
        let today = self.zone.to_datetime(now).date();
        // Yesterday's quiet hours may continue, and tomorrow's may have begun if the clocks are set
        // back over midnight.
        let days = [today.yesterday(), Ok(today), today.tomorrow()];
        days.into_iter().flatten().find_map(|day| {
            let begin = self.reached(day, self.from_minute)?;
            let last = if self.to_minute > self.from_minute {
                day
            } else {
                day.tomorrow().ok()?
            };
            let end = self.reached(last, self.to_minute)?;
            (begin <= now && now < end).then(|| end.as_millisecond())
        })
    }

    /// Returns when the clocks first show a minute of a day, or jump past it.
    fn reached(&self, day: Date, minute: u16) -> Option<Timestamp> {
        let hour = i8::try_from(minute / 60).ok()?;
        let minute = i8::try_from(minute % 60).ok()?;
        let moment = self.zone.to_ambiguous_timestamp(day.at(hour, minute, 0, 0));
        let is_skipped = matches!(moment.offset(), AmbiguousOffset::Gap { .. });
        let earliest = moment.earlier().ok()?;
        if is_skipped {
            // The earlier reading of a skipped minute is before the jump.
            let jump = self.zone.following(earliest).next()?;
            return Some(jump.timestamp());
        }
        Some(earliest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quiet(from: &str, to: &str, zone: &str) -> QuietHours {
        let written = serde_json::json!({ "from": from, "to": to, "timezone": zone });
        serde_json::from_value(written).unwrap()
    }

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    /// Checks that quiet hours cover the time between two moments, and neither the time just before
    /// nor the time just after.
    fn check(hours: &QuietHours, begin: &str, end: &str) {
        let (first, end) = (ms(begin), ms(end));
        assert!(!hours.covers(first - 1), "before {begin}");
        for covered in [first, (first + end) / 2, end - 1] {
            assert!(hours.covers(covered), "{begin}: {covered}");
            assert_eq!(hours.ends_after(covered), end, "{begin}: {covered}");
        }
        assert!(!hours.covers(end), "{begin}");
        assert_eq!(hours.ends_after(end), end);
    }

    #[test]
    fn within_a_day() {
        let hours = quiet("12:00", "13:30", "UTC");
        check(&hours, "2026-03-01T12:00:00Z", "2026-03-01T13:30:00Z");
        assert_eq!(hours.timezone(), "UTC");
    }

    #[test]
    fn over_midnight_the_year_and_a_leap_day() {
        let hours = quiet("22:00", "07:00", "Europe/Berlin");
        check(&hours, "2025-12-31T22:00:00+01", "2026-01-01T07:00:00+01");
        check(&hours, "2028-02-28T22:00:00+01", "2028-02-29T07:00:00+01");
        check(&hours, "2028-02-29T22:00:00+01", "2028-03-01T07:00:00+01");
        let until_midnight = quiet("22:00", "00:00", "Europe/Berlin");
        check(
            &until_midnight,
            "2026-07-01T22:00:00+02",
            "2026-07-02T00:00:00+02",
        );
        let from_midnight = quiet("00:00", "06:00", "Europe/Berlin");
        check(
            &from_midnight,
            "2026-07-02T00:00:00+02",
            "2026-07-02T06:00:00+02",
        );
    }

    #[test]
    fn a_night_that_is_an_hour_shorter() {
        let hours = quiet("22:00", "07:00", "Europe/Berlin");
        check(&hours, "2026-03-28T22:00:00+01", "2026-03-29T07:00:00+02");
        // At 02:00 the clocks jump to 03:00.
        let skipped = quiet("22:00", "02:30", "Europe/Berlin");
        check(&skipped, "2026-03-28T22:00:00+01", "2026-03-29T03:00:00+02");
        let skipped = quiet("02:30", "07:00", "Europe/Berlin");
        check(&skipped, "2026-03-29T03:00:00+02", "2026-03-29T07:00:00+02");
        let never = quiet("02:10", "02:50", "Europe/Berlin");
        for minute in 0..24 * 60 {
            let moment = ms("2026-03-29T00:00:00+01") + minute * 60_000;
            assert!(!never.covers(moment), "{minute}");
        }
    }

    #[test]
    fn a_night_that_is_an_hour_longer() {
        let hours = quiet("22:00", "07:00", "Europe/Berlin");
        check(&hours, "2026-10-24T22:00:00+02", "2026-10-25T07:00:00+01");
        // At 03:00 the clocks are set back to 02:00: 02:30 occurs twice, and the first one counts.
        let twice = quiet("22:00", "02:30", "Europe/Berlin");
        check(&twice, "2026-10-24T22:00:00+02", "2026-10-25T02:30:00+02");
        assert!(!twice.covers(ms("2026-10-25T02:15:00+01")));
        let twice = quiet("02:30", "07:00", "Europe/Berlin");
        check(&twice, "2026-10-25T02:30:00+02", "2026-10-25T07:00:00+01");
        assert!(twice.covers(ms("2026-10-25T02:15:00+01")));
    }

    #[test]
    fn where_clocks_are_set_back_over_midnight() {
        // At 00:01 on November 7th, the clocks were set back to 23:01 of the 6th.
        let hours = quiet("00:00", "06:00", "America/St_Johns");
        check(
            &hours,
            "2010-11-07T00:00:00-02:30",
            "2010-11-07T06:00:00-03:30",
        );
    }

    #[test]
    fn where_a_whole_day_was_left_out() {
        // Samoa had no December 30th.
        let hours = quiet("22:00", "07:00", "Pacific/Apia");
        check(&hours, "2011-12-29T22:00:00-10", "2011-12-31T07:00:00+14");
        let by_day = quiet("07:00", "22:00", "Pacific/Apia");
        check(&by_day, "2011-12-31T07:00:00+14", "2011-12-31T22:00:00+14");
    }

    #[test]
    fn moments_beyond_all_calendars_are_not_covered() {
        let hours = quiet("22:00", "07:00", "Europe/Berlin");
        for moment in [i64::MIN, i64::MAX] {
            assert!(!hours.covers(moment));
            assert_eq!(hours.ends_after(moment), moment);
        }
    }

    proptest! {
        #[test]
        fn when_they_have_ended_they_cover_nothing_at_once(
            from in 0_u16..1440,
            length in 1_u16..1440,
            ms in 1_700_000_000_000_i64..1_900_000_000_000,
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"]),
        ) {
            let [begin, end] = [from, (from + length) % 1440].map(time_of_day::text);
            let hours = quiet(&begin, &end, zone);
            let end = hours.ends_after(ms);
            prop_assert_eq!(hours.covers(ms), end > ms);
            prop_assert!(!hours.covers(end));
            if end > ms {
                prop_assert!(hours.covers(end - 1));
                // A day has at most 25 hours.
                prop_assert!(end - ms <= 25 * 3_600_000);
            }
        }
    }
}
