//! Problems, their reminders and their ends: in order, and only to those who
//! know.

use annunciator::{
    Engine, Kind, Notification, Route, Severity,
    store::{Record, State},
};
use annunciator_testkit::http::Fault;

use crate::desk::{Desk, ended, records, status, wait_until};

async fn submit(engine: &Engine, text: &str, kind: Kind) {
    let notification = Notification::new(text).kind(kind).incident("web-01/cpu");
    let receipt = engine.submit(Route::Defaults, notification, None).await;
    receipt.unwrap();
}

#[tokio::test]
async fn a_problem_that_is_over_before_it_could_be_sent_is_not_sent() {
    let desk = Desk::new().await;
    let engine = desk.engine().await;
    desk.remote.always(status(503));
    submit(&engine, "down", Kind::Problem).await;
    wait_until(&engine, |records| records[0].state == State::Pending).await;
    submit(&engine, "up", Kind::Recovery).await;
    assert_eq!(ended(&engine).await, [State::Superseded; 2]);
    desk.remote.always(None);
    submit(&engine, "down again", Kind::Problem).await;
    ended(&engine).await;
    assert_eq!(desk.arrived(), ["down again"]);
}

#[tokio::test]
async fn a_recovery_that_comes_while_the_problem_is_being_sent_follows_it() {
    let desk = Desk::new().await;
    let engine = desk.engine().await;
    desk.remote
        .fault(Fault::Slow(std::time::Duration::from_millis(50)));
    submit(&engine, "down", Kind::Problem).await;
    submit(&engine, "up", Kind::Recovery).await;
    assert_eq!(records(&engine).await[1].state, State::Pending);
    assert_eq!(ended(&engine).await, [State::Delivered; 2]);
    assert_eq!(desk.arrived(), ["down", "up"]);
}

#[tokio::test]
async fn whoever_waits_for_a_recovery_learns_that_it_is_pointless() {
    let desk = Desk::new().await;
    let engine = desk.engine().await;
    desk.remote.always(status(503));
    submit(&engine, "down", Kind::Problem).await;
    wait_until(&engine, |records| records[0].state == State::Pending).await;
    let up = Notification::new("up")
        .kind(Kind::Recovery)
        .incident("web-01/cpu");
    let report = engine.notify_default(up).await.unwrap();
    let channel = &report.channels()["ops"];
    assert_eq!(
        (channel.delivered, channel.state),
        (false, State::Superseded)
    );
}

#[tokio::test]
async fn whoever_waits_for_a_problem_learns_that_it_is_over() {
    let desk = Desk::new().await;
    let engine = desk.engine().await;
    desk.remote.always(status(503));
    let down = Notification::new("down")
        .kind(Kind::Problem)
        .incident("web-01/cpu");
    let waiting = tokio::spawn({
        let engine = engine.clone();
        async move { engine.notify_default(down).await.unwrap() }
    });
    let is_repeated = |records: &[Record]| {
        records
            .iter()
            .any(|record| record.attempts > 0 && record.state == State::Pending)
    };
    wait_until(&engine, is_repeated).await;
    submit(&engine, "up", Kind::Recovery).await;
    let report = waiting.await.unwrap();
    assert_eq!(report.channels()["ops"].state, State::Superseded);
}

#[tokio::test]
async fn what_belongs_together_arrives_in_order_whatever_fails() {
    let desk = Desk::new().await;
    let engine = desk.engine().await;
    for fault in [status(503), Fault::ResetBeforeStoring] {
        desk.remote.fault(fault);
    }
    for i in 0..10 {
        submit(&engine, &format!("message {i}"), Kind::Message).await;
    }
    assert_eq!(ended(&engine).await, [State::Delivered; 10]);
    let expected: Vec<String> = (0..10).map(|i| format!("message {i}")).collect();
    assert_eq!(desk.arrived(), expected);
}

#[tokio::test]
async fn what_is_too_mild_for_a_channel_is_suppressed_with_its_rule() {
    let desk = Desk::new().await.with("min_severity: critical");
    let engine = desk.engine().await;
    let mild = Notification::new("load is high")
        .kind(Kind::Problem)
        .severity(Severity::Warning)
        .incident("web-01/load");
    let report = engine.notify_default(mild).await.unwrap();
    let channel = &report.channels()["ops"];
    assert_eq!(channel.state, State::Suppressed);
    assert_eq!(
        channel.targets[0].notes,
        ["min_severity: warning is milder than critical"]
    );
    assert_eq!(records(&engine).await[0].why, channel.targets[0].notes[0]);
    // Who was not told the problem is not told its end.
    let over = Notification::new("load is fine")
        .kind(Kind::Recovery)
        .incident("web-01/load");
    engine.notify_default(over).await.unwrap();
    assert_eq!(ended(&engine).await, [State::Suppressed, State::Superseded]);
    assert!(desk.arrived().is_empty());
}
