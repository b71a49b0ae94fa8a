//! The machine's time: a timeline of its own for durations, and wall time for display.

use std::{ops::Add, time::Duration};

use serde::{Deserialize, Serialize};

/// A point on the monitor's own timeline, in milliseconds.
///
/// The timeline advances while the monitor runs and while it is absent, continues over
/// restarts, and cannot be set.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Tick(pub u64);

impl Tick {
    /// Returns the time since an earlier point; zero if that point is later.
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

/// A moment: a point on the timeline with its wall time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The point on the timeline.
    pub tick: Tick,
    /// The system clock, in milliseconds since the Unix epoch.
    pub wall_ms: i64,
}

impl Moment {
    /// Returns the wall time of another point, by the clock of this moment.
    #[must_use]
    pub fn wall_of(self, tick: Tick) -> i64 {
        let offset = i128::from(tick.0) - i128::from(self.tick.0);
        i64::try_from(i128::from(self.wall_ms) + offset).unwrap_or(i64::MAX)
    }

    /// Returns the point at which the clock shows this wall time, by the clock of this
    /// moment; the beginning of the timeline if that was before it.
    #[must_use]
    pub fn tick_of(self, wall_ms: i64) -> Tick {
        let offset = i128::from(wall_ms) - i128::from(self.wall_ms);
        let tick = (i128::from(self.tick.0) + offset).max(0);
        Tick(u64::try_from(tick).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_ahead_has_a_wall_time_too() {
        let now = Moment {
            tick: Tick(5_000),
            wall_ms: 1_000_000,
        };
        assert_eq!(now.wall_of(Tick(7_000)), 1_002_000);
        assert_eq!(now.wall_of(Tick(0)), 995_000);
        assert_eq!(now.tick_of(1_002_000), Tick(7_000));
        assert_eq!(now.tick_of(i64::MIN), Tick(0));
    }
}
