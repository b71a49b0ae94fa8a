//! What is kept back so that people go on reading what they are sent: each by a
//! rule that the record names, and nothing without a word.

use annunciator::{
    Engine, Kind, Notification, Route, Severity,
    store::{Record, State},
};

use annunciator_testkit::hasty::Hasty;

use crate::{
    desk::{Desk, ended, records, status, submit, wait_until},
    pair::Pair,
};

/// 2026-01-05, 05:55 by UTC: six seconds of the test's are left.
const SHORTLY_BEFORE_SIX: i64 = 1_767_592_500_000;
const AT_NIGHT: &str = "quiet_hours: {from: '22:00', to: '06:00'}";

async fn notify(engine: &Engine, text: &str, severity: Severity) {
    let notification = Notification::new(text).severity(severity).host("web-01");
    let route = Route::Defaults;
    engine.submit(route, notification, None).await.unwrap();
}

fn suppressed(records: &[Record]) -> Vec<&str> {
    let suppressed = records.iter();
    let suppressed = suppressed.filter(|record| record.state == State::Suppressed);
    suppressed.map(|record| &*record.why).collect()
}

#[tokio::test]
async fn in_quiet_hours_the_worst_is_sent_and_the_rest_in_the_morning() {
    let desk = Desk::new().await.with(AT_NIGHT).at(SHORTLY_BEFORE_SIX);
    let engine = desk.engine().await;
    notify(&engine, "disk at 91 %", Severity::Info).await;
    notify(&engine, "disk at 95 %\nsecond line", Severity::Warning).await;
    notify(&engine, "disk full", Severity::Critical).await;
    wait_until(&engine, |records| {
        records
            .iter()
            .any(|record| record.state == State::Delivered)
    })
    .await;
    assert_eq!(desk.arrived(), ["disk full"]);
    ended(&engine).await;
    let digest = "2 notifications were suppressed (quiet_hours: 22:00 to 06:00, UTC):
- warning web-01: disk at 95 %
- info web-01: disk at 91 %";
    assert_eq!(desk.arrived(), ["disk full", digest]);
    let records = records(&engine).await;
    assert_eq!(
        suppressed(&records),
        ["quiet_hours: 22:00 to 06:00, UTC"; 2]
    );
    // By day nothing is kept back.
    notify(&engine, "by day", Severity::Info).await;
    ended(&engine).await;
    assert_eq!(desk.arrived().last().unwrap(), "by day");
}

#[tokio::test]
async fn a_problem_that_was_over_before_the_morning_says_so() {
    let desk = Desk::new().await.with(AT_NIGHT).at(SHORTLY_BEFORE_SIX);
    let engine = desk.engine().await;
    for (text, kind) in [("down", Kind::Problem), ("up", Kind::Recovery)] {
        let notification = Notification::new(text).kind(kind).incident("web-01/cpu");
        let route = Route::Defaults;
        engine.submit(route, notification, None).await.unwrap();
    }
    ended(&engine).await;
    let digest = "1 notification was suppressed (quiet_hours: 22:00 to 06:00, UTC):
- info down (over)";
    assert_eq!(desk.arrived(), [digest]);
}

#[tokio::test]
async fn a_step_whose_turn_comes_in_quiet_hours_is_sent_in_the_morning() {
    let pair = Pair::new().await;
    pair.chat.always(status(503));
    let quiet = "delivery: {quiet_hours: {from: '05:55', to: '06:00'}}";
    let group = "notification_groups:
  oncall: {first_of: [chat, pager], step_after: 2m}
default_notification_channels: [oncall]";
    // The turn of the second comes half a minute after its quiet hours begin.
    let clock = Hasty::going_on_from(SHORTLY_BEFORE_SIX - 90_000);
    let engine = pair.engine_at(clock, quiet, group).await;
    notify(&engine, "disk at 91 %", Severity::Info).await;
    let about_disks = || {
        let texts = pair.pager().into_iter();
        texts
            .filter(|text| text.contains("disk"))
            .collect::<Vec<_>>()
    };
    wait_until(&engine, |_| !about_disks().is_empty()).await;
    let digest = "1 notification was suppressed (quiet_hours: 05:55 to 06:00, UTC):
- info web-01: disk at 91 %";
    assert_eq!(about_disks(), [digest]);
}

#[tokio::test]
async fn what_is_more_than_the_rate_is_sent_in_one_digest() {
    let desk = Desk::new().await.with("rate_limit: 3/10m");
    let engine = desk.engine().await;
    for number in 0..30 {
        let text = format!("alarm {number}");
        notify(&engine, &text, Severity::Warning).await;
    }
    ended(&engine).await;
    let arrived = desk.arrived();
    assert_eq!(arrived.len(), 4, "{arrived:?}");
    let digest = arrived.last().unwrap();
    let beginning = "27 notifications were suppressed (rate_limit: more than 3 in 10m):\n- warning web-01: alarm 3\n";
    assert!(digest.starts_with(beginning), "{digest}");
    assert!(digest.ends_with("\nand 7 more"), "{digest}");
    let records = records(&engine).await;
    assert_eq!(suppressed(&records), ["rate_limit: more than 3 in 10m"; 27]);
}

#[tokio::test]
async fn a_digest_that_waits_outlives_the_process() {
    let mut desk = Desk::new().await.with(AT_NIGHT).at(SHORTLY_BEFORE_SIX);
    let engine = desk.engine_on_file().await;
    notify(&engine, "disk at 91 %", Severity::Info).await;
    let _ = engine.shutdown(std::time::Duration::ZERO).await;
    desk.later(std::time::Duration::from_secs(400));
    let engine = desk.engine_on_file().await;
    ended(&engine).await;
    assert_eq!(desk.arrived().len(), 1, "{:?}", desk.arrived());
}

