//! Times as text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The years after which the calendar repeats, which are 146,097 days.
const CYCLE_YEARS: u64 = 400;
const CYCLE: Duration = Duration::from_secs(146_097 * 86_400);
/// The number of such cycles by which the calculation starts before 1970, in the year -30; five
/// suffice.
const MAX_CYCLES: u64 = 5;
/// 9999-12-31T23:59:59Z, in Unix seconds.
const LAST: Duration = Duration::from_secs(253_402_300_799);
/// The earliest and the latest time that RFC 3339 can express.
const ENDS: [&str; 2] = ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"];

/// Formats a time in UTC as in RFC 3339, to the second: `2026-01-02T03:04:05Z`.
///
/// Any time is allowed, since a message may state any. A time before the year 0 or after the year
/// 9999, which RFC 3339 cannot express, becomes the nearest that it can.
#[must_use]
pub fn rfc3339(time: SystemTime) -> String {
    let (before, after) = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (0, after),
        Err(error) => {
            let before = error.duration();
            let cycles = before.as_secs() / CYCLE.as_secs() + 1;
            if cycles > MAX_CYCLES {
                return ENDS[0].to_owned();
            }
            let shift = CYCLE.saturating_mul(u32::try_from(cycles).unwrap_or(u32::MAX));
            (cycles, shift.saturating_sub(before))
        }
    };
    if after > LAST {
        return ENDS[1].to_owned();
    }
    let text = humantime::format_rfc3339_seconds(UNIX_EPOCH + after).to_string();
    if before == 0 {
        return text;
    }
    let year = text.get(..4).and_then(|year| year.parse::<u64>().ok());
    let year = year.and_then(|year| year.checked_sub(before * CYCLE_YEARS));
    match (year, text.get(4..)) {
        (Some(year), Some(rest)) => format!("{year:04}{rest}"),
        _ => ENDS[0].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> String {
        let distance = Duration::from_secs(seconds.unsigned_abs());
        let time = match seconds < 0 {
            true => UNIX_EPOCH.checked_sub(distance),
            false => UNIX_EPOCH.checked_add(distance),
        };
        rfc3339(time.unwrap())
    }

    #[test]
    fn every_time_has_a_text() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_767_323_045, "2026-01-02T03:04:05Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (-86_400, "1969-12-31T00:00:00Z"),
            (-2_203_977_600, "1900-02-28T00:00:00Z"),
            (-2_203_891_200, "1900-03-01T00:00:00Z"),
            (-11_670_998_400, "1600-02-29T00:00:00Z"),
            (-62_135_596_800, "0001-01-01T00:00:00Z"),
            (-62_167_219_200, "0000-01-01T00:00:00Z"),
            (-62_167_219_201, "0000-01-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (253_402_300_800, "9999-12-31T23:59:59Z"),
            (i64::MAX / 1000, "9999-12-31T23:59:59Z"),
            (i64::MIN / 1000, "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(at(seconds), text, "{seconds}");
        }
        // Rounded down to the second, before 1970, too.
        let half = rfc3339(UNIX_EPOCH - Duration::from_millis(500));
        assert_eq!(half, "1969-12-31T23:59:59Z");
    }
}
