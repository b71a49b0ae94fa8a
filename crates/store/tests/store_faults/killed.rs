//! Processes that are killed at random moments while they accept, claim and
//! settle as fast as they can: what was answered is true.

use std::{collections::BTreeMap, path::Path, sync::Arc, thread, time::Duration};

use annunciator_store::{Begin, DeliveryId, Next, Query, Settled, Settlement, State, Store};
use annunciator_testkit::effort::rounds_by;
use annunciator_testkit::stores::{LATER, accept, claim, end, intake, settle};
use rusqlite::Connection;
use tokio::runtime;
use uuid::Uuid;

use super::{
    child::{Process, say},
    open,
};

/// Rounds where all are wanted, and else.
const ROUNDS: u64 = 50;
const USUAL_ROUNDS: u64 = 15;
const ROUNDS_VARIABLE: &str = "STORE_FAULTS_ROUNDS";
const THREADS: usize = 8;
/// The longest that a child works, in milliseconds.
const MAX_LIFE_MS: u128 = 120;

/// As a child: works until it is killed.
pub fn work(file: &Path) {
    let store = open(file);
    say("opened");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let runtime = runtime::Builder::new_current_thread().build();
                runtime.unwrap().block_on(work_on(&store));
            });
        }
    });
}

async fn work_on(store: &Arc<dyn Store>) {
    let delivered = || Next::End {
        state: State::Delivered,
        why: String::new(),
        targets: Vec::new(),
    };
    for number in 0_u64.. {
        let name = Uuid::new_v4().to_string();
        let mut taken = intake(&name, &["a", "b"]);
        taken.key = Some(name.clone());
        taken.lane = format!("lane-{}", number % 3);
        if number.is_multiple_of(2) {
            taken.lane.clear();
            taken.intents[0].begin = Begin::Claimed {
                lease_until_ms: LATER,
            };
        }
        let accepted = accept(store, taken).await;
        for placed in accepted.deliveries {
            say(&format!("accepted {} {name}", placed.delivery));
            if placed.state == State::InFlight {
                let settlement = Settlement {
                    delivery: placed.delivery,
                    fence: placed.fence,
                    now_ms: LATER,
                    attempt: None,
                    proof: None,
                    is_uncounted: false,
                    may_have_arrived: false,
                    next: delivered(),
                };
                let settled = store.settle(settlement).await.unwrap();
                assert_ne!(settled, Settled::Stale);
                say(&format!("settled {} {name}", placed.delivery));
            }
        }
        for channel in ["a", "b"] {
            for claim in claim(store, channel).await {
                let settled = settle(store, &claim, delivered()).await;
                assert_ne!(settled, Settled::Stale);
                say(&format!("settled {} -", claim.delivery));
            }
        }
    }
}

/// What was answered, in one round or in all.
#[derive(Debug, Default)]
struct Answered {
    accepted: BTreeMap<i64, String>,
    settled: Vec<i64>,
}

impl Answered {
    fn note(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["opened"] => {}
            ["accepted", id, name] => {
                let before = self.accepted.insert(id.parse().unwrap(), name.to_owned());
                assert_eq!(before, None, "a number was used twice");
            }
            ["settled", id, _] => self.settled.push(id.parse().unwrap()),
            _ => panic!("the child complains: {line}"),
        }
    }

    async fn is_true(&self, store: &dyn Store) {
        let ask = |id: i64| store.deliveries(Query::one(DeliveryId(id)));
        let asked: Vec<_> = self.accepted.iter().map(|one| (one, ask(*one.0))).collect();
        for ((id, name), answer) in asked {
            let records = answer.await.unwrap();
            let record = records.first();
            let record = record.unwrap_or_else(|| panic!("{id} was accepted and is lost"));
            assert_eq!(record.notification, *name);
        }
        let asked: Vec<_> = self.settled.iter().map(|id| (id, ask(*id))).collect();
        for (id, answer) in asked {
            let records = answer.await.unwrap();
            assert_eq!(records[0].state, State::Delivered, "{id} was settled");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_are_killed_at_random_moments() {
    let rounds = rounds_by(ROUNDS_VARIABLE, USUAL_ROUNDS, ROUNDS);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outbox.sqlite");
    let mut all = Answered::default();
    for round in 0..rounds {
        let mut child = Process::start("work", &file);
        // Sometimes before it has opened the file.
        if round % 5 > 0 {
            assert_eq!(child.line().as_deref(), Some("opened"));
        }
        let pause = u64::try_from(Uuid::new_v4().as_u128() % MAX_LIFE_MS).unwrap();
        let killing = thread::spawn(move || {
            thread::sleep(Duration::from_millis(pause));
            child.kill()
        });
        let lines = killing.join().unwrap();
        let mut answered = Answered::default();
        lines.iter().for_each(|line| answered.note(line));
        is_whole(&file);
        let store = open(&file);
        answered.is_true(&*store).await;
        let accounts = store.accounts().await.unwrap();
        assert_eq!(accounts.difference(), 0, "round {round}: {accounts:?}");
        assert_eq!(accounts.stale, 0, "nobody lived beside the child");
        lines.iter().for_each(|line| all.note(line));
    }
    let store = open(&file);
    all.is_true(&*store).await;
    assert!(!all.accepted.is_empty() && !all.settled.is_empty());
    // What is left can all be had: nothing waits for somebody who is gone.
    for channel in ["a", "b"] {
        loop {
            let claims = claim(&store, channel).await;
            if claims.is_empty() {
                break;
            }
            for claim in &claims {
                end(&store, claim, State::Delivered).await;
            }
        }
    }
    let accounts = store.accounts().await.unwrap();
    assert_eq!(accounts.of(State::Delivered), accounts.accepted);
    assert!(accounts.reclaims > 0, "nothing was ever left behind");
}

fn is_whole(file: &Path) {
    let database = Connection::open(file).unwrap();
    let verdict: String = database
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
}
