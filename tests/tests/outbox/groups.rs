//! Groups: one after the other, until somebody has been told.

use annunciator::{Kind, Notification, NotifyError, Proof, Route, Severity, store::State};
use annunciator_testkit::{
    http::{Answer, Fault},
    pushover::USER,
};
use serde_json::json;

use crate::{
    desk::{ended, records, status, wait_until},
    pair::{Pair, delivered},
};

pub fn oncall(until: &str, step_after: &str) -> String {
    format!(
        "notification_groups:
  oncall: {{first_of: [pager, chat], until: {until}, step_after: {step_after}}}
default_notification_channels: [oncall]"
    )
}

/// As the service refuses who is unknown to it.
fn refused() -> Fault {
    let errors = json!({"user": "invalid", "errors": ["user identifier is invalid"], "status": 0});
    Fault::Answer(Answer::json(400, &errors))
}

/// Repeated until it is acknowledged.
pub const EMERGENCY: &str = "priority: emergency
    retry: 30
    expire: 3600";

#[tokio::test]
async fn when_the_first_takes_it_nobody_else_is_notified() {
    let pair = Pair::new().await;
    let engine = pair.engine("", &oncall("accepted", "24h")).await;
    let report = engine.notify_default("down").await.unwrap();
    assert!(report.all_delivered(), "{report:?}");
    assert_eq!(delivered(&report), ["pager"]);
    let chat = &report.channels()["chat"];
    assert_eq!(chat.state, State::Superseded);
    assert_eq!(chat.step.as_ref().unwrap().number, 2);
    assert_eq!(ended(&engine).await, [State::Delivered, State::Superseded]);
    let why = &records(&engine).await[1].why;
    assert_eq!(why, "group oncall: step 1 (pager) was accepted");
    assert_eq!(chat.targets[0].notes, [why.as_str()], "{chat:?}");
    assert_eq!(chat.targets[0].detail, "it need not be sent any more");
    assert!(pair.chat().is_empty());
}

#[tokio::test]
async fn what_is_sent_again_with_a_key_is_as_well_as_the_first_time() {
    let pair = Pair::new().await;
    let engine = pair.engine("", &oncall("accepted", "24h")).await;
    let down = || Notification::new("down").key("k");
    let first = engine.notify_default(down()).await.unwrap();
    let again = engine.notify_default(down()).await.unwrap();
    assert!(first.all_delivered() && again.all_delivered(), "{again:?}");
    let store = engine.store().unwrap();
    let config = engine.config();
    let recalled = config.known_report(&**store, Route::Defaults, down()).await;
    assert_eq!(recalled.unwrap().unwrap(), again);
    let other = config
        .known_report(&**store, Route::Defaults, down().title("x"))
        .await;
    assert!(
        matches!(other, Err(NotifyError::Conflict { .. })),
        "{other:?}"
    );
    let unknown = Notification::new("down").key("l");
    let recalled = config
        .known_report(&**store, Route::Defaults, unknown)
        .await;
    assert_eq!(recalled.unwrap(), None);
    assert_eq!(pair.pager(), ["down"]);
}

#[tokio::test]
async fn when_the_first_refuses_it_the_next_is_notified_at_once() {
    let pair = Pair::new().await;
    let engine = pair.engine("", &oncall("accepted", "24h")).await;
    pair.pager.always(refused());
    let report = engine.notify_default("down").await.unwrap();
    assert_eq!(delivered(&report), ["chat"]);
    assert!(report.all_delivered(), "one of the group is enough");
    assert_eq!(ended(&engine).await, [State::Failed, State::Delivered]);
}

#[tokio::test]
async fn when_the_first_is_out_of_order_the_next_is_notified_after_its_time() {
    let pair = Pair::new().await;
    let engine = pair.engine("", &oncall("accepted", "20s")).await;
    pair.pager.always(status(503));
    let report = engine.notify_default("down").await.unwrap();
    assert_eq!(delivered(&report), ["chat"]);
    // The first one need not be told any more.
    pair.pager.always(None);
    assert_eq!(ended(&engine).await, [State::Superseded, State::Delivered]);
    assert!(pair.pager().is_empty());
    let why = &records(&engine).await[0].why;
    assert_eq!(why, "group oncall: step 2 (chat) was accepted");
    // What its attempts brought is not forgotten.
    let pager = &report.channels()["pager"];
    assert_eq!(pager.state, State::Superseded);
    assert!(pager.attempts > 0, "{pager:?}");
    assert_eq!(pager.targets[0].code, "HTTP 503", "{pager:?}");
    assert_eq!(pager.targets[0].notes, [why.as_str()], "{pager:?}");
}

