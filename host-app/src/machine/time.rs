//! Time as the machine has it: intervals on a timeline of the monitor's own,
//! wall time for display.

use std::{fmt, ops::Add, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A point on the monitor's own timeline, in milliseconds. The timeline grows
/// while the monitor runs, counts the time of its absence too, and goes on
/// over restarts; nobody can set it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Tick(pub u64);

impl Tick {
    /// How long ago another point was; nothing when it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Tick {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(ms))
    }
}

/// Now: on the timeline, and on the wall.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The point on the timeline.
    pub tick: Tick,
    /// Milliseconds since the Unix epoch, as the machine's clock has them.
    pub wall_ms: i64,
}

impl Moment {
    /// The wall time of another point, by this moment's clock.
    #[must_use]
    pub fn wall_of(self, tick: Tick) -> i64 {
        let offset = i128::from(tick.0) - i128::from(self.tick.0);
        i64::try_from(i128::from(self.wall_ms) + offset).unwrap_or(i64::MAX)
    }
}

/// Wall time in a sentence, to the second, in UTC.
#[must_use]
pub fn wall(ms: i64) -> impl fmt::Display {
    let seconds = ms.div_euclid(1000);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A duration in a sentence.
#[must_use]
pub fn span(duration: Duration) -> impl fmt::Display {
    // What is long needs no milliseconds.
    let short = duration < Duration::from_secs(10);
    humantime::format_duration(if short {
        Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    } else {
        Duration::from_secs(duration.as_secs())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_have_seconds_and_no_more() {
        assert_eq!(wall(1_790_000_000_999).to_string(), "2026-09-21T14:13:20Z");
        assert_eq!(span(Duration::from_millis(61_300)).to_string(), "1m 1s");
        assert_eq!(
            span(Duration::from_micros(1_500_900)).to_string(),
            "1s 500ms"
        );
    }

    #[test]
    fn a_point_ahead_has_a_wall_time_too() {
        let now = Moment {
            tick: Tick(5_000),
            wall_ms: 1_000_000,
        };
        assert_eq!(now.wall_of(Tick(7_000)), 1_002_000);
        assert_eq!(now.wall_of(Tick(0)), 995_000);
    }
}
