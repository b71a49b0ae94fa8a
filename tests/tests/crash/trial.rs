//! Kills the process, round after round, and lets the remote fail meanwhile.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use annunciator::{
    Engine,
    store::{Query, Record, SqliteStore},
};
use annunciator_testkit::{
    http::{Answer, Fault},
    mattermost::Mattermost,
    rig::Rig,
};
use rusqlite::Connection;
use serde_json::json;

use crate::{
    child,
    disk::{Disk, DiskFaults, Plan},
    findings::{Findings, text},
    log::About,
    random::Random,
    stories,
};

/// A kill comes at most so long after a start, in milliseconds.
const MAX_LIFE_MS: u64 = 400;
/// Enough for every wait of the test, whatever else the machine does.
const WAIT_TIMEOUT: Duration = Duration::from_secs(300);
/// As many as a run can have.
const ALL: u32 = 10_000_000;

/// What the remote does in a round.
fn fault(random: &mut Random) -> Option<Fault> {
    let slow = Duration::from_millis(random.below(30));
    match random.below(8) {
        0 => Some(Fault::Answer(Answer::json(
            503,
            &json!({"message": "later"}),
        ))),
        1 => {
            let busy = Answer::json(429, &json!({"message": "slow down"}));
            Some(Fault::Answer(busy.header("Retry-After", "3")))
        }
        2 => Some(Fault::ResetBeforeStoring),
        3 => Some(Fault::ResetAfterStoring),
        4 => Some(Fault::SilentAfterStoring),
        5 => None,
        _ => Some(Fault::Slow(slow)),
    }
}

/// Kills as often as it is told, and finds out what came of it.
pub async fn run(rounds: u64, seed: u64) -> Findings {
    let mut random = Random::new(seed);
    let disk = Disk::new();
    let remote = Mattermost::builder()
        .channel("ops")
        .hook("h1", "ops")
        .start()
        .await;
    let rig = Rig::new(&["annunciator-mattermost"]).unwrap();
    let yaml = format!(
        "notification_channels:
  ops: {{type: mattermost, host: '{}', token: h1, channel: ops,
        delivery: {{retry: {{attempts: 100, max: 20s}}}}}}
default_notification_channels: [ops]
",
        remote.url()
    );
    drop(rig.configured(&yaml).unwrap());
    let (mut on_bad_disks, mut in_pairs) = (0, 0);
    for round in 0..rounds {
        remote.always(fault(&mut random));
        let plan = Plan::draw(&mut random);
        on_bad_disks += u64::from(plan.is_some());
        let start = |name: String| child::start(&rig, &name, &disk, plan.as_ref());
        let mut children = vec![start(round.to_string())];
        if random.below(4) == 0 {
            in_pairs += 1;
            children.push(start(format!("{round}b")));
        }
        let life = Duration::from_millis(100 + random.below(MAX_LIFE_MS - 100));
        tokio::time::sleep(life).await;
        for mut child in children {
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    remote.always(None);
    let folder = rig.folder();
    let store = SqliteStore::open(child::file(folder)).unwrap();
    let engine = child::engine(folder, rig.plugins(), store).await;
    let store = engine.store().unwrap();
    let (mut records, mut problems) = (Vec::new(), Vec::new());
    for record in all_ended(&engine).await {
        let attempts = store.attempts(record.delivery).await.unwrap();
        let text = text(&record);
        if text.starts_with(child::MARK) {
            records.push((record, attempts));
        } else if text.starts_with(stories::MARK) {
            problems.push((record, attempts));
        }
    }
    let arrived = remote.messages().into_iter().map(|post| {
        let text = post.attachments()[0]["text"].as_str().map(str::to_owned);
        // What comes late says so in another line.
        let first = text.unwrap().lines().next().map(str::to_owned);
        first.unwrap()
    });
    let (arrived, others): (Vec<String>, Vec<String>) =
        arrived.partition(|text| text.starts_with(child::MARK));
    let (notified, notices): (Vec<String>, Vec<String>) =
        { others.into_iter() }.partition(|text| text.starts_with(stories::MARK));
    Findings {
        rounds,
        on_bad_disks,
        disk_faults: DiskFaults::read(folder),
        receipts: About::Receipts.set(folder),
        unrecorded: About::Unrecorded.set(folder),
        refused: About::Refused.lines(folder).len(),
        late: About::Late.lines(folder).len(),
        damage: damage(&child::file(folder)),
        arrived,
        notices: notices.len(),
        accounts: store.accounts().await.unwrap(),
        stories: stories::notified(&problems, &notified),
        in_pairs,
        records,
    }
}

/// What SQLite finds wrong with the file.
fn damage(file: &Path) -> String {
    let database = Connection::open(file).unwrap();
    let check = "PRAGMA integrity_check";
    database.query_row(check, [], |row| row.get(0)).unwrap()
}

async fn all_ended(engine: &Engine) -> Vec<Record> {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let query = Query {
            limit: ALL,
            ..Query::default()
        };
        let records = engine.store().unwrap().deliveries(query).await.unwrap();
        let open = records.iter().filter(|record| !record.state.has_ended());
        let open = open.count();
        if open == 0 {
            return records;
        }
        assert!(Instant::now() < deadline, "{open} have not ended");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