#[tokio::test]
async fn when_somebody_acknowledges_nobody_else_is_notified() {
    let pair = Pair::new().await;
    let engine = pair.engine(EMERGENCY, &oncall("acknowledged", "10m")).await;
    let down = Notification::new("down").severity(Severity::Critical);
    let receipt = engine.submit(Route::Defaults, down, None).await.unwrap();
    assert_eq!(receipt.deliveries.len(), 2);
    let message = pair.pager.wait_for(1).await.unwrap().remove(0);
    wait_until(&engine, |records| records[0].state == State::Delivered).await;
    let pager = records(&engine).await.remove(0);
    assert_eq!(pager.proof, Some(Proof::Accepted), "nobody has seen it yet");
    assert!(
        pair.pager
            .acknowledge(&message.receipt.unwrap(), USER, "droid2")
    );
    assert_eq!(ended(&engine).await, [State::Delivered, State::Superseded]);
    let records = records(&engine).await;
    assert_eq!(records[0].proof, Some(Proof::Acknowledged));
    let why = "group oncall: step 1 (pager) was acknowledged";
    assert_eq!(records[1].why, why);
    assert!(pair.chat().is_empty());
}

#[tokio::test]
async fn when_nobody_acknowledges_the_next_is_notified() {
    let pair = Pair::new().await;
    let engine = pair.engine(EMERGENCY, &oncall("acknowledged", "1m")).await;
    let down = Notification::new("down").severity(Severity::Critical);
    engine.submit(Route::Defaults, down, None).await.unwrap();
    assert_eq!(ended(&engine).await, [State::Delivered; 2]);
    assert_eq!(pair.chat(), ["down"]);
}

#[tokio::test]
async fn the_end_of_a_problem_goes_to_those_who_were_notified_of_it() {
    let pair = Pair::new().await;
    let engine = pair.engine("", &oncall("accepted", "24h")).await;
    let notify = async |text: &str, kind| {
        let notification = Notification::new(text).kind(kind).incident("web/cpu");
        let route = Route::Defaults;
        engine.submit(route, notification, None).await.unwrap();
        ended(&engine).await
    };
    notify("down", Kind::Problem).await;
    let states = notify("up", Kind::Recovery).await;
    assert_eq!(states[2..], [State::Delivered, State::Superseded]);
    let why = &records(&engine).await[3].why;
    assert_eq!(
        why,
        "this channel was not notified of the problem that is over"
    );
    assert_eq!(pair.pager(), ["down", "up"]);
    assert!(pair.chat().is_empty());
    pair.pager.fault(refused());
    notify("down again", Kind::Problem).await;
    notify("up again", Kind::Recovery).await;
    assert_eq!(pair.pager(), ["down", "up"]);
    assert_eq!(pair.chat(), ["down again", "up again"]);
}

#[tokio::test]
async fn a_group_within_a_group_has_its_steps_in_its_place() {
    let pair = Pair::new().await;
    let groups = "notification_groups:
  night: {first_of: [pager], step_after: 24h}
  oncall: {first_of: [night, chat], step_after: 10s}
default_notification_channels: [oncall]";
    let engine = pair.engine("", groups).await;
    pair.pager.always(status(503));
    let planned = engine.config().plan("any", Severity::Info, 0);
    let steps: Vec<_> = planned
        .iter()
        .map(|one| (&*one.channel, one.step, one.at_ms))
        .collect();
    assert_eq!(steps, [("pager", 1, 0), ("chat", 2, 24 * 3_600_000)]);
    engine
        .submit(Route::Channels(&["oncall", "chat"]), "down", None)
        .await
        .unwrap();
    // What is named itself is told at once, and is not a step.
    wait_until(&engine, |records| {
        records
            .iter()
            .any(|one| one.channel == "chat" && one.state == State::Delivered && one.step == 0)
    })
    .await;
}
