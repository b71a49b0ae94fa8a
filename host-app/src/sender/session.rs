//! A session of the sender: heartbeats at their times, a boot first, a shutdown last, and
//! repetitions in between.

use std::{
    io,
    sync::mpsc::{Receiver, Sender, channel},
    time::{Duration, Instant},
};

use annunciator_protocol::{EncodeError, Event};
use compact_str::CompactString;
use signal_hook::consts::SIGTERM;
use tracing::{info, warn};

use super::{
    addresses::{Addresses, Resolver},
    ending::{Ending, SendError},
    happening::{Happening, watch_signals},
    link::{Link, Sent},
    plan::{Plan, Task},
    repeat::{AFTER_NEWS, AFTER_SHUTDOWN, Repeats},
    sampler::Sampler,
};

/// How long a heartbeat waits for its metrics.
const SAMPLE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a single datagram waits for the monitor's address.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(15);

/// A session of the sender.
#[derive(Debug)]
pub(super) struct Session {
    plan: Plan,
    happenings: Receiver<Happening>,
    events: Sender<Happening>,
    resolver: Resolver,
    link: Link,
    repeats: Repeats,
    boot_notified: bool,
    /// The error of the last look-up of the monitor's name.
    unresolved: Option<io::Error>,
}

impl Session {
    pub(super) fn start(plan: Plan) -> Result<Self, SendError> {
        let (events, happenings) = channel();
        watch_signals(events.clone()).map_err(SendError::Start)?;
        let resolver = Resolver::start(plan.server.clone(), plan.only, events.clone())
            .map_err(SendError::Start)?;
        Ok(Self {
            boot_notified: plan.memory.holds(&plan.notified),
            plan,
            happenings,
            events,
            resolver,
            link: Link::new(),
            repeats: Repeats::default(),
            unresolved: None,
        })
    }

    pub(super) fn run(self) -> Result<Ending, SendError> {
        match self.plan.task.clone() {
            Task::Watch => self.watch(),
            Task::Once => self.once(None),
            Task::Message(text) => self.once(Some(Event::Message(text))),
        }
    }

    /// Sends heartbeats until a signal arrives.
    fn watch(mut self) -> Result<Ending, SendError> {
        let every = self.plan.every;
        let mut sampler = Sampler::start(SAMPLE_TIMEOUT.min(every / 2), self.events.clone())
            .map_err(SendError::Start)?;
        let mut next = Instant::now();
        loop {
            let now = Instant::now();
            // Without an address, the heartbeat is due as soon as there is one.
            if self.link.is_ready() && now >= next {
                next += every;
                if next <= now {
                    // The process was suspended or starved: missed heartbeats are skipped.
                    next = now + every;
                }
                if !sampler.ask(now) {
                    self.beat(Vec::new());
                }
            }
            if sampler.give_up(now) {
                self.beat(Vec::new());
            }
            let tick = self.link.is_ready().then_some(next);
            let deadline = tick.into_iter().chain(sampler.due()).min();
            match self.wait(deadline) {
                Some(Happening::Signal(SIGTERM)) => return self.shut_down(),
                Some(Happening::Signal(signal)) => return Ok(interrupted(signal)),
                Some(Happening::Sampled(metrics)) => {
                    sampler.ended();
                    self.beat(metrics);
                }
                Some(Happening::Resolved(found)) => self.resolved(found),
                None => {}
            }
        }
    }

    /// Sends one heartbeat, with metrics if they arrive in time; or one event without
    /// metrics.
    fn once(mut self, event: Option<Event>) -> Result<Ending, SendError> {
        let mut metrics = Vec::new();
        let mut sampler = None;
        if event.is_none() {
            let mut started =
                Sampler::start(SAMPLE_TIMEOUT, self.events.clone()).map_err(SendError::Start)?;
            started.ask(Instant::now());
            sampler = Some(started);
        }
        let give_up = Instant::now() + ADDRESS_TIMEOUT;
        loop {
            let now = Instant::now();
            if sampler.as_mut().is_some_and(|sampler| sampler.give_up(now)) {
                sampler = None;
            }
            if self.link.is_ready() && sampler.is_none() {
                break;
            }
            if !self.link.is_ready() && (self.unresolved.is_some() || now >= give_up) {
                return Err(self.not_sent(None));
            }
            let due = sampler.as_ref().and_then(Sampler::due);
            let deadline = due.into_iter().chain([give_up]).min();
            match self.wait(deadline) {
                Some(Happening::Signal(signal)) => return Ok(interrupted(signal)),
                Some(Happening::Sampled(sampled)) => {
                    metrics = sampled;
                    sampler = None;
                }
                Some(Happening::Resolved(found)) => self.resolved(found),
                None => {}
            }
        }
        let sent = match event {
            Some(event) => self.send_event(event, Vec::new())?,
            None => self.try_beat(metrics)?,
        };
        if !sent.any {
            return Err(self.not_sent(sent.error));
        }
        self.finish_repeats()
    }

