//! What all threads of the monitor share: the machine, and the recording of its steps.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use annunciator::Engine;
use annunciator_protocol::{Datagram, Family, Keyring, Reject};
use tokio::sync::watch;

use super::{
    delivery_counts::DeliveryAccounts,
    liveness::Liveness,
    overview::{Explained, Overview, occurred},
    ping_counts::PingCounts,
    refusals::Refusals,
    routes::EngineRoutes,
    timeline::{Reading, Timeline},
};
use crate::{
    incidents::{IncidentLog, Message, Routes as _},
    machine::{Connection, HostSettings, LinkFamily, Machine, Moment, Settings, UnknownHost},
    notify::{DeliveryCounts, HostDelivery, Recorder, host_deliveries},
    ping::{Ping, PingKeys, PingRefusal, PingRequest},
    store::{Batch, StateChange},
};

/// A running monitor, shared by its threads and by the program that embeds it.
///
/// All methods may be called from any thread or task.
#[derive(Debug)]
pub struct Monitor {
    machine: Mutex<Machine>,
    timeline: Timeline,
    keys: RwLock<Arc<Keyring>>,
    ping_keys: RwLock<Arc<PingKeys>>,
    pings: PingCounts,
    refusals: Refusals,
    routes: EngineRoutes,
    incidents: Mutex<IncidentLog>,
    recorder: Recorder,
    accounts: DeliveryAccounts,
    liveness: Liveness,
    started: Moment,
    /// The number of steps of the machine that changed anything.
    steps: watch::Sender<u64>,
}

/// The parts of a [`Monitor`].
pub(super) struct Parts {
    pub(super) machine: Machine,
    pub(super) timeline: Timeline,
    pub(super) keys: Keyring,
    pub(super) ping_keys: PingKeys,
    pub(super) engine: Engine,
    pub(super) incidents: IncidentLog,
    pub(super) recorder: Recorder,
}

impl Monitor {
    pub(super) fn new(parts: Parts) -> Self {
        let started = parts.timeline.moment(Reading::now());
        Self {
            machine: Mutex::new(parts.machine),
            timeline: parts.timeline,
            keys: RwLock::new(Arc::new(parts.keys)),
            ping_keys: RwLock::new(Arc::new(parts.ping_keys)),
            pings: PingCounts::default(),
            refusals: Refusals::default(),
            routes: EngineRoutes(parts.engine),
            incidents: Mutex::new(parts.incidents),
            recorder: parts.recorder,
            accounts: DeliveryAccounts::default(),
            liveness: Liveness::new(),
            started,
            steps: watch::Sender::new(0),
        }
    }

