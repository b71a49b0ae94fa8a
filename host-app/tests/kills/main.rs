//! The monitor is killed again and again, at random moments, while hosts boot, fall silent,
//! come back, cross thresholds and shut down. No change of state is lost, and no message is
//! sent twice except those in flight at the kill. Nobody is notified of a problem that was
//! over before anybody could be, nor of its end.
//!
//! `host` is a simulated host that does one thing after the other, `monitor`
//! the real `hbd`, `records` what it has written.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![expect(
    clippy::print_stdout,
    reason = "a run has figures, and a seed to repeat it by"
)]

mod host;
mod monitor;
mod records;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use annunciator_testkit::{
    effort::rounds_by,
    http::Fault,
    mattermost::{self, Mattermost},
};
use host::{Host, Phase};
use monitor::Monitor;
use records::Records;

/// How often the monitor is killed where all rounds are wanted, and else.
const ROUNDS: u64 = 200;
const USUAL_ROUNDS: u64 = 12;
const HOSTS: usize = 16;
/// How often a host sends what it has to say.
const BEAT: Duration = Duration::from_millis(50);
/// Enough for every wait of the test, whatever else the machine does.
const PATIENCE: Duration = Duration::from_secs(120);

/// A small generator of numbers, so that a run can be repeated by its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        // Xorshift: any spread will do.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_nothing_and_repeat_nothing() {
    let rounds = rounds_by("HBD_KILL_ROUNDS", USUAL_ROUNDS, ROUNDS);
    let rounds = u32::try_from(rounds).unwrap();
    let seed = std::env::var("HBD_KILL_SEED").ok();
    let seed = seed.map_or(0x9e37_79b9_7f4a_7c15, |text| text.parse().unwrap());
    println!("HBD_KILL_SEED={seed}");
    let service = Mattermost::builder()
        .channel("devops-alerts")
        .hook(mattermost::HOOK, "devops-alerts")
        .start()
        .await;
    // Long enough that some kills fall between sending and the answer.
    service.always(Fault::Slow(Duration::from_millis(60)));
    let outcome = tokio::task::block_in_place(|| Trial::new(&service.url(), seed).run(rounds));
    let received = service.messages().into_iter().map(|post| {
        let text = &post.attachments()[0]["text"];
        text.as_str().unwrap().to_owned()
    });
    outcome.check(received);
}

struct Trial {
    monitor: Monitor,
    hosts: Vec<Host>,
    random: Random,
}

/// What there is to compare.
struct Outcome {
    /// How many messages of each text are expected.
    expected: BTreeMap<String, u64>,
    /// What the monitor wrote down.
    records: Records,
    rounds: u32,
}

impl Trial {
    fn new(url: &str, seed: u64) -> Self {
        let names: Vec<String> = (0..HOSTS).map(|i| format!("h{i:02}")).collect();
        let monitor = Monitor::new(url, &names);
        let hosts = names.iter().map(|name| Host::new(name, monitor.address()));
        Self {
            hosts: hosts.collect(),
            monitor,
            random: Random(seed),
        }
    }

    fn run(mut self, rounds: u32) -> Outcome {
        for round in 0..rounds {
            self.monitor.start();
            self.right_hosts_are_overdue(round);
            let life = Duration::from_millis(self.random.below(600));
            self.live(Instant::now() + life, |_| false);
            self.monitor.kill();
        }
        // It may finish what it began.
        self.hosts
            .iter_mut()
            .for_each(|host| host.begin_nothing = true);
        self.monitor.start();
        let end = Instant::now() + PATIENCE;
        self.live(end, |trial| {
            let idle = trial.hosts.iter().all(|host| host.phase == Phase::Idle);
            idle && trial.monitor.records().open == 0
        });
        let records = self.monitor.records();
        let phases: Vec<_> = self
            .hosts
            .iter()
            .map(|host| (&host.name, host.phase))
            .collect();
        assert_eq!(records.open, 0, "still to be told; {phases:?}");
        assert!(
            self.hosts.iter().all(|host| host.phase == Phase::Idle),
            "{phases:?}\n{}",
            self.monitor.log()
        );
        self.monitor.end();
        Outcome {
            expected: self
                .hosts
                .iter()
                .flat_map(|host| host.expected.clone())
                .collect(),
            records,
            rounds,
        }
    }

    /// The hosts do what they do until the time is over, or all is done.
    fn live(&mut self, until: Instant, done: impl Fn(&Self) -> bool) {
        while Instant::now() < until && !done(self) {
            let records = self.monitor.records();
            for host in &mut self.hosts {
                host.act(&records);
            }
            std::thread::sleep(BEAT.min(until.saturating_duration_since(Instant::now())));
        }
    }

    /// Checks that a host is overdue, also right after a restart, if it is silent and
    /// people were notified; and that a host is not that has been sending all the time.
    fn right_hosts_are_overdue(&self, round: u32) {
        let states = self.monitor.states();
        for host in &self.hosts {
            let Some(state) = states.get(&host.name) else {
                panic!("round {round}: {} is forgotten: {states:?}", host.name);
            };
            match host.phase {
                Phase::Resting => assert_eq!(state, "overdue", "round {round}: {}", host.name),
                Phase::Hot | Phase::Cool | Phase::Trouble => {
                    assert_ne!(state, "overdue", "round {round}: {}", host.name);
                }
                _ => {}
            }
        }
    }
}

impl Outcome {
    fn check(&self, received: impl Iterator<Item = String>) {
        let mut arrived: BTreeMap<String, u64> = BTreeMap::new();
        for text in received {
            *arrived.entry(text).or_default() += 1;
        }
        let notified: u64 = self.expected.values().sum();
        let again: u64 = self.records.texts.values().map(|row| row.again).sum();
        let superseded: u64 = self.records.texts.values().map(|row| row.superseded).sum();
        println!(
            "{} kills: {notified} changes of state, {} messages arrived, {again} told again, {superseded} over before they were told",
            self.rounds,
            arrived.values().sum::<u64>()
        );
        let mut wrong = Vec::new();
        for (text, count) in &self.expected {
            let row = self.records.texts.get(text).copied().unwrap_or_default();
            let arrived = arrived.get(text).copied().unwrap_or_default();
            if row.count != *count {
                wrong.push(format!(
                    "{text}: happened {count} times, written {}",
                    row.count
                ));
            }
            // A superseded message is not sent any more, but may have been sent before.
            if arrived + row.superseded < *count || arrived > *count + row.again {
                wrong.push(format!(
                    "{text}: happened {count} times, arrived {arrived} times: {row:?}"
                ));
            }
        }
        for text in arrived.keys() {
            if !self.expected.contains_key(text) {
                wrong.push(format!("{text}: never happened"));
            }
        }
        // Who read of a problem reads of its end.
        for text in arrived.keys().filter(|text| text.starts_with("CRITICAL: ")) {
            let end = text
                .replacen("CRITICAL: ", "OK: ", 1)
                .replacen("= 95.", "= 5.", 1);
            if self.expected.contains_key(&end) && !arrived.contains_key(&end) {
                wrong.push(format!("{text}: arrived, and its end did not"));
            }
        }
        if again != self.records.again {
            let counted = self.records.again;
            wrong.push(format!(
                "told again {again} times, the accounts have {counted}"
            ));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(
            notified > u64::from(self.rounds) / 2,
            "too little happened to prove anything"
        );
    }
}