    /// Announces that this machine shuts down, and ends soon.
    fn shut_down(mut self) -> Result<Ending, SendError> {
        if !self.link.is_ready() {
            warn!("this shutdown was not announced: the monitor has no address");
            return Ok(Ending::Done);
        }
        self.repeats = Repeats::default();
        let event = Event::Shutdown {
            expected: self.plan.down_for,
        };
        for bytes in self.plan.composer.spread(event, Vec::new())? {
            self.send(&bytes);
            self.repeats.plan(&bytes, &AFTER_SHUTDOWN, Instant::now());
        }
        // A second signal means that its sender does not want to wait.
        self.finish_repeats().map(|_| Ending::Done)
    }

    /// Sends the pending repetitions, and waits for nothing else.
    fn finish_repeats(&mut self) -> Result<Ending, SendError> {
        while let Some(due) = self.repeats.due() {
            if let Some(Happening::Signal(signal)) = self.wait(Some(due)) {
                return Ok(interrupted(signal));
            }
        }
        Ok(Ending::Done)
    }

    /// Sends one heartbeat of many: an error is logged and delays no other.
    fn beat(&mut self, metrics: Vec<(CompactString, f64)>) {
        if let Err(error) = self.try_beat(metrics) {
            warn!("a heartbeat could not be sent: {error}");
        }
    }

    /// Sends a heartbeat, as a boot until the boot was announced.
    fn try_beat(&mut self, metrics: Vec<(CompactString, f64)>) -> Result<Sent, EncodeError> {
        if self.boot_notified {
            return self.send_event(Event::Heartbeat, metrics);
        }
        let sent = self.send_event(Event::Boot, metrics)?;
        if sent.any {
            info!("the boot was announced");
            self.boot_notified = true;
            let memory = &self.plan.memory;
            if let Err(error) = memory.keep(&self.plan.notified, &self.plan.notified_in_this_boot) {
                warn!(
                    "it could not be remembered in {} that this boot was announced: {error}; the next start announces it again (--state names another file)",
                    memory.place()
                );
            }
        }
        Ok(sent)
    }

    /// Sends an event with these metrics and those of the plan. Returns the result of the
    /// event's own datagram.
    fn send_event(
        &mut self,
        event: Event,
        mut metrics: Vec<(CompactString, f64)>,
    ) -> Result<Sent, EncodeError> {
        // A given value overrides a measured one.
        let given = &self.plan.metrics;
        metrics.retain(|(path, _)| given.iter().all(|(given, _)| given != path));
        metrics.extend(given.iter().cloned());
        let news = event != Event::Heartbeat;
        let mut sent = None;
        for bytes in self.plan.composer.spread(event, metrics)? {
            let this = self.send(&bytes);
            if sent.is_none() {
                if news && this.any {
                    self.repeats.plan(&bytes, &AFTER_NEWS, Instant::now());
                }
                sent = Some(this);
            }
        }
        Ok(sent.unwrap_or_default())
    }

    fn send(&mut self, bytes: &[u8]) -> Sent {
        let sent = self.link.send(bytes);
        match &sent.error {
            Some(_) => self.resolver.again(Instant::now()),
            None => self.resolver.serves(),
        }
        sent
    }

    /// Waits for an event until the deadline; meanwhile sends repetitions and resolves the
    /// monitor's name.
    fn wait(&mut self, deadline: Option<Instant>) -> Option<Happening> {
        let now = Instant::now();
        while let Some(bytes) = self.repeats.take(now) {
            self.send(&bytes);
        }
        self.resolver.step(now);
        let due = [deadline, self.repeats.due(), self.resolver.due()];
        match due.into_iter().flatten().min() {
            Some(due) => self
                .happenings
                .recv_timeout(due.saturating_duration_since(now))
                .ok(),
            None => self.happenings.recv().ok(),
        }
    }

    /// Uses the monitor's addresses. If the look-up failed, the last ones stay.
    fn resolved(&mut self, found: io::Result<Addresses>) {
        self.resolver.ended(found.is_ok(), Instant::now());
        match found {
            Ok(addresses) => {
                if self.unresolved.take().is_some() {
                    warn!("{} can be looked up again", self.plan.server);
                }
                self.link.lead_to(addresses);
            }
            Err(error) => {
                if self.unresolved.is_none() && self.plan.task == Task::Watch {
                    warn!("cannot look up {}: {error}; still trying", self.plan.server);
                }
                self.unresolved = Some(error);
            }
        }
    }

    fn not_sent(&mut self, error: Option<io::Error>) -> SendError {
        let reason = match (error, self.unresolved.take()) {
            (Some(error), _) => error.to_string(),
            (None, Some(error)) => format!("it cannot be looked up: {error}"),
            (None, None) => "looking it up takes too long".to_owned(),
        };
        SendError::NotSent {
            server: self.plan.server.to_string(),
            reason,
        }
    }
}

fn interrupted(signal: i32) -> Ending {
    Ending::Interrupted(u8::try_from(signal).unwrap_or(u8::MAX))
}
