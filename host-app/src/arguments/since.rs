//! `--since`: how long ago, or when.

use std::{
    str::FromStr,
    time::{Duration, SystemTime},
};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// The first moment that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Since {
    /// In milliseconds since the Unix epoch.
    pub(crate) ms: i64,
}

/// The text is neither a length of time nor a moment.
#[derive(Debug, thiserror::Error)]
#[error("write how long ago, such as 2h or 7d, or when, such as \"2026-11-22 14:00\" (UTC)")]
pub(crate) struct Malformed;

impl Since {
    /// So long ago.
    pub(crate) fn ago(age: Duration) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        Self {
            ms: ms(since.unwrap_or_default()).saturating_sub(ms(age)),
        }
    }
}

impl FromStr for Since {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        if let Ok(age) = humantime::parse_duration(text) {
            return Ok(Self::ago(age));
        }
        let moment = Timestamp::from_str(text).or_else(|_| in_utc(text))?;
        Ok(Self {
            ms: moment.as_millisecond(),
        })
    }
}

/// A day, or a day and a time.
fn in_utc(text: &str) -> Result<Timestamp, Malformed> {
    // Of these, a time without its zone would not heed all that is said.
    let only_a_time = |c: char| c.is_ascii_digit() || "-:. Tt".contains(c);
    if !text.chars().all(only_a_time) || text.matches('-').count() != 2 {
        return Err(Malformed);
    }
    let time = DateTime::from_str(text).map_err(|_| Malformed)?;
    let zoned = time.to_zoned(TimeZone::UTC).map_err(|_| Malformed)?;
    Ok(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let expected: Timestamp = expected.parse().unwrap();
        let since: Since = text.parse().unwrap();
        assert_eq!(since.ms, expected.as_millisecond(), "{text}");
    }

    #[test]
    fn a_moment_without_a_zone_is_in_utc() {
        check("2026-11-22", "2026-11-22T00:00:00Z");
        check("2026-11-22 14:00", "2026-11-22T14:00:00Z");
        check("2026-11-22T14:00:05.5", "2026-11-22T14:00:05.5Z");
        check("2026-11-22T14:00:00Z", "2026-11-22T14:00:00Z");
        check("2026-11-22 14:00+01:00", "2026-11-22T13:00:00Z");
    }

    #[test]
    fn an_age_counts_from_now() {
        for (text, seconds) in [("2h", 7200), ("7d", 7 * 86400), ("1h 30m", 5400)] {
            let since: Since = text.parse().unwrap();
            let expected = Since::ago(Duration::from_secs(seconds)).ms;
            assert!((expected - since.ms).abs() < 60_000, "{text}");
        }
        // Longer ago than anything.
        let since: Since = "100000y".parse().unwrap();
        assert!(since.ms < 0);
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in [
            "",
            "2",
            "2 fortnights",
            "-2h",
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
            assert!(text.parse::<Since>().is_err(), "{text}");
        }
    }
}
