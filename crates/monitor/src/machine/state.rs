//! The machine: its parts, its beginning, and the result of a step.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use foldhash::fast::RandomState;

use super::{
    blind::{BlindSpan, Blindness},
    damper::Damper,
    family::LinkFamily,
    freshness::Taken,
    host::{Host, PersistentState},
    mass_silence::Hold,
    metrics::{Paths, Rules},
    notice::{Connection, Entry, Notice, Occurrence},
    record::{Globals, HostRecord, Seen, Silence, Snapshot, Step},
    settings::{HostSettings, Settings},
    time::{Moment, Tick},
};

/// The number of a host.
pub(super) type HostId = u32;

/// How long a host that is no longer configured is remembered, in case it returns.
const ABSENT_HOST_RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// A timer, by what it checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Whether a connection is overdue.
    Link(HostId, LinkFamily),
    /// Whether a host is steady again.
    Steady(HostId),
    /// Whether a silence is over.
    Silence(HostId),
}

/// The state machine over all hosts.
#[derive(Debug)]
pub struct Machine {
    pub(super) settings: Settings,
    pub(super) hosts: Vec<Host>,
    pub(super) by_name: HashMap<Arc<str>, HostId, RandomState>,
    /// The timers, earliest first. A connection has one, which is set again when it is due
    /// and not when a heartbeat arrives: a heartbeat costs nothing here.
    pub(super) timers: BinaryHeap<Reverse<(Tick, Timer)>>,
    pub(super) hold: Hold,
    pub(super) silences: Vec<Silence>,
    /// Dampers for the recorded notifications of silenced hosts.
    pub(super) suppressed: HashMap<HostId, Damper>,
    pub(super) blindness: Blindness,
    /// The number of connections whose fresh window is not over.
    pub(super) rechecking: u32,
    /// The hosts that were still silent after their fresh window.
    pub(super) silent_again: HashSet<HostId>,
    pub(super) paths: Paths,
    pub(super) rules: Rules,
    /// The moment of the last step.
    pub(super) last: Moment,
    /// A moment at which the wall clock was assumed to be right.
    pub(super) anchor: Moment,
    /// The number of ignored values: their hosts have too many metrics.
    pub(super) metrics_dropped: u64,
    /// The number of blind spans since the start.
    pub(super) blind_count: u64,
    pub(super) step: Step,
    changed: Vec<HostId>,
    heard: Vec<HostId>,
}

impl Machine {
    /// Creates a machine that has not heard from any of its hosts.
    #[must_use]
    pub fn new(
        settings: Settings,
        hosts: impl IntoIterator<Item = (Arc<str>, HostSettings)>,
        now: Moment,
    ) -> Self {
        let mut machine = Self {
            settings,
            hosts: Vec::new(),
            by_name: HashMap::default(),
            timers: BinaryHeap::new(),
            hold: Hold::default(),
            silences: Vec::new(),
            suppressed: HashMap::new(),
            blindness: Blindness::default(),
            rechecking: 0,
            silent_again: HashSet::new(),
            paths: Paths::default(),
            rules: Rules::default(),
            last: now,
            anchor: now,
            metrics_dropped: 0,
            blind_count: 0,
            step: Step::default(),
            changed: Vec::new(),
            heard: Vec::new(),
        };
        for (name, settings) in hosts {
            machine.insert(Host::new(name, Some(settings), PersistentState::default()));
        }
        machine
    }

    /// Creates a machine that continues from the stored state. The time since then is a
    /// blind span.
    #[must_use]
    pub fn restore(
        settings: Settings,
        hosts: impl IntoIterator<Item = (Arc<str>, HostSettings)>,
        snapshot: Snapshot,
        now: Moment,
    ) -> Self {
        let mut machine = Self::new(settings, hosts, now);
        for HostRecord { host, persistent } in snapshot.hosts {
            machine.adopt(host, persistent, now.tick);
        }
        for seen in &snapshot.seen {
            machine.hear_again(seen);
        }
        machine.hold = Hold::restored(snapshot.held);
        machine.blindness = snapshot.globals.blindness;
        machine.resume_silences(snapshot.silences, now.tick);
        machine.reconcile(now);
        let gap = now.tick.since(snapshot.last.tick);
        if snapshot.last != Moment::default() && !gap.is_zero() {
            let span = BlindSpan::until(now, gap);
            machine.was_blind(span, gap, Duration::ZERO, now);
        }
        machine
    }

