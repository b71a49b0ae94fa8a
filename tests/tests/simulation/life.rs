//! A life: a configuration, what is told, and restarts, all by a seed.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
    sync::Arc,
    time::Duration,
};

use annunciator::{
    Acknowledge, Clock as _, Engine, Kind, Notification, Receipt, Route, Severity,
    store::{Accounts, Attempt, DeliveryId, Query, Record, State, Store},
};
use annunciator_testkit::rig::Rig;

use crate::{
    clock::Turned,
    random::Random,
    store::{self, Watched},
};

/// 2026-01-05, 20:00 by UTC: a night is ahead.
const BEGIN: i64 = 1_767_643_200_000;
const MINUTE: i64 = 60_000;
/// So often somebody may wait for no time at all.
const STILL: u32 = 1000;
/// When everything must have ended: longer than any time to live, and nights.
const LONG: i64 = 30 * 60 * MINUTE;
/// Answers come one by one, each at a moment of its own.
const MAX_ANSWER_MS: u64 = 9000;
/// What is due is done within so many milliseconds.
const LATE: i64 = 100;
/// How long a channel that is out of order is left alone at most, and until the
/// one attempt that is made has its answer.
const MAX_PROBE_MS: i64 = 10 * MINUTE + 10_000;
pub const CHANNELS: [&str; 3] = ["a", "b", "c"];

/// How channels are treated.
#[derive(Debug, Default)]
pub struct World {
    pub yaml: String,
    /// By channel.
    pub attempts: Vec<u32>,
    /// The steps of the group, how long each has, and whether there is one.
    pub steps: Option<(Vec<&'static str>, i64)>,
    /// Whether remotes are out of order for some time.
    pub breaks: bool,
    /// By channel, of how many of a hundred spans.
    pub out_of_order: Vec<u64>,
}

/// What was accepted.
#[derive(Debug)]
pub struct Notified {
    pub receipt: Receipt,
    pub channels: usize,
    pub kind: Kind,
    pub severity: Severity,
    pub incident: Option<String>,
}

/// Somebody has taken over an incident.
#[derive(Debug)]
pub struct Taken {
    pub incident: String,
    /// How much was accepted before.
    pub after: usize,
}

#[derive(Debug)]
pub struct Life {
    pub world: World,
    pub notified: Vec<Notified>,
    pub taken: Vec<Taken>,
    pub accounts: Accounts,
    /// What was not done at its time.
    pub late: Vec<String>,
    /// The oldest first.
    pub records: Vec<(Record, Vec<Attempt>)>,
}

impl Life {
    /// What happened when, in an order that does not depend on names that are
    /// made by chance.
    pub fn story(&self) -> Vec<String> {
        let mut story = Vec::new();
        for (record, attempts) in &self.records {
            let channel = &record.channel;
            story.push(format!("{channel} {} {}", record.state, record.why));
            for attempt in attempts {
                story.push(format!("  {} {}", attempt.began_ms, attempt.outcome));
            }
        }
        story
    }
}

fn world(random: &mut Random) -> World {
    let mut world = World {
        breaks: random.happens(40),
        ..World::default()
    };
    let mut channels = String::new();
    for name in CHANNELS {
        let attempts = 1 + random.below(6);
        world.attempts.push(u32::try_from(attempts).unwrap());
        let mut options = format!(
            "retry: {{attempts: {attempts}, first: {}s, max: 60s}}, ttl: {}m",
            1 + random.below(10),
            5 + random.below(115)
        );
        let also = [
            (30, "quiet_hours: {from: '21:30', to: '06:00'}"),
            (25, "rate_limit: 3/10m"),
            (25, "dedup: 20m"),
            (25, "min_severity: warning"),
            (20, "on_unknown: drop"),
        ];
        for (percent, option) in also {
            if random.happens(percent) {
                let _ = write!(options, ", {option}");
            }
        }
        let broken = if world.breaks { random.below(60) } else { 0 };
        world.out_of_order.push(broken);
        let _ = writeln!(
            channels,
            "  {name}: {{type: fickle, takes_ms: {MAX_ANSWER_MS}, salt: '{}', targets: {}, out_of_order: {broken}, delivery: {{{options}}}}}",
            random.below(1_000_000),
            1 + random.below(3),
        );
    }
    let (groups, defaults) = if random.happens(50) {
        let minutes = i64::try_from(1 + random.below(30)).unwrap();
        let until = random.one_of(&["accepted", "delivered"]);
        world.steps = Some((vec!["a", "b"], minutes * MINUTE));
        let group = format!("{{first_of: [a, b], until: {until}, step_after: {minutes}m}}");
        (
            format!("notification_groups: {{oncall: {group}}}\n"),
            "oncall, c",
        )
    } else {
        (String::new(), "a, b, c")
    };
    world.yaml = format!(
        "notification_channels:\n{channels}{groups}default_notification_channels: [{defaults}]\n"
    );
    world
}

/// Whether the next thing happens while the last is still at a plugin: those are
/// on threads of their own, so that such a life is lived once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Haste {
    None,
    Great,
}

