//! The recorder on real files and a real engine: what is recorded together, and what
//! becomes of messages when the disk fails or hangs.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::Duration,
};

use annunciator::{
    Engine,
    store::{MemoryStore, Query, Record, SqliteFile, SqliteStore, State, Store},
};
use annunciator_testkit::rig::Rig;
use rusqlite::Transaction;

use super::*;
use crate::{
    incidents::{Message, OutboundMessage},
    machine::{Entry, Moment},
    store::{Batch, Location, StateStore},
};

const YAML: &str = "notification_channels:
  pager: {type: steady, text: x}
";
/// The timeout for conditions: generous, since machines may be busy.
const TIMEOUT: Duration = Duration::from_secs(60);

fn outbound(id: u64) -> OutboundMessage {
    let message = Message {
        host: Some("a".into()),
        ..Message::about_monitor(&format!("message {id}"), 0)
    };
    OutboundMessage {
        id,
        key: format!("k/{id}").into(),
        names: vec!["pager".into()],
        message: Arc::new(message),
    }
}

fn line(text: &str) -> Batch {
    let mut batch = Batch::default();
    batch.history.push(Entry {
        host: "a".into(),
        at: Moment::default(),
        text: text.to_owned(),
        state: None,
    });
    batch
}

/// A recorder, and what it writes to.
struct Desk {
    rig: Rig,
    file: Arc<SqliteFile>,
    engine: Engine,
    recorder: Recorder,
}

impl Desk {
    /// Creates a desk whose engine stores its deliveries in the state file.
    async fn new(waiting: Vec<OutboundMessage>) -> Self {
        let rig = Rig::new(&["fixture-steady"]).unwrap();
        let state = state(rig.folder());
        let file = Arc::clone(state.file());
        let store = Arc::new(SqliteStore::open_in(Arc::clone(&file)).await.unwrap());
        Self::configured(YAML, rig, state, Some(Arc::clone(&store)), store, waiting).await
    }

    /// Creates a desk whose engine stores them elsewhere.
    async fn with_deliveries_elsewhere(waiting: Vec<OutboundMessage>) -> Self {
        let rig = Rig::new(&["fixture-steady"]).unwrap();
        let state = state(rig.folder());
        Self::configured(
            YAML,
            rig,
            state,
            None,
            Arc::<MemoryStore>::default(),
            waiting,
        )
        .await
    }

    async fn configured(
        yaml: &str,
        rig: Rig,
        state: StateStore,
        deliveries: Option<Arc<SqliteStore>>,
        store: Arc<dyn Store>,
        waiting: Vec<OutboundMessage>,
    ) -> Self {
        let builder = rig.configured(yaml).unwrap().notify_of_alerts(false);
        let engine = builder.store(store).start().await.unwrap();
        let file = Arc::clone(state.file());
        for one in waiting.clone() {
            let batch = Batch::default().outbound([one]);
            let written = file.write(move |transaction| crate::store::write(transaction, &batch));
            written.await.unwrap();
        }
        let records = Records {
            state: Ok(state),
            deliveries,
        };
        let recorder = Recorder::start(engine.clone(), records, waiting);
        Self {
            rig,
            file,
            engine,
            recorder,
        }
    }

    /// Blocks the writing thread until the sender is dropped.
    async fn hang(&self) -> mpsc::Sender<()> {
        hang(&self.file, |_| Ok(())).await
    }

    async fn limit_pages(&self, more: i64) {
        let limited = self
            .file
            .write(move |transaction| limit_pages(transaction, more));
        limited.await.unwrap();
    }

