//! More than one engine over one file, and engines that end too early.

use std::{pin::pin, sync::Arc, time::Duration};

use annunciator::{
    Route,
    store::{State, Store as _},
};
use annunciator_testkit::http::Fault;
use annunciator_tests::foreign::WAIT_TIMEOUT;
use futures_util::poll;

use crate::{
    desk::{Desk, ended, records, status, submit, wait_until},
    hindered::{Brake, Hindered},
};

#[tokio::test]
async fn what_one_left_unfinished_another_finishes() {
    let desk = Desk::new().await;
    let first = desk.engine_on_file().await;
    desk.remote.always(Fault::Silent);
    submit(&first, "disk full").await;
    wait_until(&first, |records| records[0].state == State::InFlight).await;
    let drained = first.shutdown(Duration::ZERO).await;
    assert_eq!(drained.abandoned, 1);
    drop(first);
    desk.remote.always(None);
    let second = desk.engine_on_file().await;
    assert_eq!(ended(&second).await, [State::Delivered]);
    assert_eq!(desk.arrived(), ["disk full"]);
    // Nobody knew whether the first had sent it.
    assert_eq!(records(&second).await[0].reclaims, 1);
}

#[tokio::test]
async fn what_waits_for_its_next_attempt_outlives_its_engine() {
    let desk = Desk::new().await;
    let first = desk.engine_on_file().await;
    desk.remote.always(status(503));
    submit(&first, "disk full").await;
    wait_until(&first, |records| records[0].attempts > 0).await;
    let drained = first.shutdown(Duration::from_secs(60)).await;
    drop(first);
    desk.remote.always(None);
    let second = desk.engine_on_file().await;
    assert_eq!(ended(&second).await, [State::Delivered]);
    assert_eq!(desk.arrived(), ["disk full"]);
    // Unless its next attempt was under way just then.
    let again = usize::try_from(records(&second).await[0].reclaims).unwrap();
    assert_eq!(again, drained.abandoned);
}

#[tokio::test]
async fn two_at_once_deliver_each_once() {
    // A claim holds for as long as an attempt may take: on the clock of these tests, and
    // on a machine that is busy, the usual time may run out.
    let options = "timeout: 30m, ttl: 12h, retry: {attempts: 100, max: 20s}";
    let desk = Desk::new().await.with(options);
    let engines = [desk.engine_on_file().await, desk.engine_on_file().await];
    desk.remote.always(status(503));
    for i in 0..100 {
        submit(&engines[i % 2], &format!("message {i}")).await;
    }
    wait_until(&engines[0], |records| {
        // After ten in a row that failed, only one at a time is tried.
        records.iter().map(|record| record.attempts).sum::<u32>() >= 10
    })
    .await;
    desk.remote.always(None);
    assert_eq!(ended(&engines[0]).await, [State::Delivered; 100]);
    let mut arrived = desk.arrived();
    assert_eq!(arrived.len(), 100, "each once");
    arrived.sort();
    arrived.dedup();
    assert_eq!(arrived.len(), 100);
}

#[tokio::test]
async fn whoever_submits_again_for_want_of_an_answer_notifies_nobody_twice() {
    let desk = Desk::new().await;
    let engines = [desk.engine_on_file().await, desk.engine_on_file().await];
    let mut receipts = Vec::new();
    for engine in &engines {
        let submitted = engine.submit(Route::Defaults, "backup failed", Some("backup/1"));
        receipts.push(submitted.await.unwrap());
        ended(engine).await;
    }
    assert_eq!((receipts[0].repeated, receipts[1].repeated), (false, true));
    assert_eq!(receipts[0].notification, receipts[1].notification);
    assert_eq!(receipts[1].deliveries[0].state, State::Delivered);
    assert_eq!(desk.arrived(), ["backup failed"]);
}

/// It counts as under way from when it is claimed, not from when it is handed out.
#[tokio::test]
async fn what_is_being_claimed_when_an_engine_ends_is_ended_by_it() {
    let desk = Desk::new().await;
    let (mut store, brake) = (Hindered::default(), Arc::new(Brake::default()));
    store.brake = Some(Arc::clone(&brake));
    let engine = desk.engine_on(Arc::new(store)).await;
    // The first attempt needs no claim.
    desk.remote.always(status(503));
    submit(&engine, "disk full").await;
    brake.has_claimed.notified().await;
    desk.remote.always(None);
    let mut ending = pin!(engine.shutdown(WAIT_TIMEOUT));
    // All that can happen without the store has happened by then.
    for _ in 0..1000 {
        assert!(poll!(&mut ending).is_pending(), "it was forgotten");
        tokio::task::yield_now().await;
    }
    brake.let_go.notify_one();
    assert_eq!(ending.await.abandoned, 0);
    assert_eq!(desk.arrived(), ["disk full"]);
    assert_eq!(records(&engine).await[0].state, State::Delivered);
}

/// The store has answered so late that another process may claim it as well.
#[tokio::test]
async fn what_is_accepted_when_its_claim_has_run_out_is_claimed_anew() {
    // Long enough for an attempt on a machine that is busy: the clock hurries.
    let desk = Desk::new().await.with("timeout: 30s");
    let (mut store, brake) = (Hindered::default(), Arc::new(Brake::default()));
    store.brake = Some(Arc::clone(&brake));
    let store = Arc::new(store);
    let engine = desk.engine_on(Arc::clone(&store) as _).await;
    let (intake, pending) = engine.prepare(Route::Defaults, "disk full", None).unwrap();
    pending.release()();
    let accepted = store.accept(intake).await;
    // The timeout, and what a claim lasts beyond it.
    desk.pass(Duration::from_secs(91)).await;
    pending.accepted(accepted).unwrap();
    let claimed = tokio::time::timeout(WAIT_TIMEOUT, brake.has_claimed.notified());
    claimed.await.expect("it is sent under the old claim");
    assert!(desk.arrived().is_empty());
    brake.let_go.notify_one();
    wait_until(&engine, |records| records[0].state == State::Delivered).await;
    assert_eq!(engine.shutdown(WAIT_TIMEOUT).await.abandoned, 0);
    assert_eq!(desk.arrived(), ["disk full"]);
}