/// Lives through it, and through what follows until all has ended.
pub fn live(seed: u64, haste: Haste, kind: store::Kind) -> Life {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(async {
        let mut random = Random::new(seed);
        let world = world(&mut random);
        let mut life = Living {
            rig: Rig::new(&["fixture-fickle"]).unwrap(),
            clock: Turned::new(BEGIN, seed),
            store: Arc::new(Watched::new(kind)),
            engine: None,
            seed,
            out_of_order: world.out_of_order.clone(),
            late: BTreeMap::new(),
        };
        life.restart(&world).await;
        let (mut notified, mut taken) = (Vec::new(), Vec::new());
        for number in 0..40 {
            match random.below(100) {
                0..8 => {
                    let incident = incident(&mut random);
                    if life.take_over(&incident).await {
                        let after = notified.len();
                        taken.push(Taken { incident, after });
                    }
                    if haste == Haste::None {
                        life.settle().await;
                    }
                }
                8..65 => {
                    notified.push(life.notify(number, &mut random).await);
                    if haste == Haste::None {
                        life.settle().await;
                    }
                }
                65..95 => {
                    let pause = i64::try_from(random.below(20 * 60_000)).unwrap();
                    life.pass(life.clock.now_ms() + pause).await;
                }
                // Also while something is under way.
                _ => life.restart(&world).await,
            }
        }
        life.pass(BEGIN + LONG).await;
        let records = life.records().await;
        let accounts = life.store.accounts().await.unwrap();
        Life {
            world,
            notified,
            taken,
            accounts,
            late: life.late.into_values().collect(),
            records,
        }
    })
}

fn incident(random: &mut Random) -> String {
    format!("incident {}", random.below(3))
}

struct Living {
    rig: Rig,
    clock: Turned,
    store: Arc<Watched>,
    engine: Option<Engine>,
    seed: u64,
    out_of_order: Vec<u64>,
    late: BTreeMap<DeliveryId, String>,
}

impl Living {
    fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    async fn restart(&mut self, world: &World) {
        if let Some(engine) = self.engine.take() {
            let _ = engine.shutdown(Duration::ZERO).await;
        }
        let builder = self.rig.exactly(&world.yaml).unwrap();
        let builder = builder.clock(Arc::new(self.clock.clone()));
        let store = Arc::clone(&self.store);
        self.engine = Some(builder.store(store).start().await.unwrap());
    }

    async fn notify(&self, number: u64, random: &mut Random) -> Notified {
        let kind = random.one_of(&[Kind::Message, Kind::Problem, Kind::Problem, Kind::Recovery]);
        let severity = random.one_of(&Severity::ALL);
        // Some words come more than once.
        let words = if random.happens(30) { 0 } else { number };
        let mut notification = Notification::new(format!("words {words}"))
            .kind(kind)
            .severity(severity);
        let mut of_incident = None;
        if kind != Kind::Message {
            let incident = incident(random);
            notification = notification.incident(&*incident);
            of_incident = Some(incident);
        }
        let key = random
            .happens(20)
            .then(|| format!("key {}", random.below(4)));
        // A key stands for the same words.
        if let Some(key) = &key {
            notification = Notification::new(format!("words of {key}"));
            of_incident = None;
        }
        let notified = self
            .engine()
            .submit(Route::Defaults, notification, key.as_deref());
        Notified {
            receipt: notified.await.unwrap(),
            channels: CHANNELS.len(),
            kind,
            severity,
            incident: of_incident,
        }
    }

