//! The machine in the situations that it is made for, under a clock of the tests' own: a
//! world with hosts, a store, and time that passes on demand.

mod alerts;
mod blindness;
mod bystander;
mod crossings;
mod heartbeats;
mod invariants;
mod pings;
mod silences;
mod watching;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use annunciator_protocol::{Datagram, Event, Family, Reject};

use super::*;
use crate::thresholds::Set;

/// What a store would have.
#[derive(Debug, Default, Clone)]
pub(super) struct Disk {
    pub(super) snapshot: Snapshot,
    pub(super) history: Vec<Entry>,
}

impl Disk {
    pub(super) fn write(&mut self, step: Step) -> Vec<Notice> {
        let persistent = &mut self.snapshot;
        for record in step.hosts {
            // As a store does, by way of text.
            let text = serde_json::to_string(&record).unwrap();
            let record: HostRecord = serde_json::from_str(&text).unwrap();
            persistent.hosts.retain(|known| known.host != record.host);
            persistent.hosts.push(record);
        }
        persistent.held.extend(step.held);
        if let Some(released) = step.released {
            persistent.held.retain(|held| held.number > released);
        }
        if let Some(silences) = step.silences {
            persistent.silences = silences;
        }
        if let Some(globals) = step.globals {
            persistent.globals = globals;
        }
        self.history.extend(step.history);
        step.notices
    }
}

/// A machine, its clock, its store, and the notices so far.
pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) settings: Settings,
    pub(super) hosts: BTreeMap<Arc<str>, HostSettings>,
    pub(super) now: Moment,
    pub(super) disk: Disk,
    pub(super) notified: Vec<Notice>,
    pub(super) suppressed: Vec<SuppressedNotice>,
    pub(super) counter: u64,
}

pub(super) const SECOND: Duration = Duration::from_secs(1);

impl World {
    /// Watched hosts: interval 10 s, grace 20 s, nothing held.
    pub(super) fn new(hosts: &[&str]) -> Self {
        Self::with(hosts, |_| {})
    }