    fn adopt(&mut self, name: Arc<str>, persistent: PersistentState, now: Tick) {
        if let Some(id) = self.by_name.get(&name) {
            self.host_mut(*id).persistent = persistent;
            return;
        }
        let heard = persistent.links.iter().map(|link| link.seen.tick).max();
        if heard.is_some_and(|heard| now.since(heard) < ABSENT_HOST_RETENTION) {
            self.insert(Host::new(name, None, persistent));
        }
    }

    fn hear_again(&mut self, seen: &Seen) {
        let Some(id) = self.by_name.get(&seen.host).copied() else {
            return;
        };
        let host = self.host_mut(id);
        if seen.family == LinkFamily::Ping {
            // A boot does not matter to a job.
            host.job.clone_from(&seen.job);
        } else if host.persistent.boots != seen.boots {
            return;
        }
        let newest = host.persistent.taken.newest();
        if let Some(counter) = seen.counter.filter(|counter| Some(*counter) > newest) {
            host.persistent.taken = Taken::after(counter);
        }
        // The time that was written with the host may be newer.
        if let Some(link) = host
            .link_mut(seen.family)
            .filter(|link| seen.at.tick >= link.seen.tick)
        {
            link.seen = seen.at;
        }
    }

    pub(super) fn insert(&mut self, host: Host) -> HostId {
        let id = HostId::try_from(self.hosts.len()).unwrap_or(HostId::MAX);
        self.by_name.insert(Arc::clone(&host.name), id);
        self.hosts.push(host);
        id
    }

    pub(super) fn host(&self, id: HostId) -> &Host {
        // Numbers come from `insert` only, and hosts are never removed.
        &self.hosts[id as usize]
    }

