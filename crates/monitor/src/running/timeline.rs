//! The monitor's timeline: a clock that includes suspension, cannot be set, and continues
//! over restarts.

use std::{fs, time::SystemTime};

use rustix::time::{ClockId, clock_gettime};

use crate::{
    machine::{Moment, Tick},
    store::ClockCheckpoint,
};

/// A reading of the machine's clocks, taken at about the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// How long the machine has been up, suspension included, in milliseconds:
    /// `CLOCK_BOOTTIME`.
    pub uptime_ms: u64,
    /// Milliseconds since the Unix epoch.
    pub wall_ms: i64,
}

impl Reading {
    /// Reads the clocks.
    #[must_use]
    pub fn now() -> Self {
        let uptime = clock_gettime(ClockId::Boottime);
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let seconds = u64::try_from(uptime.tv_sec).unwrap_or_default();
        let nanoseconds = u64::try_from(uptime.tv_nsec).unwrap_or_default();
        Self {
            uptime_ms: seconds * 1000 + nanoseconds / 1_000_000,
            wall_ms: since.map_or(0, |since| {
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            }),
        }
    }
}

/// Returns the id of the machine's boot; empty if the system does not provide it.
#[must_use]
pub fn kernel_boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// The mapping from the machine's clocks to the monitor's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    kernel_boot: String,
    /// The difference between the timeline and the uptime, in milliseconds.
    offset: i128,
}

impl Timeline {
    /// Continues a timeline from the last stored checkpoint, or begins a new one.
    #[must_use]
    pub fn resume(last: Option<&ClockCheckpoint>, kernel_boot: String, now: Reading) -> Self {
        let uptime = i128::from(now.uptime_ms);
        let tick = last.map_or(uptime, |last| {
            let since_boot = uptime - i128::from(last.uptime_ms);
            let passed = if last.kernel_boot == kernel_boot && since_boot >= 0 {
                since_boot
            } else {
                // The machine has rebooted. Only the wall clock shows how long the monitor
                // was away, but it was at least as long as this boot has lasted.
                let by_the_wall = i128::from(now.wall_ms) - i128::from(last.at.wall_ms);
                by_the_wall.max(uptime)
            };
            i128::from(last.at.tick.0) + passed
        });
        Self {
            kernel_boot,
            offset: tick - uptime,
        }
    }

    /// Returns the moment of a reading.
    #[must_use]
    pub fn moment(&self, reading: Reading) -> Moment {
        let tick = i128::from(reading.uptime_ms) + self.offset;
        Moment {
            tick: Tick(u64::try_from(tick).unwrap_or_default()),
            wall_ms: reading.wall_ms,
        }
    }

    /// Returns the checkpoint from which another timeline can continue.
    #[must_use]
    pub fn liveness(&self, reading: Reading) -> ClockCheckpoint {
        ClockCheckpoint {
            at: self.moment(reading),
            uptime_ms: reading.uptime_ms,
            kernel_boot: self.kernel_boot.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(uptime_ms: u64, wall_ms: i64) -> Reading {
        Reading { uptime_ms, wall_ms }
    }

    fn resumed(kernel_boot: &str, now: Reading) -> u64 {
        let first = Timeline::resume(None, "k1".to_owned(), reading(1000, 50_000));
        let last = first.liveness(reading(5000, 54_000));
        assert_eq!(last.at.tick, Tick(5000));
        let timeline = Timeline::resume(Some(&last), kernel_boot.to_owned(), now);
        timeline.moment(now).tick.0
    }

    #[test]
    fn within_a_boot_the_wall_clock_does_not_matter() {
        assert_eq!(resumed("k1", reading(9000, 58_000)), 9000);
        assert_eq!(resumed("k1", reading(9000, 1)), 9000);
        assert_eq!(resumed("k1", reading(9000, i64::MAX)), 9000);
    }

    #[test]
    fn over_a_reboot_the_wall_clock_says_how_long_it_was_away() {
        assert_eq!(resumed("k2", reading(30_000, 654_000)), 605_000);
        // A clock whose battery failed: at least as long as this boot has lasted.
        assert_eq!(resumed("k2", reading(30_000, 0)), 35_000);
    }

    #[test]
    fn the_clocks_of_this_machine_can_be_read() {
        let (first, second) = (Reading::now(), Reading::now());
        assert!(first.uptime_ms > 0 && first.wall_ms > 1_700_000_000_000);
        assert!(second.uptime_ms >= first.uptime_ms);
    }
}
