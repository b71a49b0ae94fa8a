//! Properties that hold whatever is sent, lost, reordered or repeated, and however clocks
//! jump and the monitor dies.

use annunciator_testkit::effort::rounds;
use proptest::prelude::*;

use uuid::Uuid;

use super::{bystander::Bystander, *};
use crate::{
    machine::blind::STALLED_AFTER,
    ping::{Ping, Signal},
    schedule::Schedule,
};

const HOSTS: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone)]
enum Step {
    Beat {
        host: usize,
        boot: u8,
        v6: bool,
    },
    /// Sends the same bytes on both families, as `hbc` does.
    Both {
        host: usize,
    },
    Boot {
        host: usize,
        boot: u8,
    },
    Shutdown {
        host: usize,
        expected: Option<u8>,
    },
    /// The network holds a datagram back, and delivers it later.
    Keep {
        host: usize,
        boot: u8,
    },
    Deliver {
        which: usize,
    },
    Repeat {
        which: usize,
    },
    Pass {
        seconds: u8,
    },
    Stall {
        seconds: u8,
    },
    WallJump {
        seconds: i16,
    },
    Checkpoint,
    Restart {
        after: u8,
    },
    /// The monitor dies before what it has just heard is written.
    DieUnwritten {
        host: usize,
        after: u8,
    },
    Silence {
        host: usize,
        seconds: u8,
    },
    Metric {
        host: usize,
        value: u8,
    },
    /// A job says something, of a run with an id or without.
    Ping {
        host: usize,
        signal: Signal,
        run: Option<u8>,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let host = 0..HOSTS.len();
    prop_oneof![
        12 => (host.clone(), 0..3_u8, any::<bool>()).prop_map(|(host, boot, v6)| Step::Beat { host, boot, v6 }),
        4 => host.clone().prop_map(|host| Step::Both { host }),
        1 => (host.clone(), 0..3_u8).prop_map(|(host, boot)| Step::Boot { host, boot }),
        1 => (host.clone(), prop::option::of(0..90_u8)).prop_map(|(host, expected)| Step::Shutdown { host, expected }),
        2 => (host.clone(), 0..3_u8).prop_map(|(host, boot)| Step::Keep { host, boot }),
        3 => (0..8_usize).prop_map(|which| Step::Deliver { which }),
        3 => (0..8_usize).prop_map(|which| Step::Repeat { which }),
        10 => (1..50_u8).prop_map(|seconds| Step::Pass { seconds }),
        2 => (1..100_u8).prop_map(|seconds| Step::Stall { seconds }),
        1 => (-4000..4000_i16).prop_map(|seconds| Step::WallJump { seconds }),
        3 => Just(Step::Checkpoint),
        2 => (0..100_u8).prop_map(|after| Step::Restart { after }),
        1 => (host.clone(), 0..100_u8).prop_map(|(host, after)| Step::DieUnwritten { host, after }),
        1 => (host.clone(), 0..200_u8).prop_map(|(host, seconds)| Step::Silence { host, seconds }),
        6 => (host.clone(), 0..100_u8).prop_map(|(host, value)| Step::Metric { host, value }),
        8 => (host, signal(), prop::option::of(0..3_u8)).prop_map(|(host, signal, run)| Step::Ping { host, signal, run }),
    ]
}

fn signal() -> impl Strategy<Value = Signal> {
    prop_oneof![
        4 => Just(Signal::Success),
        2 => Just(Signal::Start),
        1 => Just(Signal::Fail),
        1 => (0..3_u8).prop_map(Signal::ExitStatus),
        1 => Just(Signal::Log),
    ]
}

struct Trial {
    world: World,
    bystander: Bystander,
    /// The datagrams that were sent, whether or not they were accepted.
    sent: Vec<Datagram>,
    delayed: Vec<Datagram>,
}

impl Trial {
    fn new(held: bool) -> Self {
        let sets =
            serde_json::json!({"m.v": {"warning": "> 60", "critical": "> 80", "clear_below": 50}});
        let set = Set::read(&sets, &mut Vec::new());
        let mut world = World::with(&HOSTS, |settings| {
            settings.sets = vec![Arc::new(set)];
            settings.mass = Mass {
                hosts: 2,
                within: SECOND * if held { 3 } else { 0 },
            };
        });
        for host in world.hosts.values_mut() {
            host.set = Some(0);
            // Those of the default window, also for pings.
            host.interval = Some(SECOND * 10);
            host.grace = Some(SECOND * 20);
        }
        let schedule = Schedule::new("* * * * *", None).unwrap_or_else(|error| panic!("{error}"));
        world.settings.schedules = vec![Arc::new(schedule)];
        if let Some(host) = world.hosts.get_mut("b") {
            host.schedule = Some(0);
        }
        world
            .machine
            .configure(world.settings.clone(), world.hosts.clone(), world.now);
        Self {
            world,
            bystander: Bystander::default(),
            sent: Vec::new(),
            delayed: Vec::new(),
        }
    }