    pub(super) fn host_mut(&mut self, id: HostId) -> &mut Host {
        &mut self.hosts[id as usize]
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = HostId> + use<> {
        0..HostId::try_from(self.hosts.len()).unwrap_or(HostId::MAX)
    }

    /// Sets a connection's timer unless it has an earlier one.
    pub(super) fn arm(&mut self, id: HostId, family: LinkFamily) {
        let Some(deadline) = self.deadline(id, family) else {
            return;
        };
        let Some(link) = self.host_mut(id).link_mut(family) else {
            return;
        };
        if link.timer.is_none_or(|timer| deadline < timer) {
            link.timer = Some(deadline);
            let timer = Timer::Link(id, family);
            self.timers.push(Reverse((deadline, timer)));
        }
    }

    /// Returns when a connection is overdue unless it is heard; `None` for never.
    pub(super) fn deadline(&self, id: HostId, family: LinkFamily) -> Option<Tick> {
        let host = self.host(id);
        let mut links = host.persistent.links.iter();
        let link = links.find(|link| link.family == family)?;
        host.deadline(link, &self.settings, self.last)
    }

    /// Sets every timer again, after a start or a reload.
    pub(super) fn arm_all(&mut self) {
        self.timers.clear();
        for id in self.ids() {
            if self.host(id).settings.is_none() {
                continue;
            }
            for place in 0..self.host(id).persistent.links.len() {
                let link = &mut self.host_mut(id).persistent.links[place];
                link.timer = None;
                let family = link.family;
                self.arm(id, family);
            }
            self.arm_steady(id);
            if let Some(until) = self.host(id).silenced_until {
                self.timers.push(Reverse((until, Timer::Silence(id))));
            }
        }
    }

    /// Returns when something may happen next without a datagram: the latest moment for the
    /// next call of [`advance`](Self::advance).
    #[must_use]
    pub fn next_due(&self) -> Option<Tick> {
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        let hold = self.hold.due(&self.settings.mass);
        timer.into_iter().chain(hold).min()
    }

    /// Returns whether hosts are being checked again after a blind span.
    ///
    /// Write what was [seen](Self::take_seen) often during the check. Otherwise a monitor
    /// that crashes again and again would never finish it.
    #[must_use]
    pub fn is_rechecking(&self) -> bool {
        self.rechecking > 0
    }

    /// Returns how many values of metrics were ignored because their hosts have too many
    /// metrics.
    #[must_use]
    pub fn metrics_dropped(&self) -> u64 {
        self.metrics_dropped
    }

    /// Returns the combined result of all calls since the last one, and clears it.
    #[must_use]
    pub fn take_step(&mut self) -> Step {
        let mut step = std::mem::take(&mut self.step);
        for entry in &mut step.history {
            let id = self.by_name.get(&entry.host);
            entry.state = id.map(|id| self.state_of(self.host(*id), entry.at));
        }
        step.hosts = std::mem::take(&mut self.changed)
            .into_iter()
            .map(|id| {
                let host = self.host_mut(id);
                host.changed = false;
                HostRecord {
                    host: Arc::clone(&host.name),
                    persistent: host.persistent.clone(),
                }
            })
            .collect();
        step
    }

    /// Returns the connections that were heard since the last call, and clears them.
    #[must_use]
    pub fn take_seen(&mut self) -> Vec<Seen> {
        let heard = std::mem::take(&mut self.heard);
        let mut seen = Vec::with_capacity(heard.len());
        for id in heard {
            let host = self.host_mut(id);
            host.heard = false;
            seen.extend(host.persistent.links.iter().map(|link| Seen {
                host: Arc::clone(&host.name),
                family: link.family,
                at: link.seen,
                boots: host.persistent.boots,
                counter: host.persistent.taken.newest(),
                job: host.job.clone().filter(|_| link.family == LinkFamily::Ping),
            }));
        }
        seen
    }

    /// Returns the whole state, for a new store.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let records = self.hosts.iter().map(|host| HostRecord {
            host: Arc::clone(&host.name),
            persistent: host.persistent.clone(),
        });
        Snapshot {
            last: self.last,
            hosts: records.collect(),
            seen: Vec::new(),
            held: self.hold.waiting(),
            silences: self.silences.clone(),
            globals: self.globals(),
        }
    }

    pub(super) fn globals(&self) -> Globals {
        Globals {
            blindness: self.blindness.clone(),
        }
    }

    pub(super) fn mark_changed(&mut self, id: HostId) {
        let host = self.host_mut(id);
        if !std::mem::replace(&mut host.changed, true) {
            self.changed.push(id);
        }
    }

    pub(super) fn mark_heard(&mut self, id: HostId) {
        let host = self.host_mut(id);
        if !std::mem::replace(&mut host.heard, true) {
            self.heard.push(id);
        }
    }

    pub(super) fn notify(&mut self, what: Occurrence, at: Moment) {
        self.step.notices.push(Notice { what, at });
    }

    /// Notifies of an event of a host, after the held events of the same host, so that
    /// people read of them in chronological order.
    pub(super) fn notify_about(&mut self, id: HostId, what: Occurrence, at: Moment) {
        let host = Arc::clone(&self.host(id).name);
        if self.hold.has(&host) {
            let held = self.hold.push(host, what, at);
            self.step.held.push(held);
        } else {
            self.notify(what, at);
        }
    }

    pub(super) fn note(&mut self, id: HostId, at: Moment, text: String) {
        let host = Arc::clone(&self.host(id).name);
        // The state is known when the step has ended.
        let state = None;
        self.step.history.push(Entry {
            host,
            at,
            text,
            state,
        });
    }

    pub(super) fn connection(&self, id: HostId, family: LinkFamily) -> Connection {
        Connection {
            host: Arc::clone(&self.host(id).name),
            family,
        }
    }
}