    pub(super) fn with(hosts: &[&str], change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            mass: Mass {
                hosts: 10,
                within: Duration::ZERO,
            },
            blind_notice: Duration::ZERO,
            ..Settings::default()
        };
        change(&mut settings);
        let watched = HostSettings {
            watch: true,
            ..HostSettings::default()
        };
        let hosts: BTreeMap<_, _> = hosts
            .iter()
            .map(|host| (Arc::from(*host), watched))
            .collect();
        let now = Moment {
            tick: Tick(1_000_000),
            wall_ms: 1_790_000_000_000,
        };
        let mut world = Self {
            machine: Machine::new(settings.clone(), hosts.clone(), now),
            settings,
            hosts,
            now,
            disk: Disk::default(),
            notified: Vec::new(),
            suppressed: Vec::new(),
            counter: 0,
        };
        world.checkpoint();
        world
    }

    /// A host that flaps, with people notified of that.
    pub(super) fn flapping() -> Self {
        let mut world = Self::new(&["a"]);
        world.beat("a");
        for _ in 0..5 {
            world.pass(SECOND * 40);
            world.beat("a");
        }
        world.notified();
        world
    }

    /// Lets time pass in small steps, as in reality.
    pub(super) fn pass(&mut self, duration: Duration) {
        let mut left = duration;
        while !left.is_zero() {
            let step = left.min(SECOND);
            left -= step;
            self.skip(step);
            self.machine.advance(self.now);
            self.commit();
        }
    }

    /// Lets time pass while the machine does not run.
    pub(super) fn skip(&mut self, duration: Duration) {
        self.now.tick = self.now.tick + duration;
        self.now.wall_ms += i64::try_from(duration.as_millis()).unwrap();
    }

    pub(super) fn commit(&mut self) {
        let mut step = self.machine.take_step();
        self.suppressed.append(&mut step.suppressed);
        self.notified.extend(self.disk.write(step));
    }

    /// Writes a checkpoint.
    pub(super) fn checkpoint(&mut self) {
        // As the monitor does: advances the clock first.
        self.machine.advance(self.now);
        self.commit();
        for seen in self.machine.take_seen() {
            let known = &mut self.disk.snapshot.seen;
            known.retain(|other| (&other.host, other.family) != (&seen.host, seen.family));
            known.push(seen);
        }
        self.disk.snapshot.last = self.now;
    }

    /// Kills the monitor, and starts it again after a while.
    pub(super) fn restart(&mut self, after: Duration) {
        self.skip(after);
        self.machine = Machine::restore(
            self.settings.clone(),
            self.hosts.clone(),
            self.disk.snapshot.clone(),
            self.now,
        );
        self.checkpoint();
    }

    pub(super) fn datagram(&mut self, host: &str, boot: &str, event: Event) -> Datagram {
        self.counter += 1;
        Datagram {
            host: host.into(),
            boot: boot.into(),
            counter: self.counter,
            sent_at_ms: self.now.wall_ms,
            event,
            interval: None,
            metrics: Vec::new(),
            signed: false,
        }
    }

    pub(super) fn send(&mut self, datagram: &Datagram) -> Result<(), Reject> {
        let taken = self.machine.observe(self.now, Family::V4, datagram);
        self.commit();
        taken
    }

    pub(super) fn says(&mut self, host: &str, boot: &str, event: Event) {
        let datagram = self.datagram(host, boot, event);
        self.send(&datagram).unwrap();
    }

    pub(super) fn beat(&mut self, host: &str) {
        self.says(host, "b1", Event::Heartbeat);
    }

    /// Lets time pass in which these hosts are heard every 10 s.
    pub(super) fn beats(&mut self, hosts: &[&str], duration: Duration) {
        let mut left = duration;
        while !left.is_zero() {
            let step = left.min(SECOND * 10);
            left -= step;
            self.pass(step);
            hosts.iter().for_each(|host| self.beat(host));
        }
    }

    pub(super) fn metric(&mut self, host: &str, path: &str, value: f64) {
        let mut datagram = self.datagram(host, "b1", Event::Heartbeat);
        datagram.metrics.push((path.into(), value));
        self.send(&datagram).unwrap();
    }

    pub(super) fn state(&self, host: &str) -> String {
        let view = self.machine.view(host, self.now).unwrap();
        serde_json::to_value(view.state)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Returns the notices since the last call, a word each.
    pub(super) fn notified(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notified)
            .into_iter()
            .map(|notice| brief(&notice.what))
            .collect()
    }
}

fn brief(what: &Occurrence) -> String {
    match what {
        Occurrence::Booted { host, unannounced } if *unannounced => format!("{host} rebooted"),
        Occurrence::Booted { host, .. } => format!("{host} booted"),
        Occurrence::Shutdown(of) => format!("{} shutdown", of.host),
        Occurrence::UpAgain(of) => format!("{} up again", of.host),
        Occurrence::Reported { host, message } => format!("{host} {message}"),
        Occurrence::Overdue(of) => format!("{} overdue", of.host),
        Occurrence::Lapsed { of, lapse } => format!("{} lapsed: {lapse}", of.host),
        Occurrence::Back(of) => format!("{} back", of.host),
        Occurrence::Removed(of) => format!("{} removed", of.host),
        Occurrence::ManyOverdue(of) => format!("{} overdue", of.len()),
        Occurrence::ManyBack(of) => format!("{} back", of.len()),
        Occurrence::Flapping { of, .. } => format!("{} flapping", of.host),
        Occurrence::Steady { of, now_is } => {
            format!("{} steady {now_is:?}", of.host).to_lowercase()
        }
        Occurrence::ReportingEnded { host } => format!("{host} reporting no more"),
        Occurrence::ThresholdGone { path, .. } => format!("{path} gone"),
        Occurrence::Restarting { host, .. } => format!("{host} restarting"),
        Occurrence::RestartingEnded { host } => format!("{host} restarting no more"),
        Occurrence::Reporting { host, .. } => format!("{host} reporting"),
        Occurrence::Threshold {
            path,
            level,
            value,
            info,
            reminder,
            ..
        } => {
            format!(
                "{level} {path} {value} {info}{}",
                if *reminder { " again" } else { "" }
            )
        }
        Occurrence::Blind {
            rechecked, silent, ..
        } => format!("blind {rechecked} {silent}"),
    }
}
