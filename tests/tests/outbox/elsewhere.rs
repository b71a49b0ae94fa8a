//! What goes wrong in other systems, by the reports of their users; those that
//! no other file here is about.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use annunciator::{
    Kind, Notification, Route,
    store::{Attempt, ClaimRequest, Next, Settlement, SqliteStore, State, Store as _},
};
use annunciator_testkit::{hasty::Hasty, http::Fault, rig::Rig};
use annunciator_tests::foreign::wait_for;
use tokio::task::spawn_blocking;

use crate::{
    desk::{Desk, attempts, ended, records, status, wait_until},
    pair::Pair,
};

fn of_incident(text: &str, kind: Kind) -> Notification {
    Notification::new(text).kind(kind).incident("web-01/cpu")
}

#[tokio::test]
async fn the_end_of_a_problem_outlives_a_restart() {
    let desk = Desk::new().await;
    let first = desk.engine_on_file().await;
    let notify = |text, kind| first.submit(Route::Defaults, of_incident(text, kind), None);
    notify("down", Kind::Problem).await.unwrap();
    ended(&first).await;
    desk.remote.always(status(503));
    notify("up", Kind::Recovery).await.unwrap();
    wait_until(&first, |records| records[1].attempts > 0).await;
    let _ = first.shutdown(Duration::from_secs(60)).await;
    drop(first);
    desk.remote.always(None);
    let second = desk.engine_on_file().await;
    assert_eq!(ended(&second).await, [State::Delivered; 2]);
    assert_eq!(desk.arrived(), ["down", "up"]);
}

#[tokio::test]
async fn the_end_of_a_problem_that_fails_once_is_sent_all_the_same() {
    let desk = Desk::new().await;
    let engine = desk.engine().await;
    for (text, kind) in [("down", Kind::Problem), ("up", Kind::Recovery)] {
        desk.remote.fault(status(500));
        let notified = engine.submit(Route::Defaults, of_incident(text, kind), None);
        notified.await.unwrap();
        ended(&engine).await;
    }
    assert_eq!(desk.arrived(), ["down", "up"]);
}

#[tokio::test]
async fn a_dead_channel_holds_up_no_other() {
    let pair = Pair::new().await;
    let both = "default_notification_channels: [pager, chat]";
    let engine = pair.engine("", both).await;
    pair.pager.always(Fault::Silent);
    for number in 0..100 {
        let text = format!("alarm {number}");
        engine.submit(Route::Defaults, text, None).await.unwrap();
    }
    pair.chat.wait_for(100).await.unwrap();
    let records = records(&engine).await;
    let pager = records.iter().filter(|record| record.channel == "pager");
    assert!(pager.into_iter().all(|record| !record.state.has_ended()));
}

#[tokio::test]
async fn an_answer_that_is_slow_is_not_a_reason_to_notify_others() {
    let pair = Pair::new().await;
    let groups = "notification_groups:
  oncall: {first_of: [pager, chat], step_after: 10m}
default_notification_channels: [oncall]";
    let engine = pair.engine("", groups).await;
    pair.pager.fault(Fault::Slow(Duration::from_millis(100)));
    let submitted = engine.submit(Route::Defaults, "down", None).await;
    assert_eq!(submitted.unwrap().deliveries.len(), 2);
    assert_eq!(ended(&engine).await, [State::Delivered, State::Superseded]);
    assert!(pair.chat().is_empty());
}

#[tokio::test]
async fn who_got_it_does_not_get_it_again_when_a_person_has_it_tried_again() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let yaml = "notification_channels: {two: {type: steady, outcomes: [ok, never]}}
default_notification_channels: [two]
delivery: {retry: {attempts: 3}}";
    let builder = rig.exactly(yaml).unwrap();
    let builder = builder.clock(std::sync::Arc::new(Hasty::default()));
    let engine = builder.start().await.unwrap();
    let receipt = engine.submit(Route::Defaults, "hello", None).await;
    let delivery = receipt.unwrap().deliveries[0].delivery;
    assert_eq!(ended(&engine).await, [State::Failed]);
    let now_ms = records(&engine).await[0].ended_ms.unwrap();
    let store = engine.store().unwrap();
    assert_eq!(store.retry(vec![delivery], now_ms).await.unwrap(), 1);
    wait_until(&engine, |records| {
        records[0].attempts == 2 && records[0].state.has_ended()
    })
    .await;
    let outcomes: Vec<String> = attempts(&engine)
        .await
        .into_iter()
        .map(|attempt| attempt.outcome)
        .collect();
    assert!(
        outcomes[0].contains("\"class\":\"delivered\""),
        "{outcomes:?}"
    );
    assert!(
        !outcomes[1].contains("\"class\":\"delivered\""),
        "{outcomes:?}"
    );
}

