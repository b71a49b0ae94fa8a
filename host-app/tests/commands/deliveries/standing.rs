//! `hbd channels` where deliveries are kept.

use annunciator::Route;
use serde_json::Value;

use super::desk::Desk;

fn of<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let channels = answer["channels"].as_array().unwrap();
    let channel = channels.iter().find(|channel| channel["name"] == name);
    &channel.unwrap()["deliveries"]
}

#[tokio::test]
async fn each_says_what_waits_and_what_came_of_the_last_day() {
    let desk = Desk::filled().await;
    let (status, out, err) = desk.run(&["channels"]);
    assert_eq!((status, err.as_str()), (0, ""));
    let lines: Vec<Vec<&str>> = out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert!(out.starts_with("CHANNEL  TYPE"), "{out}");
    // In the order of the file.
    assert_eq!(lines[1][..5], ["good", "steady", "0", "1", "0"]);
    assert!(lines[1][5].starts_with("20"), "{out}");
    assert_eq!(lines[2][..5], ["bad", "steady", "0", "0", "1"]);
    assert_eq!(lines[2][5..], ["never", "ready"]);
    assert_eq!(lines[3][..5], ["later", "steady", "1", "0", "0"]);
    let answer = desk.json(&["channels", "--json"]);
    assert_eq!(of(&answer, "good")["delivered_in_24h"], 1);
    assert_eq!(of(&answer, "later")["waiting"], 1);
    assert_eq!(of(&answer, "bad")["broken"], false);
}

#[tokio::test]
async fn three_failures_in_a_row_are_a_broken_channel() {
    let desk = Desk::filled().await;
    let engine = desk.engine().await;
    for text in ["two", "three"] {
        let notified = engine
            .notify_channels(&["bad", "good"], text)
            .await
            .unwrap();
        assert!(!notified.results()["bad"]);
    }
    let (_, out, _) = desk.run(&["channels"]);
    let line = out.lines().find(|line| line.starts_with("bad")).unwrap();
    assert!(
        line.ends_with("broken: the last 3 were not delivered"),
        "{out}"
    );
    let answer = desk.json(&["channels", "--json"]);
    assert_eq!(of(&answer, "bad")["broken"], true);
    assert_eq!(of(&answer, "bad")["failed_in_a_row"], 3);
    assert_eq!(of(&answer, "good")["broken"], false);
    drop(engine);

    // One that is delivered mends it.
    let database = rusqlite::Connection::open(desk.file()).unwrap();
    let mend = "UPDATE outbox_delivery SET state = 2, ended_ms = ended_ms + 1000
        WHERE id = (SELECT max(id) FROM outbox_delivery WHERE channel = 'bad')";
    assert_eq!(database.execute(mend, []).unwrap(), 1);
    let answer = desk.json(&["channels", "--json"]);
    assert_eq!(of(&answer, "bad")["broken"], false);
}

#[tokio::test]
async fn what_is_older_than_a_day_is_not_counted() {
    let desk = Desk::filled().await;
    let database = rusqlite::Connection::open(desk.file()).unwrap();
    let age = "UPDATE outbox_notification SET accepted_ms = accepted_ms - 90000000";
    database.execute(age, []).unwrap();
    let answer = desk.json(&["channels", "--json"]);
    assert_eq!(of(&answer, "good")["delivered_in_24h"], 0);
    assert!(of(&answer, "good")["last_delivered_ms"].is_i64());
    assert_eq!(of(&answer, "later")["waiting"], 1);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_reported_beside_the_list() {
    let desk = Desk::empty();
    std::fs::write(
        desk.file(),
        "no database, but long enough to be looked at ".repeat(50),
    )
    .unwrap();
    let (status, out, err) = desk.run(&["channels"]);
    assert_eq!(status, 0);
    assert!(out.contains("good     steady"), "{out}");
    let start = "warning: the state of deliveries is not known: the store";
    assert!(err.starts_with(start), "{err}");
}

#[tokio::test]
async fn a_channel_without_deliveries_is_ready() {
    let desk = Desk::empty();
    let engine = desk.engine().await;
    let submitted = engine.submit(Route::Channels(&["good"]), "hello", None);
    submitted.await.unwrap();
    let answer = desk.json(&["channels", "--json"]);
    assert!(of(&answer, "bad")["last_delivered_ms"].is_null());
    assert_eq!(of(&answer, "bad")["failed_in_a_row"], 0);
}

#[tokio::test]
async fn one_that_only_waits_and_is_tried_in_vain_is_broken() {
    let desk = Desk::filled().await;
    let database = rusqlite::Connection::open(desk.file()).unwrap();
    let tried = "UPDATE outbox_delivery SET attempts = 3 WHERE channel = 'later'";
    assert_eq!(database.execute(tried, []).unwrap(), 1);
    let answer = desk.json(&["channels", "--json"]);
    assert_eq!(of(&answer, "later")["broken"], false, "a moment's trouble");
    let age = "UPDATE outbox_notification SET accepted_ms = accepted_ms - 600000";
    database.execute(age, []).unwrap();
    let (_, out, err) = desk.run(&["channels"]);
    assert_eq!(err, "", "no monitor runs, which is no fault");
    let line = out.lines().find(|line| line.starts_with("later")).unwrap();
    let state = "broken: 1 waiting, tried 3 times, and nothing was delivered since";
    assert!(line.ends_with(state), "{out}");
    let answer = desk.json(&["channels", "--json"]);
    assert_eq!(of(&answer, "later")["broken"], true);
    assert!(answer["channels"][2]["problems"].is_null());

    // Another came through meanwhile: the remote works.
    let through = "UPDATE outbox_delivery SET channel = 'later' WHERE channel = 'good'";
    assert_eq!(database.execute(through, []).unwrap(), 1);
    let answer = desk.json(&["channels", "--json"]);
    assert_eq!(of(&answer, "later")["broken"], false);
}
