//! Times and lengths for people. Times are UTC, as in the log.

use jiff::Timestamp;
use maud::{Markup, html};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Returns a time of today as `13:51:09`, and another with its date. Both times are milliseconds
/// since the Unix epoch.
#[must_use]
pub fn clock(at_ms: i64, now_ms: i64) -> String {
    let Ok(at) = Timestamp::from_millisecond(at_ms) else {
        return "at an impossible time".to_owned();
    };
    let is_today = at_ms.div_euclid(DAY) == now_ms.div_euclid(DAY);
    let format = if is_today {
        "%H:%M:%S"
    } else {
        "%Y-%m-%d %H:%M:%S"
    };
    at.strftime(format).to_string()
}

/// Returns a time as an element, as [`clock`] has it.
#[must_use]
pub fn when(at_ms: i64, now_ms: i64) -> Markup {
    let exact = Timestamp::from_millisecond(at_ms).map(|at| at.to_string());
    html! { time datetime=[exact.ok()] { (clock(at_ms, now_ms)) " UTC" } }
}

/// Returns a length in milliseconds in its two greatest units, such as `1 h 20 min`.
#[must_use]
pub fn length(ms: i64) -> String {
    let ms = ms.max(0);
    let units = [(DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s")];
    let at = units.iter().position(|(unit, _)| ms >= *unit).unwrap_or(3);
    let (unit, name) = units[at];
    let first = format!("{} {name}", ms / unit);
    match units.get(at + 1) {
        // Nobody reads the seconds of an hour.
        Some((next, name)) if ms % unit >= *next && at < 2 => {
            format!("{first} {} {name}", ms % unit / next)
        }
        _ => first,
    }
}

/// Returns the time until something happens, such as `in 2:48`. Both times are milliseconds since
/// the Unix epoch.
#[must_use]
pub fn countdown(at_ms: i64, now_ms: i64) -> String {
    let left = at_ms.saturating_sub(now_ms);
    match left {
        ..=0 => "now".to_owned(),
        1..HOUR => format!("in {}:{:02}", left / MINUTE, left % MINUTE / SECOND),
        _ => format!("in {}", length(left)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_its_two_greatest_units() {
        assert_eq!(length(-5), "0 s");
        assert_eq!(length(59_999), "59 s");
        assert_eq!(length(12 * MINUTE + 3 * SECOND), "12 min");
        assert_eq!(length(80 * MINUTE), "1 h 20 min");
        assert_eq!(length(2 * DAY + 59 * MINUTE), "2 d");
        assert_eq!(length(2 * DAY + 5 * HOUR), "2 d 5 h");
    }

    #[test]
    fn what_comes_soon_is_counted_down() {
        assert_eq!(countdown(168_500, 0), "in 2:48");
        assert_eq!(countdown(HOUR, 0), "in 1 h");
        assert_eq!(countdown(5, 5), "now");
    }

    #[test]
    fn a_time_of_another_day_has_its_date() {
        assert_eq!(clock(3 * HOUR, 5 * HOUR), "03:00:00");
        assert_eq!(clock(3 * HOUR, 25 * HOUR), "1970-01-01 03:00:00");
        assert_eq!(clock(i64::MAX, 0), "at an impossible time");
    }
}
