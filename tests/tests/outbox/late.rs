//! What could not be told for a while: it says so, or is not told any more.

use std::time::Duration;

use annunciator::store::{Record, State};

use crate::desk::{Desk, ended, records, status, submit, wait_until};

/// A message that could not be delivered, and is looked at again this much
/// later.
async fn after(pause: Duration, options: &str) -> (Desk, Vec<State>, String) {
    let mut desk = Desk::new().await.with(options);
    let first = desk.engine_on_file().await;
    desk.remote.always(status(503));
    submit(&first, "disk full").await;
    wait_until(&first, |records| records[0].attempts > 0).await;
    let _ = first.shutdown(Duration::from_secs(60)).await;
    drop(first);
    desk.remote.always(None);
    desk.later(pause);
    let second = desk.engine_on_file().await;
    let states = ended(&second).await;
    let why = records(&second).await.remove(0).why;
    (desk, states, why)
}

#[tokio::test]
async fn it_says_by_how_much() {
    let (desk, states, _) = after(Duration::from_secs(43 * 60), "").await;
    assert_eq!(states, [State::Delivered]);
    let text = desk.arrived().remove(0);
    // The clock goes on while the test runs.
    assert!(text.starts_with("disk full\n(delayed by 4"), "{text}");
    assert!(text.ends_with(" min)"), "{text}");
}

#[tokio::test]
async fn what_is_not_news_any_more_is_not_sent() {
    let (desk, states, why) = after(Duration::from_secs(2 * 3600), "ttl: 1h").await;
    assert_eq!(states, [State::Expired]);
    assert_eq!(why, "its time to live has passed");
    assert!(desk.arrived().is_empty());
}

#[tokio::test]
async fn what_ended_long_ago_is_forgotten_and_accounted_for() {
    let mut desk = Desk::new().await;
    let first = desk.engine_on_file().await;
    submit(&first, "told").await;
    ended(&first).await;
    let _ = first.shutdown(Duration::from_secs(60)).await;
    drop(first);
    desk.later(Duration::from_secs(91 * 24 * 3600));
    let second = desk.engine_on_file().await;
    wait_until(&second, <[Record]>::is_empty).await;
    let accounts = second.store().unwrap().accounts().await.unwrap();
    assert_eq!(accounts.pruned[&State::Delivered], 1);
}
