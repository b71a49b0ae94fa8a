//! Somebody has taken over: what is not sent any more, and who is told.

use std::time::{Duration, SystemTime};

use annunciator::{
    Acknowledge, Engine, Kind, Notification, NotifyError, Proof, Route, Severity,
    store::{IncidentQuery, State},
};
use annunciator_testkit::pushover::USER;

use crate::{
    desk::{Desk, ended, records, wait_until},
    groups::{EMERGENCY, oncall},
    pair::Pair,
};

const INCIDENT: &str = "web-01/cpu";

fn problem(text: &str, severity: Severity) -> Notification {
    Notification::new(text)
        .kind(Kind::Problem)
        .severity(severity)
        .incident(INCIDENT)
        .host("web-01")
}

fn end() -> Notification {
    Notification::new("well again")
        .kind(Kind::Recovery)
        .incident(INCIDENT)
        .host("web-01")
}

async fn send(engine: &Engine, notification: Notification) {
    let receipt = engine.submit(Route::Defaults, notification, None).await;
    assert!(receipt.is_ok(), "{receipt:?}");
    ended(engine).await;
}

async fn last_why(engine: &Engine) -> String {
    records(engine).await.pop().unwrap().why
}

#[tokio::test]
async fn who_has_taken_over_is_told_and_no_reminder_is_sent() {
    let desk = Desk::new().await.at(1_700_000_000_000);
    let engine = desk.engine().await;
    send(&engine, problem("down", Severity::Warning)).await;
    let acknowledge = Acknowledge::host("web-01", "anna")
        .via("hbd ack")
        .note("the batch job");
    let taken = engine.acknowledge(acknowledge).await.unwrap();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert_eq!(taken[0].incident, INCIDENT);
    assert_eq!(taken[0].notified, ["ops"]);
    ended(&engine).await;
    send(&engine, problem("still down", Severity::Warning)).await;
    let why = last_why(&engine).await;
    assert!(why.starts_with("acknowledged: by anna, 22:1"), "{why}");
    send(&engine, end()).await;
    let expected = [
        "down",
        "taken over by anna: down\nthe batch job",
        "well again",
    ];
    assert_eq!(desk.arrived(), expected);
    // The next problem is another one.
    send(&engine, problem("down again", Severity::Warning)).await;
    assert_eq!(desk.arrived().len(), 4);
}

#[tokio::test]
async fn what_gets_worse_or_is_given_back_is_sent_again() {
    let desk = Desk::new().await.with("announce_acknowledgements: false");
    let engine = desk.engine().await;
    send(&engine, problem("slow", Severity::Warning)).await;
    let by_anna = || engine.acknowledge(Acknowledge::incident(INCIDENT, "anna"));
    assert_eq!(by_anna().await.unwrap()[0].notified, [""; 0]);
    send(&engine, problem("down", Severity::Critical)).await;
    by_anna().await.unwrap();
    assert!(engine.withdraw_acknowledgement(INCIDENT).await.unwrap());
    assert!(!engine.withdraw_acknowledgement(INCIDENT).await.unwrap());
    send(&engine, problem("still down", Severity::Critical)).await;
    assert_eq!(desk.arrived(), ["slow", "down", "still down"]);
}

#[tokio::test]
async fn an_acknowledgement_ends_at_the_time_that_was_set() {
    let now_ms = 1_700_000_000_000;
    let desk = Desk::new().await.at(now_ms);
    let engine = desk.engine().await;
    send(&engine, problem("down", Severity::Warning)).await;
    let started = SystemTime::UNIX_EPOCH + Duration::from_millis(now_ms.cast_unsigned());
    let until = |until| {
        let acknowledge = Acknowledge::incident(INCIDENT, "anna").until(until);
        engine.acknowledge(acknowledge)
    };
    until(started + Duration::from_secs(24 * 3600))
        .await
        .unwrap();
    send(&engine, problem("still down", Severity::Warning)).await;
    assert_eq!(records(&engine).await[2].state, State::Suppressed);
    // The same person sets another end, of which nobody is told again.
    let earlier = until(started).await.unwrap();
    assert_eq!(earlier[0].notified, [""; 0]);
    send(&engine, problem("and still down", Severity::Warning)).await;
    let expected = ["down", "taken over by anna: down", "and still down"];
    assert_eq!(desk.arrived(), expected);
}

