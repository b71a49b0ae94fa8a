//! Moments as people write them: a day, a day and a time, or a time of the day.
//! They are in UTC unless they say otherwise, and never in the machine's own time
//! zone, which differs from one machine to the next.

use std::str::FromStr as _;

use jiff::{
    Timestamp,
    civil::{DateTime, Time},
    tz::TimeZone,
};

/// A day has so many milliseconds in UTC.
const DAY_MS: i64 = 24 * 3_600_000;

/// A day such as `2026-11-22`, or a day and a time such as `2026-11-22 14:00`,
/// in milliseconds since the Unix epoch.
#[must_use]
pub fn moment(text: &str) -> Option<i64> {
    let text = text.trim();
    let moment = Timestamp::from_str(text).ok().or_else(|| in_utc(text))?;
    Some(moment.as_millisecond())
}

/// A time of the day such as `23:30`, as milliseconds since midnight.
#[must_use]
pub fn minute(text: &str) -> Option<i64> {
    let (hour, minute) = text.trim().split_once(':')?;
    let two_digits = |part: &&str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    let number = |part: &str| Some(part).filter(two_digits)?.parse().ok();
    let time = Time::new(number(hour)?, number(minute)?, 0, 0).ok()?;
    Some((i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60_000)
}

/// When the clocks in UTC next show this time of the day, now included.
#[must_use]
pub fn next(since_midnight_ms: i64, now_ms: i64) -> i64 {
    let midnight_ms = now_ms.div_euclid(DAY_MS) * DAY_MS;
    let today_ms = midnight_ms + since_midnight_ms;
    // A minute lasts until the next begins.
    if today_ms + 60_000 > now_ms {
        today_ms.max(now_ms)
    } else {
        today_ms + DAY_MS
    }
}

/// A day, or a day and a time.
fn in_utc(text: &str) -> Option<Timestamp> {
    // Of these, a time without its zone would not heed all that is said.
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
    fn a_moment_without_a_zone_is_in_utc() {
        let check = |text: &str, expected| assert_eq!(moment(text), Some(at(expected)), "{text}");
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
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_of_the_day_has_two_digits_each() {
        assert_eq!(minute("00:00"), Some(0));
        assert_eq!(minute("23:59"), Some(DAY_MS - 60_000));
        for text in ["", "7:00", "24:00", "23:60", "-1:00", "23:30:00", "+1:00"] {
            assert_eq!(minute(text), None, "{text}");
        }
    }

    #[test]
    fn the_next_such_minute_is_today_or_tomorrow() {
        let check =
            |now, expected| assert_eq!(next(minute("23:30").unwrap(), at(now)), at(expected));
        check("2026-11-22T10:00:00Z", "2026-11-22T23:30:00Z");
        check("2026-11-22T23:30:00Z", "2026-11-22T23:30:00Z");
        check("2026-11-22T23:30:59Z", "2026-11-22T23:30:59Z");
        check("2026-11-22T23:31:00Z", "2026-11-23T23:30:00Z");
        check("1969-12-31T23:31:00Z", "1970-01-01T23:30:00Z");
    }
}