    async fn until(&self, what: &str, holds: impl Fn(&Recorder) -> bool) {
        let waiting = async {
            while !holds(&self.recorder) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(TIMEOUT, waiting).await;
        assert!(waited.is_ok(), "waited in vain: {what}");
    }

    /// Returns the deliveries, oldest first.
    async fn deliveries(&self) -> Vec<Record> {
        let store = self.engine.store().unwrap();
        let query = Query {
            limit: 1000,
            ..Query::default()
        };
        let mut deliveries = store.deliveries(query).await.unwrap();
        deliveries.reverse();
        deliveries
    }

    async fn history(&self) -> Vec<String> {
        let lines = self.recorder.history("a", 1000).await;
        lines.into_iter().map(|line| line.text).collect()
    }

    async fn rows(&self) -> i64 {
        let count = self.file.read(|transaction| {
            transaction.query_row("SELECT count(*) FROM monitor_waiting", [], |row| row.get(0))
        });
        count.await.unwrap()
    }
}

/// Blocks the writing thread of a file until the sender is dropped; does `last` before it
/// goes on.
async fn hang(
    file: &SqliteFile,
    last: impl Fn(&Transaction<'_>) -> rusqlite::Result<()> + Send + 'static,
) -> mpsc::Sender<()> {
    let (open, gate) = mpsc::channel::<()>();
    let (begins, begun) = tokio::sync::oneshot::channel();
    let mut begins = Some(begins);
    drop(file.write(move |transaction| {
        let _ = begins.take().map(|begins| begins.send(()));
        let _ = gate.recv();
        last(transaction)
    }));
    begun.await.unwrap();
    open
}

/// Lets the file grow by so many pages, as a disk that is almost full does.
fn limit_pages(transaction: &Transaction<'_>, more: i64) -> rusqlite::Result<()> {
    let pages: i64 = transaction.pragma_query_value(None, "page_count", |row| row.get(0))?;
    transaction.pragma_update(None, "max_page_count", pages + more)
}

/// Creates a desk whose channel delivers nothing before the file of that path is there, and
/// the file in which its deliveries are: the state file, or another.
async fn with_a_slow_channel(is_elsewhere: bool) -> (Desk, PathBuf, Arc<SqliteFile>) {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let go = rig.folder().join("go");
    let yaml =
        format!("notification_channels:\n  pager: {{type: steady, text: x, wait_for: {go:?}}}\n");
    let own = state(rig.folder());
    let file = if is_elsewhere {
        let folder = rig.folder().join("elsewhere");
        std::fs::create_dir(&folder).unwrap();
        Arc::clone(state(&folder).file())
    } else {
        Arc::clone(own.file())
    };
    let store = Arc::new(SqliteStore::open_in(Arc::clone(&file)).await.unwrap());
    let deliveries = (!is_elsewhere).then(|| Arc::clone(&store));
    let desk = Desk::configured(&yaml, rig, own, deliveries, store, Vec::new()).await;
    (desk, go, file)
}

fn state(folder: &Path) -> StateStore {
    StateStore::open(&Location::File(folder.join("state.sqlite"))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_and_its_messages_are_in_the_file_together() {
    let desk = Desk::new(Vec::new()).await;
    let change = line("a change").outbound([outbound(1), outbound(2)]);
    desk.recorder.record(change);
    desk.recorder.written().await;
    // In one transaction, whatever the writing thread does meanwhile.
    let counts = desk.file.read(|transaction| {
        let count = |table| transaction.query_row(table, [], |row| row.get::<_, i64>(0));
        Ok((
            count("SELECT count(*) FROM monitor_history")?,
            count("SELECT count(*) FROM outbox_notification")?,
            count("SELECT count(*) FROM monitor_waiting")?,
        ))
    });
    assert_eq!(counts.await.unwrap(), (1, 2, 0));
    desk.until("all recorded", |recorder| recorder.waiting() == 0)
        .await;
    let channels: Vec<_> = desk
        .deliveries()
        .await
        .into_iter()
        .map(|one| one.channel)
        .collect();
    assert_eq!(channels, ["pager", "pager"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_change_cannot_be_written_its_messages_are_not_accepted_and_sent_once() {
    let desk = Desk::new(Vec::new()).await;
    desk.limit_pages(0).await;
    let long = "x".repeat(100_000);
    desk.recorder.record(line(&long).outbound([outbound(1)]));
    desk.until("a message told", |recorder| recorder.waiting() == 0)
        .await;
    let problem = desk.recorder.problem().unwrap();
    assert!(problem.contains("the disk is full"), "{problem}");
    assert!(desk.deliveries().await.is_empty());
    desk.limit_pages(1_000_000).await;
    desk.until("its health", |recorder| recorder.problem().is_none())
        .await;
    let expected = [
        long,
        "notified without a record of deliveries (pager delivered): message 1".to_owned(),
    ];
    assert_eq!(desk.history().await, expected);
    assert_eq!((desk.rows().await, desk.deliveries().await.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_disk_hangs_people_are_notified_once_and_in_order_and_all_is_written_in_the_end()
{
    let desk = Desk::new(Vec::new()).await;
    let gate = desk.hang().await;
    for id in 1..=50 {
        desk.recorder
            .record(line("a change").outbound([outbound(id)]));
    }
    desk.until("all told", |recorder| recorder.waiting() == 0)
        .await;
    let problem = desk.recorder.problem().unwrap();
    assert!(problem.contains("the disk does not answer"), "{problem}");
    drop(gate);
    desk.until("its health", |recorder| recorder.problem().is_none())
        .await;
    let mut history = desk.history().await;
    history.retain(|text| text != "a change");
    let notified = (1..=50).map(|id| {
        format!("notified without a record of deliveries (pager delivered): message {id}")
    });
    assert_eq!(history, notified.collect::<Vec<_>>());
    // A write that was given up before it began accepts nothing when it is written.
    assert_eq!((desk.rows().await, desk.deliveries().await.len()), (0, 0));
    assert_eq!(desk.recorder.history("a", 1000).await.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_times_out_and_then_fails_notifies_nobody_twice() {
    let desk = Desk::new(Vec::new()).await;
    let gate = hang(&desk.file, |transaction| limit_pages(transaction, 0)).await;
    let long = "x".repeat(100_000);
    desk.recorder.record(line(&long).outbound([outbound(1)]));
    desk.until("a message told", |recorder| recorder.waiting() == 0)
        .await;
    drop(gate);
    let is_full = |recorder: &Recorder| {
        let problem = recorder.problem();
        problem.is_some_and(|problem| problem.contains("the disk is full"))
    };
    desk.until("a failure", is_full).await;
    desk.limit_pages(1_000_000).await;
    desk.until("its health", |recorder| recorder.problem().is_none())
        .await;
    let mut history = desk.history().await;
    history.retain(|text| *text != long);
    let once = "notified without a record of deliveries (pager delivered): message 1";
    assert_eq!(history, [once]);
    assert_eq!((desk.rows().await, desk.deliveries().await.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_waits_in_its_row_for_the_one_before_it_that_is_delivered_without_a_record() {
    for is_elsewhere in [false, true] {
        let (desk, go, deliveries) = with_a_slow_channel(is_elsewhere).await;
        let limited = deliveries.write(|transaction| limit_pages(transaction, 0));
        limited.await.unwrap();
        let message = Message {
            body: "x".repeat(100_000).into(),
            ..(*outbound(1).message).clone()
        };
        let first = OutboundMessage {
            message: Arc::new(message),
            ..outbound(1)
        };
        desk.recorder.record(Batch::default().outbound([first]));
        // It cannot be accepted, and is sent without a record.
        desk.until("an attempt", |_| desk.engine.deliveries_under_way() > 0)
            .await;
        let limited = deliveries.write(|transaction| limit_pages(transaction, 1_000_000));
        limited.await.unwrap();
        let others = OutboundMessage {
            message: Arc::new(Message::about_monitor("another lane", 0)),
            ..outbound(3)
        };
        desk.recorder
            .record(Batch::default().outbound([outbound(2), others]));
        desk.until("one recorded", |recorder| recorder.waiting() == 2)
            .await;
        let accepted = desk.deliveries().await;
        let texts: Vec<_> = accepted.iter().map(|one| one.content.clone()).collect();
        assert_eq!(texts.len(), 1, "{texts:?}");
        assert!(texts[0].contains("another lane"), "{texts:?}");
        std::fs::write(&go, "").unwrap();
        desk.until("all done", |recorder| recorder.waiting() == 0)
            .await;
        desk.recorder.written().await;
        let accepted = desk.deliveries().await;
        assert_eq!(accepted.len(), 2);
        assert!(accepted[1].content.contains("message 2"), "{accepted:?}");
        assert_eq!(desk.rows().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_is_shut_down_while_the_disk_hangs() {
    for is_elsewhere in [false, true] {
        let (desk, go, deliveries) = with_a_slow_channel(is_elsewhere).await;
        std::fs::write(&go, "").unwrap();
        let gate = hang(&deliveries, |_| Ok(())).await;
        desk.recorder
            .record(Batch::default().outbound([outbound(1)]));
        desk.until("a message told", |recorder| recorder.waiting() == 0)
            .await;
        let ending = async {
            desk.recorder.drain(Duration::ZERO).await;
            desk.engine.shutdown(Duration::ZERO).await
        };
        let ended = tokio::time::timeout(TIMEOUT, ending).await;
        assert!(ended.is_ok(), "it waits for the disk");
        drop(gate);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_wait_in_the_file_are_accepted_in_their_order_and_their_rows_deleted() {
    let waiting: Vec<_> = (1..=100).map(outbound).collect();
    for desk in [
        Desk::new(waiting.clone()).await,
        Desk::with_deliveries_elsewhere(waiting.clone()).await,
    ] {
        desk.recorder
            .record(Batch::default().outbound([outbound(101)]));
        desk.until("all recorded", |recorder| recorder.waiting() == 0)
            .await;
        desk.recorder.written().await;
        assert_eq!(desk.rows().await, 0);
        let deliveries = desk.deliveries().await;
        let texts: Vec<_> = deliveries.iter().map(|one| one.content.clone()).collect();
        assert_eq!(texts.len(), 101);
        for (text, id) in texts.iter().zip(1..) {
            assert!(text.contains(&format!("\"message {id}\"")), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_channel_that_is_gone_is_noted_and_its_row_deleted() {
    let gone = OutboundMessage {
        names: vec!["gone".into()],
        ..outbound(1)
    };
    for desk in [
        Desk::new(vec![gone.clone()]).await,
        Desk::with_deliveries_elsewhere(vec![gone.clone()]).await,
    ] {
        desk.until("a message noted", |recorder| recorder.waiting() == 0)
            .await;
        let noted = "not notified: there is no channel `gone` any more: message 1";
        assert_eq!(desk.history().await, [noted]);
        desk.recorder.written().await;
        assert_eq!(desk.rows().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_after_the_engine_was_shut_down_waits_for_the_next_start() {
    let desk = Desk::new(Vec::new()).await;
    desk.recorder.drain(TIMEOUT).await;
    let _ = desk.engine.shutdown(TIMEOUT).await;
    desk.recorder.record(line("late").outbound([outbound(1)]));
    let Desk {
        rig,
        file,
        engine,
        recorder,
    } = desk;
    recorder.close().await;
    drop((file, engine));
    let state = state(rig.folder());
    let stored = state.load().await.unwrap();
    assert_eq!(stored.outbound, [outbound(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_drains_waits_for_the_messages_under_way() {
    let desk = Desk::with_deliveries_elsewhere(Vec::new()).await;
    for id in 1..=200 {
        desk.recorder
            .record(Batch::default().outbound([outbound(id)]));
    }
    desk.recorder.drain(TIMEOUT).await;
    let _ = desk.engine.shutdown(TIMEOUT).await;
    desk.recorder.written().await;
    // Each message is either accepted, or waits in its row.
    let rows = usize::try_from(desk.rows().await).unwrap();
    let deliveries = desk.deliveries().await;
    assert_eq!(rows + deliveries.len(), 200);
    assert!(deliveries.iter().all(|one| one.state == State::Delivered));
}

#[tokio::test]
async fn without_a_state_it_goes_on_and_says_why() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let engine = rig.configured(YAML).unwrap().start().await.unwrap();
    let nowhere = Location::File("/nonexistent/folder/state.sqlite".into());
    let records = Records {
        state: StateStore::open(&nowhere),
        deliveries: None,
    };
    let recorder = Recorder::start(engine, records, Vec::new());
    recorder.record(line("a change"));
    let problem = recorder.problem().unwrap();
    assert!(problem.contains("/nonexistent/folder"), "{problem}");
    assert_eq!(recorder.history("a", 5).await.len(), 1);
}

/// The last write is tried once: whoever waits for the end does not wait in vain.
#[tokio::test(flavor = "multi_thread")]
async fn when_the_last_write_fails_it_ends_all_the_same() {
    let desk = Desk::new(Vec::new()).await;
    desk.limit_pages(0).await;
    desk.recorder.record(line(&"x".repeat(100_000)));
    desk.until("its problem", |recorder| recorder.problem().is_some())
        .await;
    let ended = desk.recorder.ended();
    desk.recorder.close().await;
    assert!(*ended.borrow(), "it keeps trying");
}

#[tokio::test]
async fn all_is_written_when_it_ends() {
    for is_closed in [true, false] {
        let desk = Desk::new(Vec::new()).await;
        for _ in 0..20 {
            desk.recorder.record(line("a change"));
        }
        let Desk {
            rig,
            file,
            engine,
            recorder,
        } = desk;
        drop((file, engine));
        if is_closed {
            recorder.close().await;
        } else {
            let mut ended = recorder.ended();
            drop(recorder);
            ended.wait_for(|ended| *ended).await.unwrap();
        }
        let state = state(rig.folder());
        let history = crate::store::history(state.file(), "a".to_owned(), 100).await;
        assert_eq!(history.unwrap().len(), 20);
    }
}