#[tokio::test]
async fn the_same_words_are_sent_once_within_their_time() {
    let desk = Desk::new().await.with("dedup: 10m, rate_limit: 2/h");
    let engine = desk.engine().await;
    for _ in 0..20 {
        submit(&engine, "again and again").await;
    }
    // What is told once does not use up the rate.
    submit(&engine, "something else").await;
    ended(&engine).await;
    let mut arrived = desk.arrived();
    arrived.sort();
    assert_eq!(arrived, ["again and again", "something else"]);
    let records = records(&engine).await;
    let rule = "dedup: the same was accepted within the last 10m";
    assert_eq!(suppressed(&records), [rule; 19]);
    let report = engine.notify_default("again and again").await.unwrap();
    let channel = &report.channels()["ops"];
    assert_eq!(channel.state, State::Suppressed);
    assert_eq!(channel.targets[0].notes, [rule]);
}

#[tokio::test]
async fn what_the_program_keeps_back_is_recorded_with_its_rule() {
    let desk = Desk::new().await;
    let engine = desk.engine().await;
    let silenced = Notification::new("x").suppressed_by("silence: until 06:00, by an operator");
    let report = engine.notify_default(silenced).await.unwrap();
    assert_eq!(report.channels()["ops"].state, State::Suppressed);
    let records = records(&engine).await;
    assert_eq!(
        suppressed(&records),
        ["silence: until 06:00, by an operator"]
    );
    assert!(desk.arrived().is_empty());
}

#[tokio::test]
async fn what_is_submitted_at_once_in_quiet_hours_is_in_one_digest() {
    let desk = Desk::new().await.with(AT_NIGHT).at(SHORTLY_BEFORE_SIX);
    let engine = desk.engine_on_file().await;
    let other = desk.engine_on_file().await;
    let submitting = (0..40).map(|number| {
        let engine = if number % 2 == 0 { &engine } else { &other }.clone();
        tokio::spawn(async move { notify(&engine, &format!("n{number}"), Severity::Info).await })
    });
    for submitted in submitting.collect::<Vec<_>>() {
        submitted.await.unwrap();
    }
    ended(&engine).await;
    let arrived = desk.arrived();
    assert_eq!(arrived.len(), 1, "{arrived:?}");
    assert!(arrived[0].starts_with("40 notifications were suppressed"));
    let records = records(&engine).await;
    let digest = records.iter().find(|record| record.digest.is_none());
    let digest = digest.unwrap().delivery;
    let is_in_it = |record: &&Record| record.digest == Some(digest);
    assert_eq!(records.iter().filter(is_in_it).count(), 40);
}

#[tokio::test]
async fn the_end_of_a_problem_that_was_sent_in_the_morning_is_sent() {
    let desk = Desk::new().await.with(AT_NIGHT).at(SHORTLY_BEFORE_SIX);
    let engine = desk.engine().await;
    let notify = async |text: &str, kind| {
        let notification = Notification::new(text).kind(kind).incident("web-01/cpu");
        let route = Route::Defaults;
        engine.submit(route, notification, None).await.unwrap();
        ended(&engine).await;
    };
    notify("down", Kind::Problem).await;
    notify("up", Kind::Recovery).await;
    let digest = "1 notification was suppressed (quiet_hours: 22:00 to 06:00, UTC):
- info down";
    assert_eq!(desk.arrived(), [digest, "up"]);
}

#[tokio::test]
async fn the_worst_that_is_more_than_the_rate_does_not_wait_for_the_morning() {
    // An hour of the test's before it.
    let options = format!("{AT_NIGHT}, rate_limit: 1/10m");
    let desk = Desk::new().await.with(&options);
    let desk = desk.at(SHORTLY_BEFORE_SIX - 3_600_000);
    let engine = desk.engine().await;
    for text in ["first", "second", "third"] {
        notify(&engine, text, Severity::Critical).await;
    }
    ended(&engine).await;
    let records = records(&engine).await;
    let digest = records.last().unwrap();
    assert!(digest.ended_ms.unwrap() < SHORTLY_BEFORE_SIX - 1_800_000);
    let digest = "2 notifications were suppressed (rate_limit: more than 1 in 10m):
- critical web-01: second
- critical web-01: third";
    assert_eq!(desk.arrived(), ["first", digest]);
}

#[tokio::test]
async fn a_step_whose_turn_comes_obeys_the_rate_too() {
    let pair = Pair::new().await;
    pair.chat.always(status(400));
    let group = "notification_groups:
  oncall: {first_of: [chat, pager], step_after: 1h}
default_notification_channels: [oncall]";
    let engine = pair.engine("delivery: {rate_limit: 2/10m}", group).await;
    for number in 0..6 {
        notify(&engine, &format!("disk {number}"), Severity::Info).await;
    }
    ended(&engine).await;
    let about_disks = pair.pager().into_iter();
    let notified: Vec<_> = about_disks.filter(|text| text.contains("disk")).collect();
    assert_eq!(notified.len(), 3, "{notified:?}");
    let digest = "4 notifications were suppressed (rate_limit: more than 2 in 10m):";
    assert!(notified[2].starts_with(digest), "{notified:?}");
}

#[tokio::test]
async fn where_nothing_is_recorded_quiet_hours_keep_nothing_back() {
    let desk = Desk::new().await.with(AT_NIGHT).at(SHORTLY_BEFORE_SIX);
    let engine = desk.engine().await;
    let report = engine.notify_unrecorded(&["ops"], "disk at 91 %").await;
    assert!(report.unwrap().all_delivered());
    assert_eq!(desk.arrived(), ["disk at 91 %"]);
    assert!(records(&engine).await.is_empty());
}