/// Both processes deliver from one file, as `hbd send` and the monitor do.
#[tokio::test]
async fn who_waits_is_notified_of_what_another_process_delivered() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let file = rig.folder().join("outbox.sqlite");
    let yaml = "notification_channels: {a: {type: steady, outcomes: [later]}}
default_notification_channels: [a]
delivery: {retry: {first: 10m, max: 10m}, wait: 1h}";
    let store = Arc::new(SqliteStore::open(&file).unwrap());
    let builder = rig.exactly(yaml).unwrap().store(store);
    let engine = Arc::new(builder.start().await.unwrap());
    let notified = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { engine.notify_default("down").await.unwrap() }
    });
    wait_until(&engine, |records| {
        { records.iter() }.any(|record| record.attempts == 1 && record.state == State::Pending)
    })
    .await;
    let record = records(&engine).await.remove(0);
    let other = SqliteStore::open(&file).unwrap();
    let now_ms = record.due_ms.unwrap();
    let claimed = other.claim(ClaimRequest {
        channel: "a".into(),
        limit: 1,
        now_ms,
        lease_until_ms: now_ms + 60_000,
        in_flight: Vec::new(),
        only_expired: false,
    });
    let claim = claimed.await.unwrap().remove(0);
    let settled = other.settle(Settlement {
        delivery: claim.delivery,
        fence: claim.fence,
        now_ms,
        attempt: Some(Attempt {
            began_ms: now_ms,
            ended_ms: now_ms,
            outcome: "[]".to_owned(),
        }),
        is_uncounted: false,
        proof: None,
        may_have_arrived: false,
        next: Next::End {
            state: State::Delivered,
            why: String::new(),
            targets: Vec::new(),
        },
    });
    settled.await.unwrap();
    let report = notified.await.unwrap();
    assert!(report.all_delivered(), "{report:?}");
    let channel = &report.channels()["a"];
    assert_eq!((channel.state, channel.attempts), (State::Delivered, 2));
    let note = &channel.targets[0].notes[0];
    assert!(note.starts_with("another process delivers"), "{note}");
}

/// As `hbd send` does, which ends afterwards.
#[tokio::test]
async fn who_ends_afterwards_waits_for_the_attempt_that_is_under_way() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let (file, notes) = (rig.folder().join("go"), rig.folder().join("notes"));
    let yaml = format!(
        "notification_channels: {{a: {{type: steady, wait_for: '{}', notes: '{}'}}}}
default_notification_channels: [a]
delivery: {{wait: 500ms}}",
        file.display(),
        notes.display()
    );
    let notified = async |awaits| {
        let builder = rig.exactly(&yaml).unwrap().await_attempts(awaits);
        let engine = builder.start().await.unwrap();
        engine.notify_default("down").await.unwrap().channels()["a"].state
    };
    assert_eq!(notified(false).await, State::InFlight);
    let go = async {
        // Once the attempt is under way and the time for waiting is over.
        let began = Instant::now();
        let is_so_far = move || {
            let attempts = fs::read_to_string(&notes).unwrap();
            let is_under_way = attempts.matches("waiting").count() == 2;
            (is_under_way && began.elapsed() > Duration::from_millis(500)).then_some(())
        };
        let waiting = spawn_blocking(move || wait_for("the second attempt", is_so_far));
        waiting.await.unwrap().unwrap();
        fs::write(&file, "").unwrap();
    };
    assert_eq!(tokio::join!(notified(true), go).0, State::Delivered);
}
