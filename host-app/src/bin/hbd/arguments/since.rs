//! `--since` and `--until`: an age, or a length, or a point in time.

use std::{
    str::FromStr,
    time::{Duration, SystemTime},
};

use annunciator_monitor::timestamp;

/// The earliest time that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Since {
    /// In milliseconds since the Unix epoch.
    pub(crate) ms: i64,
}

/// An error returned when a text is neither an age nor a point in time.
#[derive(Debug, thiserror::Error)]
#[error("write how long ago, such as 2h or 7d, or when, such as \"2026-11-22 14:00\" (UTC)")]
pub(crate) struct MalformedSince;

impl Since {
    /// Returns the time at which something of this age happened.
    pub(crate) fn ago(age: Duration) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        Self {
            ms: ms(since.unwrap_or_default()).saturating_sub(ms(age)),
        }
    }
}

impl FromStr for Since {
    type Err = MalformedSince;

    fn from_str(text: &str) -> Result<Self, MalformedSince> {
        let text = text.trim();
        if let Ok(age) = humantime::parse_duration(text) {
            return Ok(Self::ago(age));
        }
        let ms = timestamp::parse_timestamp(text).ok_or(MalformedSince)?;
        Ok(Self { ms })
    }
}

/// The latest time that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Until {
    /// In milliseconds since the Unix epoch.
    pub(crate) ms: i64,
}

/// An error returned when a text is neither a length nor a point in time.
#[derive(Debug, thiserror::Error)]
#[error("write for how long, such as 4h or 2d, or until when, such as \"2026-11-22 14:00\" (UTC)")]
pub(crate) struct MalformedUntil;

impl FromStr for Until {
    type Err = MalformedUntil;

    fn from_str(text: &str) -> Result<Self, MalformedUntil> {
        let text = text.trim();
        if let Ok(length) = humantime::parse_duration(text) {
            let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
            let now = Since::ago(Duration::ZERO).ms;
            return Ok(Self {
                ms: now.saturating_add(length),
            });
        }
        let ms = timestamp::parse_timestamp(text).ok_or(MalformedUntil)?;
        Ok(Self { ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_counts_from_now_and_a_moment_from_itself() {
        for (text, seconds) in [("2h", 7200), ("7d", 7 * 86400), ("1h 30m", 5400)] {
            let since: Since = text.parse().unwrap();
            let expected = Since::ago(Duration::from_secs(seconds)).ms;
            assert!((expected - since.ms).abs() < 60_000, "{text}");
        }
        let since: Since = "1970-01-02".parse().unwrap();
        assert_eq!(since.ms, 86_400_000);
        // Longer ago than any point in time.
        let since: Since = "100000y".parse().unwrap();
        assert!(since.ms < 0);
    }

    #[test]
    fn a_length_counts_from_now_on() {
        let until: Until = "2h".parse().unwrap();
        let expected = Since::ago(Duration::ZERO).ms + 7_200_000;
        assert!((expected - until.ms).abs() < 60_000);
        let until: Until = "1970-01-02".parse().unwrap();
        assert_eq!(until.ms, 86_400_000);
        assert!("soon".parse::<Until>().is_err());
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "2", "2 fortnights", "-2h", "14:00"] {
            assert!(text.parse::<Since>().is_err(), "{text}");
        }
    }
}