    /// Returns the engine that delivers the monitor's messages.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.routes.0
    }

    /// Returns the keys that datagrams are verified with.
    #[must_use]
    pub fn keys(&self) -> Arc<Keyring> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the counters of accepted and refused datagrams.
    #[must_use]
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// Returns whether the monitor's threads still work.
    #[must_use]
    pub fn liveness(&self) -> &Liveness {
        &self.liveness
    }

    /// Returns when the monitor was started, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn running_since_ms(&self) -> i64 {
        self.started.wall_ms
    }

    /// Returns the current moment on the monitor's timeline.
    #[must_use]
    pub(super) fn now(&self) -> Moment {
        self.timeline.moment(Reading::now())
    }

    /// Counts a datagram that was refused, and logs it at a limited rate.
    pub(super) fn refused(&self, reason: Reject, from: SocketAddr, claimed: Option<&str>) {
        self.refusals.refused(reason, from, claimed);
        // Senders repeat important datagrams, so a repetition reveals nothing about a host.
        if reason == Reject::Repeated {
            return;
        }
        // Only configured names, since anybody may claim any name.
        let config = self.engine().config();
        if let Some(host) = claimed.filter(|name| config.host(name).is_some()) {
            self.refusals.refused_of(host, reason);
        }
    }

    /// Processes datagrams that arrived at about the same time, each with its address
    /// family and its sender.
    ///
    /// The datagrams are decoded and so verified. Those that are not fresh, or whose host
    /// is unknown, are counted as refused.
    pub fn take(&self, datagrams: impl Iterator<Item = (Family, Datagram, SocketAddr)>) {
        let now = self.now();
        let mut machine = self.machine();
        for (family, datagram, from) in datagrams {
            match machine.observe(now, family, &datagram) {
                Ok(()) => self.refusals.accepted(),
                Err(reason) => self.refused(reason, from, Some(&datagram.host)),
            }
        }
        self.finish(machine);
    }

    /// Returns the host that a request may ping, by its key.
    ///
    /// # Errors
    /// Returns [`PingRefusal`] if it may not; counted by this reason.
    pub fn pinged_host(&self, request: &PingRequest) -> Result<String, PingRefusal> {
        let keys = Arc::clone(
            &self
                .ping_keys
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let host = keys.host_of(request).map(str::to_owned);
        host.inspect_err(|refusal| self.pings.refused(*refusal))
    }

    /// Processes a ping of a host.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if no such host is configured.
    pub fn ping(&self, host: &str, ping: &Ping) -> Result<(), UnknownHost> {
        let now = self.now();
        let mut machine = self.machine();
        machine.ping(now, host, ping)?;
        self.pings.accepted();
        self.finish(machine);
        Ok(())
    }

    /// Returns the counts of accepted and refused pings.
    #[must_use]
    pub fn ping_counts(&self) -> &PingCounts {
        &self.pings
    }

    /// Advances time. Returns in how long something may happen next, and whether hosts are
    /// being checked again after a blind span.
    pub(super) fn advance(&self) -> (Option<Duration>, bool) {
        let now = self.now();
        let mut machine = self.machine();
        machine.advance(now);
        let next = machine.next_due().map(|due| due.since(now.tick));
        let again = machine.is_rechecking();
        self.finish(machine);
        (next, again)
    }

    /// Writes which hosts were heard, and that the monitor was working until now.
    pub(super) fn checkpoint(&self) {
        let mut machine = self.machine();
        // Under the lock, so that it includes everything heard before this moment.
        let liveness = self.timeline.liveness(Reading::now());
        let seen = machine.take_seen();
        self.recorder
            .record(Batch::default().checkpoint(seen, liveness));
        drop(machine);
    }

    /// Suppresses a host's notifications for a while; a length of zero ends the silence.
    ///
    /// Returns whether the host was silenced before. The end of a problem whose
    /// notification was sent before the silence is still notified.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if no such host is configured.
    pub fn silence(&self, host: &str, length: Duration, why: &str) -> Result<bool, UnknownHost> {
        let now = self.now();
        let mut machine = self.machine();
        let mut silences = machine.silences().iter();
        let was_silenced = silences.any(|silence| *silence.host == *host);
        machine.silence(host, length, why, now)?;
        machine.advance(now);
        self.finish(machine);
        Ok(was_silenced)
    }

    /// Waits until every decision so far is written to the state file, or is known to be
    /// unwritable for now: at most 4 s.
    pub async fn written(&self) {
        self.recorder.written().await;
    }

    /// Applies a new configuration, which the engine already has.
    pub(super) fn configure(
        &self,
        settings: Settings,
        hosts: impl Iterator<Item = (Arc<str>, HostSettings)>,
        keys: Keyring,
        ping_keys: PingKeys,
    ) {
        let now = self.now();
        let mut machine = self.machine();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        *self
            .ping_keys
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(ping_keys);
        machine.configure(settings, hosts, now);
        machine.advance(now);
        self.finish(machine);
    }

    /// Notifies the default channels of a problem of the monitor itself.
    pub(super) fn notify_own_problem(&self, text: &str) {
        let message = Message::about_monitor(text, self.now().wall_ms);
        let names = self.routes.defaults();
        if names.is_empty() {
            return;
        }
        let outbound = self.incidents().outbound(names, message);
        self.recorder.record(Batch::default().outbound([outbound]));
    }

    /// Returns how many deliveries are in which state.
    ///
    /// The counts are at most `oldest` old. If the store does not answer within 3 s, they
    /// are those of the previous answer.
    pub async fn counts(&self, oldest: Duration) -> DeliveryCounts {
        let store = self.engine().store();
        let accounts = self.accounts.accounts(store, oldest).await;
        DeliveryCounts::new(&accounts, self.recorder.waiting())
    }

    /// Returns the state of all hosts and of the monitor itself.
    pub async fn overview(&self) -> Overview {
        let messages = self.counts(Duration::ZERO).await;
        let now = self.now();
        let machine = self.machine();
        let mut hosts = machine.views(now);
        let mut silences = machine.silences().to_vec();
        silences.retain(|silence| now.tick < silence.until);
        let blind_spans = machine.blind_spans().to_vec();
        drop(machine);
        hosts.sort_by(|a, b| a.host.cmp(&b.host));
        let config = self.engine().config();
        let channels = config.channels().map(|channel| channel.name().to_owned());
        let channels = channels.collect();
        Overview {
            version: env!("CARGO_PKG_VERSION").into(),
            running_since_ms: self.started.wall_ms,
            now_ms: now.wall_ms,
            listening: self.liveness.listening(),
            keys: !self.keys().is_empty(),
            state_problem: self.recorder.problem(),
            channels,
            alerts: self.engine().alerts(),
            datagrams: self.refusals.accepted_count(),
            refused: occurred(self.refusals.counts()),
            pings: self.pings.accepted_count(),
            messages,
            hosts,
            silences,
            blind_spans,
        }
    }

    /// Returns what is known of a host, with the evidence: the newest `limit` lines of its
    /// history and as many messages.
    ///
    /// Returns `None` if no such host is configured.
    pub async fn explain(&self, host: &str, limit: u32) -> Option<Explained> {
        let (view, metrics, job) = {
            let machine = self.machine();
            let view = machine.view(host, self.now())?;
            (view, machine.metrics(host), machine.job(host))
        };
        let history = self.recorder.history(host, limit).await;
        let waiting = self.recorder.waiting_about(host, limit);
        let mut messages = Vec::new();
        if let Some(store) = self.engine().store() {
            let deliveries = host_deliveries(store, host, limit).await;
            let deliveries = deliveries.inspect_err(|error| tracing::warn!("{error}"));
            messages = deliveries.unwrap_or_default();
        }
        messages.extend(waiting.iter().flat_map(HostDelivery::waiting));
        Some(Explained {
            host: view,
            refused: occurred(self.refusals.counts_of(host)),
            channels: self.routes.of_host(host),
            metrics,
            pings: job.map(|job| job.reports().to_vec()).unwrap_or_default(),
            history,
            messages,
        })
    }

    /// Returns the changes of the states of some hosts since a time, in milliseconds since the Unix
    /// epoch, the earliest first and each with the last one before that; nothing if that is not
    /// known.
    pub async fn state_changes(
        &self,
        hosts: Vec<Arc<str>>,
        since_ms: i64,
    ) -> Vec<Vec<StateChange>> {
        self.recorder.changes(hosts, since_ms).await
    }

    /// Returns the incidents under which a host's problems were reported together with those of
    /// other hosts.
    #[must_use]
    pub fn shared_incidents(&self, host: &str) -> BTreeSet<Arc<str>> {
        let incidents = self.incidents();
        let of = LinkFamily::ALL.map(|family| Connection {
            host: host.into(),
            family,
        });
        of.iter().flat_map(|of| incidents.together(of)).collect()
    }

    /// Returns a number that changes whenever anything does that is shown of hosts, except when
    /// they were last heard.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.steps.subscribe()
    }

    /// Returns why the state would not survive a restart; `None` if it would.
    #[must_use]
    pub fn state_problem(&self) -> Option<String> {
        self.recorder.problem()
    }

    /// Calls a function with the state machine and the current moment, and returns its
    /// result. The machine is locked during the call, so the function should be quick.
    pub fn look<T>(&self, look: impl FnOnce(&Machine, Moment) -> T) -> T {
        let now = self.now();
        look(&self.machine(), now)
    }

    /// Records a step and the messages that follow from it. The machine stays locked until
    /// the recorder has the step, so that steps are written in order.
    fn finish(&self, mut machine: MutexGuard<'_, Machine>) {
        let step = machine.take_step();
        if step.is_empty() {
            return;
        }
        let mut changes = Vec::new();
        let mut outbound = Vec::new();
        {
            let mut incidents = self.incidents();
            for notice in &step.notices {
                outbound.extend(incidents.plan(notice, &self.routes, &mut changes));
            }
            for suppressed in &step.suppressed {
                outbound.extend(incidents.suppress(suppressed, &self.routes, &mut changes));
            }
        }
        self.steps.send_modify(|steps| *steps += 1);
        let history = step.history.clone();
        let batch = Batch::default().step(step).incidents(changes);
        self.recorder.record(batch.outbound(outbound));
        // Unlocked first: a log that nobody reads must not block the monitor.
        drop(machine);
        for entry in history {
            tracing::info!(host = %entry.host, "{}", entry.text);
        }
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        // A poisoned lock is accepted: a panic in one step must not stop the monitor for
        // all other hosts.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn incidents(&self) -> MutexGuard<'_, IncidentLog> {
        self.incidents
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