    /// Somebody takes over an incident; answers whether its problem was open.
    async fn take_over(&self, incident: &str) -> bool {
        let acknowledge = Acknowledge::incident(incident, "anna");
        let taken = self.engine().acknowledge(acknowledge).await.unwrap();
        !taken.is_empty()
    }

    /// Lets time pass, from one thing that happens to the next.
    async fn pass(&mut self, until_ms: i64) {
        let (mut since_ms, mut turns) = (self.clock.now_ms(), 0);
        loop {
            self.settle().await;
            self.look_for_late().await;
            if !self.clock.turn(until_ms) {
                break;
            }
            let now_ms = self.clock.now_ms();
            turns = if now_ms == since_ms { turns + 1 } else { 0 };
            since_ms = now_ms;
            assert!(
                turns < STILL,
                "something goes round and round at {now_ms}, with SIMULATION_SEED={}: {:#?}",
                self.seed,
                self.pending_or_in_flight().await
            );
        }
        self.clock.set(until_ms);
        self.settle().await;
        self.look_for_late().await;
    }

    /// Takes note of what should have happened by now. Nothing is under way but
    /// what plugins take their time for.
    async fn look_for_late(&mut self) {
        let now_ms = self.clock.now_ms();
        let mut open = self.pending_or_in_flight().await;
        open.sort_by_key(|record| record.delivery);
        let mut lanes = HashSet::new();
        for record in open {
            let is_first = record.incident.is_empty()
                || lanes.insert((record.channel.clone(), record.incident.clone()));
            let Some(due_ms) = record.due_ms.filter(|_| record.state == State::Pending) else {
                continue;
            };
            let mut by_ms = due_ms;
            if self.may_be_out_of_order(&record.channel) {
                // One at a time sees whether it is back.
                let last_ms = self.store.last_claim_ms(&record.channel);
                by_ms = by_ms.max(last_ms.unwrap_or(i64::MIN)) + MAX_PROBE_MS;
            }
            let expires_ms = record.expires_ms.unwrap_or(i64::MAX);
            let is_late = by_ms + LATE < now_ms || expires_ms + LATE < now_ms;
            if is_first && is_late {
                let (id, channel) = (record.delivery, &record.channel);
                let sentence = format!(
                    "delivery {id} on {channel} was due at {due_ms}, would expire at {expires_ms}, and waited at {now_ms}"
                );
                self.late.entry(id).or_insert(sentence);
            }
        }
    }

    fn may_be_out_of_order(&self, channel: &str) -> bool {
        let at = CHANNELS.iter().position(|name| *name == channel);
        let is_broken = at.is_some_and(|at| self.out_of_order[at] > 0);
        is_broken
            || self
                .engine()
                .alerts()
                .iter()
                .any(|one| one.subject.contains(channel))
    }

    /// Until nothing more happens by itself: plugins are on threads of their own,
    /// all else is on this one.
    async fn settle(&self) {
        let mut idle = 0;
        while idle < 20 {
            tokio::task::yield_now().await;
            idle += 1;
            let under_way = self.engine().deliveries_under_way();
            if under_way > self.clock.waiting_plugins() || self.store.outstanding() > 0 {
                idle = 0;
            }
        }
    }

    async fn pending_or_in_flight(&self) -> Vec<Record> {
        let open = State::ALL.into_iter().filter(|state| !state.has_ended());
        let query = Query {
            states: open.collect(),
            limit: 100_000,
            ..Query::default()
        };
        self.store.deliveries(query).await.unwrap()
    }

    async fn records(&self) -> Vec<(Record, Vec<Attempt>)> {
        let query = Query {
            limit: 100_000,
            ..Query::default()
        };
        let mut all = Vec::new();
        for record in self
            .store
            .deliveries(query)
            .await
            .unwrap()
            .into_iter()
            .rev()
        {
            let attempts = self.store.attempts(record.delivery).await.unwrap();
            all.push((record, attempts));
        }
        all
    }
}
