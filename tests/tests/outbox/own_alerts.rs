//! The engine's own trouble: told once, through the channels that work.

use std::time::{Duration, Instant};

use annunciator::{ChannelStatus, CheckStatus, CircuitState, Engine, Route, store::State};
use annunciator_testkit::http::{Answer, Fault};
use annunciator_tests::foreign::WAIT_TIMEOUT;
use serde_json::json;

use crate::{
    desk::{ended, records, status, wait_until},
    pair::Pair,
};

const BOTH: &str = "default_notification_channels: [pager, chat]";

/// Waits for what the chat is told.
async fn chat_is_notified(pair: &Pair, words: &str) -> String {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let notified = pair.chat().into_iter().find(|text| text.contains(words));
        if let Some(notified) = notified {
            return notified;
        }
        assert!(Instant::now() < deadline, "{:?}", pair.chat());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn to_pager(engine: &Engine, text: &str) {
    let route = Route::Channels(&["pager"]);
    engine.submit(route, text, None).await.unwrap();
}

#[tokio::test]
async fn a_channel_that_is_out_of_order_is_reported_through_another_and_loses_nothing() {
    let pair = Pair::new().await;
    let engine = pair.engine("", BOTH).await;
    pair.pager.always(status(503));
    // More than are needed to see it.
    for number in 0..30 {
        to_pager(&engine, &format!("alarm {number}")).await;
    }
    let notified = chat_is_notified(&pair, "is failing").await;
    assert!(
        notified.starts_with("Channel pager is failing"),
        "{notified}"
    );
    let alerts = engine.alerts();
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].subject, "channel/pager/circuit_open");
    let [pager, chat] = &engine.channel_statuses()[..] else {
        panic!("{:?}", engine.channel_statuses());
    };
    assert_ne!(pager.circuit.state, CircuitState::Closed, "{pager:?}");
    assert!(pager.circuit.failures >= 10, "{pager:?}");
    assert_eq!(pager.alerts, alerts);
    assert_eq!((chat.circuit.failures, &*chat.alerts), (0, &[][..]));
    // Left alone: nobody uses up attempts meanwhile.
    let tried: u32 = records(&engine).await.iter().map(|one| one.attempts).sum();
    pair.pager.always(None);
    chat_is_notified(&pair, "Channel pager works again, after").await;
    ended(&engine).await;
    let records = records(&engine).await;
    let pager = || records.iter().filter(|record| record.channel == "pager");
    assert!(pager().all(|record| record.state == State::Delivered));
    assert_eq!(pager().count(), 30, "of its own trouble nobody tells it");
    assert!(tried >= 10, "{tried}");
    assert!(engine.alerts().is_empty());
    let statuses = engine.channel_statuses();
    let is_well = |status: &ChannelStatus| {
        status.circuit.state == CircuitState::Closed && status.alerts.is_empty()
    };
    assert!(statuses.iter().all(is_well), "{statuses:?}");
    assert_eq!(pair.chat().len(), 2, "{:?}", pair.chat());
}

#[tokio::test]
async fn a_channel_whose_quota_is_used_up_is_reported_through_another() {
    let pair = Pair::new().await;
    let engine = pair.engine("", BOTH).await;
    let busy = Answer::json(429, &json!({"status": 0, "errors": ["limit"]}));
    let busy = busy.header("retry-after", 7200);
    pair.pager.always(Fault::Answer(busy));
    to_pager(&engine, "alarm").await;
    let notified = chat_is_notified(&pair, "accepts nothing for 2h").await;
    assert!(notified.contains("HTTP 429"), "{notified}");
    let state = wait_until(&engine, |records| {
        records
            .iter()
            .all(|one| one.channel == "pager" || one.state.has_ended())
    });
    assert_eq!(state.await[0], State::Pending, "it waits until then");
}

#[tokio::test]
async fn a_channel_that_died_unnoticed_is_found_by_its_canary() {
    let pair = Pair::new().await;
    let canary = "delivery: {canary: {every: 24h, failures: 2}}";
    pair.pager.always(status(401));
    let engine = pair.engine(canary, BOTH).await;
    let notified = chat_is_notified(&pair, "would not deliver").await;
    assert!(
        notified.starts_with("Channel pager would not deliver: "),
        "{notified}"
    );
    assert_eq!(engine.alerts()[0].subject, "channel/pager/check");
    assert!(pair.pager().is_empty(), "a check delivers nothing");
}

#[tokio::test]
async fn a_reconfigured_channel_is_reported_as_recovered_after_its_first_success() {
    let pair = Pair::new().await;
    let engine = pair.engine("", BOTH).await;
    pair.pager.always(status(503));
    for number in 0..30 {
        to_pager(&engine, &format!("alarm {number}")).await;
    }
    chat_is_notified(&pair, "is failing").await;
    pair.reload(&engine, "title: mended", BOTH).await;
    assert_eq!(engine.alerts().len(), 1, "nobody has seen it work");
    pair.pager.always(None);
    chat_is_notified(&pair, "Channel pager works again, after").await;
    assert!(engine.alerts().is_empty());
}

#[tokio::test]
async fn an_alert_on_a_channel_that_is_removed_is_dropped() {
    let pair = Pair::new().await;
    let canary = "delivery: {canary: {every: 24h, failures: 1}}";
    pair.pager.always(status(401));
    let engine = pair.engine(canary, BOTH).await;
    chat_is_notified(&pair, "would not deliver").await;
    pair.reload(&engine, "", BOTH).await;
    assert!(engine.alerts().is_empty(), "nobody looks for it");
    assert_eq!(pair.chat().len(), 1, "{:?}", pair.chat());
}

#[tokio::test]
async fn a_channel_s_status_has_its_last_check_and_when_its_rate_limit_was_reached() {
    let pair = Pair::new().await;
    let engine = pair.engine("delivery: {rate_limit: 2/10m}", BOTH).await;
    let pager = || engine.channel_statuses().swap_remove(0);
    let limit = pager().rate_limit.unwrap();
    assert_eq!(
        (limit.rate.to_string(), limit.last_suppressed_ms),
        ("2/10m".to_owned(), None)
    );
    assert_eq!(pager().last_check, None);
    for number in 0..3 {
        to_pager(&engine, &format!("alarm {number}")).await;
    }
    assert!(pager().rate_limit.unwrap().last_suppressed_ms.is_some());

    let found = engine.check(&["pager"]).await.unwrap();
    assert_eq!(pager().last_check.unwrap().check, found[0]);
    assert_eq!(found[0].status, CheckStatus::Ok);
    let json = serde_json::to_value(pager()).unwrap();
    assert_eq!(json["rate_limit"]["rate"], "2/10m");
    assert_eq!(json["circuit"]["state"], "closed");
    assert_eq!(json["last_check"]["status"], "ok");
}
