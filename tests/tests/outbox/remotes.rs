//! Remotes that fail: for a while, for good, or without a word.

use annunciator::store::State;
use annunciator_testkit::http::{Answer, Fault};
use serde_json::json;

use crate::desk::{Desk, attempts, ended, records, status, submit, wait_until};

#[tokio::test]
async fn one_that_fails_for_a_while_is_tried_until_it_delivers() {
    let desk = Desk::new().await;
    let engine = desk.engine().await;
    for fault in [status(503), Fault::ResetBeforeStoring, status(500)] {
        desk.remote.fault(fault);
    }
    let receipt = submit(&engine, "disk full").await;
    assert!(!receipt.repeated);
    assert_eq!(ended(&engine).await, [State::Delivered]);
    assert_eq!(desk.arrived(), ["disk full"]);
    let outcomes = attempts(&engine).await;
    assert_eq!(outcomes.len(), 4);
    assert!(outcomes[0].outcome.contains("503"), "{outcomes:?}");
    assert!(
        outcomes[3].outcome.contains("\"delivered\""),
        "{outcomes:?}"
    );
    assert_eq!(records(&engine).await[0].attempts, 4);
}

#[tokio::test]
async fn one_that_says_how_long_to_wait_is_left_alone_for_that_long() {
    let desk = Desk::new().await;
    let engine = desk.engine().await;
    let busy = Answer::json(429, &json!({"message": "slow down"})).header("Retry-After", "20");
    desk.remote.fault(Fault::Answer(busy));
    submit(&engine, "disk full").await;
    assert_eq!(ended(&engine).await, [State::Delivered]);
    let attempts = attempts(&engine).await;
    let pause = attempts[1].began_ms - attempts[0].ended_ms;
    // Of the engine's time: nothing else waits as long after one attempt.
    assert!(pause >= 20_000, "{pause}");
}

#[tokio::test]
async fn one_that_refuses_for_good_is_not_asked_again() {
    let desk = Desk::new().await;
    let engine = desk.engine().await;
    desk.remote.fault(status(400));
    submit(&engine, "disk full").await;
    assert_eq!(ended(&engine).await, [State::Failed]);
    assert_eq!(attempts(&engine).await.len(), 1);
    assert!(desk.arrived().is_empty());
}

#[tokio::test]
async fn one_whose_answer_is_lost_gets_it_again_rather_than_never() {
    let desk = Desk::new().await;
    let engine = desk.engine().await;
    desk.remote.fault(Fault::ResetAfterStoring);
    submit(&engine, "disk full").await;
    assert_eq!(ended(&engine).await, [State::Delivered]);
    assert_eq!(desk.arrived(), ["disk full", "disk full"]);
    assert!(attempts(&engine).await[0].outcome.contains("\"unknown\""));
}

#[tokio::test]
async fn one_that_takes_all_and_never_answers_does_not_get_it_for_ever() {
    let desk = Desk::new().await.with("retry: {attempts: 3}");
    let engine = desk.engine().await;
    desk.remote.always(Fault::ResetAfterStoring);
    submit(&engine, "disk full").await;
    assert_eq!(ended(&engine).await, [State::Unknown]);
    assert_eq!(desk.arrived().len(), 3);
}

#[tokio::test]
async fn one_that_is_down_holds_up_no_caller_and_nothing_is_lost() {
    let desk = Desk::new().await;
    let engine = desk.engine().await;
    desk.remote.always(status(502));
    for i in 0..200 {
        submit(&engine, &format!("message {i}")).await;
    }
    wait_until(&engine, |records| {
        let tried = records.iter().filter(|record| record.attempts > 0);
        tried.count() >= 10
    })
    .await;
    desk.remote.always(None);
    assert_eq!(ended(&engine).await, [State::Delivered; 200]);
    let mut arrived = desk.arrived();
    arrived.sort();
    arrived.dedup();
    assert_eq!(arrived.len(), 200);
}
