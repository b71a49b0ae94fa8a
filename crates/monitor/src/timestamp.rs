//! Timestamps and durations as people read and write them.
//!
//! Timestamps are in UTC unless the text says otherwise, and never in the time
//! zone of the machine, which differs from one machine to the next.

use std::{fmt, str::FromStr as _, time::Duration};

use jiff::{
    Timestamp,
    civil::{DateTime, Time},
    tz::TimeZone,
};

/// The length of a day in UTC.
const DAY_MS: i64 = 24 * 3_600_000;

/// Parses a day such as `2026-11-22`, or a day and a time such as
/// `2026-11-22 14:00`, into milliseconds since the Unix epoch.
///
/// Returns `None` if the text is neither.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let text = text.trim();
    let moment = Timestamp::from_str(text).ok().or_else(|| in_utc(text))?;
    Some(moment.as_millisecond())
}

/// Parses a time of day such as `23:30` into milliseconds since midnight.
///
/// Returns `None` unless the text is two digits, a colon and two digits.
#[must_use]
pub fn parse_time_of_day(text: &str) -> Option<i64> {
    let (hour, minute) = text.trim().split_once(':')?;
    let two_digits = |part: &&str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    let number = |part: &str| Some(part).filter(two_digits)?.parse().ok();
    let time = Time::new(number(hour)?, number(minute)?, 0, 0).ok()?;
    Some((i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60_000)
}

/// Returns the next moment at which clocks in UTC show this time of day, in milliseconds
/// since the Unix epoch. The current minute counts as the next.
#[must_use]
pub fn next_occurrence(since_midnight_ms: i64, now_ms: i64) -> i64 {
    let midnight_ms = now_ms.div_euclid(DAY_MS) * DAY_MS;
    let today_ms = midnight_ms + since_midnight_ms;
    // A minute lasts until the next begins.
    if today_ms + 60_000 > now_ms {
        today_ms.max(now_ms)
    } else {
        today_ms + DAY_MS
    }
}

/// Formats milliseconds since the Unix epoch for a sentence: in UTC, to the
/// second, such as `2026-09-21T14:13:20Z`.
#[must_use]
pub fn format_timestamp(ms: i64) -> impl fmt::Display {
    let seconds = ms.div_euclid(1000);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Formats a duration for a sentence, such as `1m 1s`; durations below ten seconds have
/// milliseconds.
#[must_use]
pub fn format_duration(duration: Duration) -> impl fmt::Display {
    let short = duration < Duration::from_secs(10);
    humantime::format_duration(if short {
        Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    } else {
        Duration::from_secs(duration.as_secs())
    })
}

/// Parses a day, or a day with a time.
fn in_utc(text: &str) -> Option<Timestamp> {
    // A text of these characters has no zone, and the parser would ignore what follows the
    // time.
    let only_a_time = |c: char| c.is_ascii_digit() || "-:. Tt".contains(c);
    if !text.chars().all(only_a_time) || text.matches('-').count() != 2 {
        return None;
    }
    let time = DateTime::from_str(text).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn sentences_have_seconds_and_no_more() {
        let text = format_timestamp(1_790_000_000_999).to_string();
        assert_eq!(text, "2026-09-21T14:13:20Z");
        let check = |duration, expected: &str| {
            assert_eq!(format_duration(duration).to_string(), expected);
        };
        check(Duration::from_millis(61_300), "1m 1s");
        check(Duration::from_micros(1_500_900), "1s 500ms");
    }

    #[test]
    fn a_moment_without_a_zone_is_in_utc() {
        let check =
            |text: &str, expected| assert_eq!(parse_timestamp(text), Some(at(expected)), "{text}");
        check("2026-11-22", "2026-11-22T00:00:00Z");
        check("2026-11-22 14:00", "2026-11-22T14:00:00Z");
        check("2026-11-22T14:00:05.5", "2026-11-22T14:00:05.5Z");
        check("2026-11-22T14:00:00Z", "2026-11-22T14:00:00Z");
        check("2026-11-22 14:00+01:00", "2026-11-22T13:00:00Z");
    }

    #[test]
    fn what_is_no_moment() {
        for text in [
            "",
            "2",
            "yesterday",
            "2026",
            "2026-11",
            "2026-13-01",
            "2026-02-30",
            "2026-11-22 25:00",
            "2026-11-22-05:00",
            "2026-11-22 14:00[Europe/Berlin]",
            "14:00",
            "22.11.2026",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_of_the_day_has_two_digits_each() {
        assert_eq!(parse_time_of_day("00:00"), Some(0));
        assert_eq!(parse_time_of_day("23:59"), Some(DAY_MS - 60_000));
        for text in ["", "7:00", "24:00", "23:60", "-1:00", "23:30:00", "+1:00"] {
            assert_eq!(parse_time_of_day(text), None, "{text}");
        }
    }

    #[test]
    fn the_next_such_minute_is_today_or_tomorrow() {
        let check = |now, expected| {
            assert_eq!(
                next_occurrence(parse_time_of_day("23:30").unwrap(), at(now)),
                at(expected)
            )
        };
        check("2026-11-22T10:00:00Z", "2026-11-22T23:30:00Z");
        check("2026-11-22T23:30:00Z", "2026-11-22T23:30:00Z");
        check("2026-11-22T23:30:59Z", "2026-11-22T23:30:59Z");
        check("2026-11-22T23:31:00Z", "2026-11-23T23:30:00Z");
        check("1969-12-31T23:31:00Z", "1970-01-01T23:30:00Z");
    }
}