    fn make(&mut self, host: usize, boot: u8, event: Event) -> Datagram {
        self.world.datagram(HOSTS[host], &format!("b{boot}"), event)
    }

    fn send(&mut self, datagram: Datagram, family: Family) {
        let taken = self
            .world
            .machine
            .observe(self.world.now, family, &datagram);
        if taken.is_ok() {
            let of = Connection {
                host: Arc::from(&*datagram.host),
                family: family.into(),
            };
            self.bystander
                .heard
                .entry(of)
                .or_default()
                .push(self.world.now.tick);
        }
        self.world.commit();
        self.sent.push(datagram);
    }

    fn restart(&mut self, after: u8) {
        self.bystander.blind_spans += 1;
        // Heartbeats since the last checkpoint are lost. That matters only for hosts that
        // are really silent: the others are heard again before they are due.
        let known = self.world.disk.snapshot.last.tick;
        for heard in self.bystander.heard.values_mut() {
            let first = heard[0];
            heard.retain(|at| *at < known || *at == first);
        }
        self.world.restart(SECOND * u32::from(after));
    }

    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Beat { host, boot, v6 } => {
                let datagram = self.make(host, boot, Event::Heartbeat);
                self.send(datagram, if v6 { Family::V6 } else { Family::V4 });
            }
            Step::Both { host } => {
                let datagram = self.make(host, 0, Event::Heartbeat);
                self.send(datagram.clone(), Family::V6);
                self.send(datagram, Family::V4);
            }
            Step::Boot { host, boot } => {
                let datagram = self.make(host, boot, Event::Boot);
                self.send(datagram, Family::V4);
            }
            Step::Shutdown { host, expected } => {
                let expected = expected.map(|seconds| SECOND * u32::from(seconds));
                let datagram = self.make(host, 0, Event::Shutdown { expected });
                self.send(datagram, Family::V4);
            }
            Step::Keep { host, boot } => {
                let datagram = self.make(host, boot, Event::Heartbeat);
                self.delayed.push(datagram);
            }
            Step::Deliver { which } if which < self.delayed.len() => {
                let datagram = self.delayed.remove(which);
                self.send(datagram, Family::V4);
            }
            Step::Repeat { which } if which < self.sent.len() => {
                let datagram = self.sent[self.sent.len() - 1 - which].clone();
                self.send(datagram, Family::V4);
            }
            Step::Deliver { .. } | Step::Repeat { .. } => {}
            Step::Pass { seconds } => self.world.pass(SECOND * u32::from(seconds)),
            Step::Stall { seconds } => {
                self.bystander.blind_spans += 1;
                self.world.skip(SECOND * u32::from(seconds));
            }
            Step::WallJump { seconds } => {
                self.bystander.blind_spans += 1;
                self.world.now.wall_ms += i64::from(seconds) * 1000;
            }
            Step::Checkpoint => self.world.checkpoint(),
            Step::Restart { after } => self.restart(after),
            Step::DieUnwritten { host, after } => {
                let datagram = self.make(host, 0, Event::Heartbeat);
                let _ = self
                    .world
                    .machine
                    .observe(self.world.now, Family::V4, &datagram);
                let _ = self.world.machine.take_step();
                self.restart(after);
            }
            Step::Silence { host, seconds } => {
                let length = SECOND * u32::from(seconds);
                let silenced = self
                    .world
                    .machine
                    .silence(HOSTS[host], length, "", self.world.now);
                prop_assert!(silenced.is_ok());
                self.world.commit();
            }
            Step::Ping { host, signal, run } => {
                let mut ping = Ping::new(signal);
                ping.run_id = run.map(|run| Uuid::from_u128(run.into()));
                let now = self.world.now;
                prop_assert!(self.world.machine.ping(now, HOSTS[host], &ping).is_ok());
                self.bystander.pinged(HOSTS[host], signal, now.tick);
                self.world.commit();
            }
            Step::Metric { host, value } => {
                let boot = self.world.machine.host(host as u32).persistent.boot.clone();
                let mut datagram = self.make(host, 0, Event::Heartbeat);
                datagram.boot = boot.unwrap_or("b0".into());
                datagram.metrics.push(("m.v".into(), f64::from(value)));
                self.send(datagram, Family::V4);
            }
        }
        for notice in std::mem::take(&mut self.world.notified) {
            self.bystander.read(&notice)?;
        }
        Ok(())
    }

    /// In the end every host falls silent, and none is forgotten.
    fn end(mut self) -> Result<(), TestCaseError> {
        // Longer than any silence, any announced shutdown and any flapping.
        for _ in 0..12 {
            self.take(Step::Pass { seconds: 100 })?;
        }
        for of in self.bystander.heard.keys() {
            let view = self.world.machine.view(&of.host, self.world.now);
            let view = view.into_iter().flat_map(|view| view.connections);
            let link = view.into_iter().find(|link| link.family == of.family);
            let state = link.map(|link| link.state);
            let notified = self.bystander.overdue.contains(of);
            // A shutdown without an end raises no alarm; a problem that was notified before
            // it is not over.
            let right = match state {
                Some(LinkState::Overdue | LinkState::Failed) => notified,
                Some(LinkState::Down) => true,
                _ => false,
            };
            prop_assert!(right, "{of:?} is {state:?}, told: {notified}");
        }
        prop_assert_eq!(self.world.machine.rechecking, 0);
        prop_assert!(self.world.machine.blindness.check.is_none());
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: rounds(1_000, 10_000), ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_forgotten_and_nothing_is_reported_that_is_not_so(
        steps in prop::collection::vec(step(), 1..60),
        held in any::<bool>(),
    ) {
        let mut trial = Trial::new(held);
        for step in steps {
            trial.take(step)?;
        }
        trial.end()?;
    }

    #[test]
    fn who_sends_on_time_is_never_reported_overdue(
        steps in prop::collection::vec(step(), 1..60),
        phase in 0..10_u32,
    ) {
        let mut trial = Trial::new(false);
        let mut next = trial.world.now.tick + SECOND * phase;
        for step in steps {
            // A pause that the monitor does not notice: its socket keeps what arrives.
            let unnoticed = match step {
                Step::Stall { seconds } => SECOND * (u32::from(seconds) + 1) <= STALLED_AFTER,
                _ => false,
            };
            // What happens to the monitor and to other hosts; time passes by
            // the second, so that host `c` can send when it is due to.
            let seconds = match step {
                Step::Pass { seconds } => seconds,
                Step::Beat { host: 2, .. }
                | Step::Both { host: 2 } | Step::Boot { host: 2, .. } | Step::Shutdown { host: 2, .. }
                | Step::Keep { .. } | Step::Metric { host: 2, .. } | Step::Repeat { .. }
                | Step::Ping { host: 2, .. } => 1,
                other => {
                    trial.take(other)?;
                    1
                }
            };
            for _ in 0..seconds {
                while next <= trial.world.now.tick {
                    // Any other datagram that was sent while the monitor was down is lost.
                    if next == trial.world.now.tick || unnoticed {
                        let datagram = trial.make(2, 0, Event::Heartbeat);
                        trial.send(datagram, Family::V4);
                    }
                    next = next + SECOND * 10;
                }
                trial.take(Step::Pass { seconds: 1 })?;
            }
            let notified = trial.bystander.overdue.iter().any(|of| &*of.host == "c");
            prop_assert!(!notified, "c sent on time");
        }
    }

    #[test]
    fn what_goes_on_from_the_store_is_what_was_there(
        steps in prop::collection::vec(step(), 1..30),
    ) {
        let mut trial = Trial::new(true);
        for step in steps {
            trial.take(step)?;
        }
        trial.world.checkpoint();
        let before = trial.world.machine.snapshot();
        let restored = Machine::restore(
            trial.world.settings.clone(),
            trial.world.hosts.clone(),
            trial.world.disk.snapshot.clone(),
            trial.world.now,
        );
        let after = restored.snapshot();
        let shown = |snapshot: &Snapshot| {
            let mut hosts: Vec<_> = snapshot.hosts.iter().map(|host| {
                let mut host = serde_json::to_value(host).unwrap_or_default();
                // These change with every heartbeat: compares only the newest counter, and
                // no values.
                let taken = host["persistent"]["taken"].as_array().cloned().unwrap_or_default();
                host["persistent"]["taken"] = taken.last().map(|entry| entry[0].clone()).unwrap_or_default();
                for alert in host["persistent"]["alerts"].as_array_mut().into_iter().flatten() {
                    alert["value"] = serde_json::Value::Null;
                }
                host.to_string()
            }).collect();
            hosts.sort();
            (hosts, snapshot.held.clone(), snapshot.silences.clone())
        };
        prop_assert_eq!(shown(&before), shown(&after));
        for host in HOSTS {
            let of_link = |view: HostView| {
                let mut links = view.connections.into_iter();
                links.find(|link| link.family == LinkFamily::Ping)
            };
            // What was only logged belongs to no connection, and is not stored.
            let view = restored.view(host, trial.world.now).and_then(of_link);
            if view.is_some() {
                prop_assert_eq!(trial.world.machine.job(host), restored.job(host));
            }
        }
    }
}
