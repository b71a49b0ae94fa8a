//! Measures this machine on a thread of its own: a file system whose server is gone may
//! block a measurement forever, and must not delay a heartbeat.

use std::{
    io,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use compact_str::CompactString;
use sysinfo::{MINIMUM_CPU_UPDATE_INTERVAL, System};
use tracing::warn;

use super::{disks::FileSystems, happening::Happening};

/// A measurement that takes longer is logged.
const SLOW_AFTER: Duration = Duration::from_secs(10);

const BYTES_PER_MB: f64 = 1e6;

/// A sampler: requests measurements, whose results arrive as events.
#[derive(Debug)]
pub(super) struct Sampler {
    requests: Sender<()>,
    /// When the load of the processors can be measured.
    ready: Instant,
    timeout: Duration,
    asked: Option<Asked>,
}

#[derive(Debug)]
struct Asked {
    at: Instant,
    until: Instant,
    given_up: bool,
    is_logged: bool,
}

impl Sampler {
    /// Starts the thread. The sampler waits for a measurement for up to `timeout`.
    pub(super) fn start(timeout: Duration, events: Sender<Happening>) -> io::Result<Self> {
        let (requests, wanted): (_, Receiver<()>) = channel();
        let measure = move || {
            let mut machine = Machine::new();
            thread::sleep(MINIMUM_CPU_UPDATE_INTERVAL);
            while wanted.recv().is_ok() {
                let sampled = Happening::Sampled(machine.sample());
                if events.send(sampled).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new()
            .name("sampler".to_owned())
            .spawn(measure)?;
        Ok(Self {
            requests,
            ready: Instant::now() + MINIMUM_CPU_UPDATE_INTERVAL,
            timeout,
            asked: None,
        })
    }

    /// Requests a measurement; returns false if none can be expected now.
    pub(super) fn ask(&mut self, now: Instant) -> bool {
        if self.asked.is_some() || self.requests.send(()).is_err() {
            return false;
        }
        self.asked = Some(Asked {
            at: now,
            until: now.max(self.ready) + self.timeout,
            given_up: false,
            is_logged: false,
        });
        true
    }

    /// Returns until when a measurement is awaited.
    pub(super) fn due(&self) -> Option<Instant> {
        let asked = self.asked.as_ref().filter(|asked| !asked.given_up);
        asked.map(|asked| asked.until)
    }

    /// Returns whether a measurement has just become too late to wait for.
    pub(super) fn give_up(&mut self, now: Instant) -> bool {
        let Some(asked) = &mut self.asked else {
            return false;
        };
        if !asked.is_logged && now >= asked.at + SLOW_AFTER {
            asked.is_logged = true;
            warn!(
                "this machine has not been measured for {} s: heartbeats continue without measurements; does a file system not answer?",
                SLOW_AFTER.as_secs()
            );
        }
        let gives_up = !asked.given_up && now >= asked.until;
        asked.given_up |= gives_up;
        gives_up
    }

    /// Records that a measurement has ended, in time or late.
    pub(super) fn ended(&mut self) {
        self.asked = None;
    }
}

/// The measured machine.
struct Machine {
    system: System,
    file_systems: FileSystems,
}

impl Machine {
    fn new() -> Self {
        let mut system = System::new();
        // The load is the difference between two measurements.
        system.refresh_cpu_usage();
        Self {
            system,
            file_systems: FileSystems::default(),
        }
    }

    fn sample(&mut self) -> Vec<(CompactString, f64)> {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory();
        let system = &self.system;
        let (total, available) = (
            system.total_memory() as f64,
            system.available_memory() as f64,
        );
        let (swap, swapped) = (system.total_swap() as f64, system.used_swap() as f64);
        let load = System::load_average();
        let processors = system.cpus().len().max(1) as f64;
        let mut metrics: Vec<(CompactString, f64)> = [
            (
                "cpu_monitor.cpu_percent",
                f64::from(system.global_cpu_usage()),
            ),
            ("memory_monitor.percent", percent(total - available, total)),
            ("memory_monitor.available_mb", available / BYTES_PER_MB),
            ("memory_monitor.swap_percent", percent(swapped, swap)),
            ("load_monitor.load1", load.one),
            ("load_monitor.load5", load.five),
            ("load_monitor.load15", load.fifteen),
            ("load_monitor.per_core", load.one / processors),
            ("uptime_monitor.seconds", System::uptime() as f64),
        ]
        .map(|(path, value)| (CompactString::const_new(path), round(value)))
        .into();
        metrics.extend(self.file_systems.sample());
        metrics.retain(|(_, value)| value.is_finite());
        metrics
    }
}

/// Returns a part in percent of the whole; 0 if the whole is 0.
pub(super) fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        round(part / whole * 100.0)
    } else {
        0.0
    }
}

/// Rounds to one decimal: more would be noise.
pub(super) fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use annunciator_protocol::name;

    use super::*;

    #[test]
    fn when_values_are_rounded() {
        assert_eq!(round(95.249), 95.2);
        assert_eq!(percent(1.0, 3.0), 33.3);
        assert_eq!(percent(0.0, 0.0), 0.0);
    }

    #[test]
    fn when_a_measurement_does_not_come() {
        let (events, _events) = channel();
        let mut sampler = Sampler::start(Duration::from_secs(1), events).unwrap();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(sampler.ask(start));
        assert!(!sampler.give_up(after(0)) && sampler.due().is_some());
        assert!(sampler.give_up(after(2)));
        assert!(!sampler.give_up(after(3)), "it is given up once");
        assert!(!sampler.ask(after(20)) && sampler.due().is_none());
        sampler.ended();
        assert!(sampler.ask(after(30)));
    }

    #[test]
    fn when_this_machine_is_measured() {
        let metrics = Machine::new().sample();
        for (path, value) in &metrics {
            assert!(name::is_path(path), "{path}");
            assert!(*value >= 0.0 && round(*value) == *value, "{path} = {value}");
        }
        let value = |wanted: &str| {
            let found = metrics.iter().find(|(path, _)| path == wanted);
            found.unwrap_or_else(|| panic!("no {wanted}")).1
        };
        assert!(value("memory_monitor.available_mb") > 0.0);
        assert!(value("memory_monitor.percent") <= 100.0);
        assert!(value("cpu_monitor.cpu_percent") <= 100.0);
        assert!(value("uptime_monitor.seconds") > 0.0);
    }

    #[test]
    fn the_operator_s_guide_names_every_metric_and_no_other() {
        let guide = include_str!("../../../docs/monitor.md");
        let (_, table) = guide.split_once("| path | unit |").unwrap();
        let rows = table
            .lines()
            .skip(2)
            .map_while(|line| line.strip_prefix("| `"));
        let named: BTreeSet<&str> = rows.filter_map(|row| row.split('`').next()).collect();
        let metrics = Machine::new().sample();
        let mut sent: BTreeSet<&str> = metrics
            .iter()
            .map(|(path, _)| path.as_str())
            .filter(|path| !path.starts_with("disk_monitor."))
            .collect();
        // A machine may have no file system of its own.
        sent.extend(["disk_monitor.*.percent", "disk_monitor.*.free_gb"]);
        assert_eq!(named, sent);
    }
}