#[tokio::test]
async fn a_channel_for_severe_problems_is_told_who_has_taken_over_all_the_same() {
    let desk = Desk::new().await.with("min_severity: critical");
    let engine = desk.engine().await;
    send(&engine, problem("down", Severity::Critical)).await;
    let acknowledge = Acknowledge::incident(INCIDENT, "anna\u{202e}\n");
    engine.acknowledge(acknowledge).await.unwrap();
    ended(&engine).await;
    assert_eq!(desk.arrived(), ["down", "taken over by anna: down"]);
}

#[tokio::test]
async fn steps_that_wait_are_not_needed_when_somebody_has_taken_over() {
    let pair = Pair::new().await;
    let engine = pair.engine(EMERGENCY, &oncall("acknowledged", "24h")).await;
    let down = problem("down", Severity::Critical);
    engine.submit(Route::Defaults, down, None).await.unwrap();
    wait_until(&engine, |records| records[0].state == State::Delivered).await;
    let acknowledge = Acknowledge::incident(INCIDENT, "anna");
    let taken = engine.acknowledge(acknowledge).await.unwrap();
    let step = records(&engine).await.remove(1);
    assert_eq!(taken[0].superseded, [step.delivery]);
    assert_eq!(
        (step.state, &*step.why),
        (State::Superseded, "taken over by anna")
    );
    assert_eq!(taken[0].notified, ["pager"]);
    assert!(pair.chat().is_empty());
}

#[tokio::test]
async fn what_a_phone_acknowledges_is_acknowledged_for_everybody() {
    let pair = Pair::new().await;
    let all = "default_notification_channels: [pager, chat]";
    let engine = pair.engine(EMERGENCY, all).await;
    let down = problem("down", Severity::Critical);
    engine.submit(Route::Defaults, down, None).await.unwrap();
    let message = pair.pager.wait_for(1).await.unwrap().remove(0);
    ended(&engine).await;
    let receipt = message.receipt.unwrap();
    assert!(pair.pager.acknowledge(&receipt, USER, "droid2"));
    wait_until(&engine, |records| records.len() == 4).await;
    ended(&engine).await;
    send(&engine, problem("still down", Severity::Critical)).await;
    let suppressed = records(&engine).await.pop().unwrap();
    assert_eq!(suppressed.state, State::Suppressed);
    let chat = pair.chat();
    assert_eq!(chat.len(), 2, "{chat:?}");
    assert!(chat[1].starts_with("taken over by "), "{chat:?}");
    let first = records(&engine).await.remove(0);
    assert_eq!(first.proof, Some(Proof::Acknowledged));
    let query = IncidentQuery {
        limit: 1,
        ..IncidentQuery::default()
    };
    let open = engine.store().unwrap().incidents(query).await.unwrap();
    assert_eq!(open[0].acknowledgement.as_ref().unwrap().via, "pager");
}

#[tokio::test]
async fn it_survives_a_restart() {
    let desk = Desk::new().await;
    let engine = desk.engine_on_file().await;
    send(&engine, problem("down", Severity::Warning)).await;
    let by_anna = Acknowledge::incident(INCIDENT, "anna");
    engine.acknowledge(by_anna).await.unwrap();
    ended(&engine).await;
    let _ = engine.shutdown(Duration::from_secs(10)).await;
    let engine = desk.engine_on_file().await;
    send(&engine, problem("still down", Severity::Warning)).await;
    assert_eq!(desk.arrived(), ["down", "taken over by anna: down"]);
}

#[tokio::test]
async fn what_is_not_open_is_not_taken_over() {
    let desk = Desk::new().await;
    let engine = desk.engine().await;
    send(&engine, "a message".into()).await;
    let message = records(&engine).await.remove(0).delivery;
    for nothing in [
        Acknowledge::incident("nothing", "anna"),
        Acknowledge::incident("", "anna"),
        Acknowledge::host("nobody", "anna"),
        Acknowledge::delivery(message, "anna"),
    ] {
        assert_eq!(engine.acknowledge(nothing).await.unwrap(), []);
    }
    let proof = records(&engine).await.remove(0).proof;
    assert_eq!(proof, Some(Proof::Acknowledged));
    let _ = engine.shutdown(Duration::from_secs(10)).await;
    let closed = engine.acknowledge(Acknowledge::incident("i", "anna")).await;
    assert!(matches!(closed, Err(NotifyError::Closed)), "{closed:?}");
}
