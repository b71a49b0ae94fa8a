//! The fate of messages: recorded, retried, sent by groups in steps, and left by other
//! commands for the monitor to deliver.

use serde_json::{Value as Json, json};

use crate::{
    datagrams::{busy, heartbeat},
    monitor::{CALM, Home, Monitor, QUICK, wait_for, wait_or, yaml},
};

const ALERT: &str = "CRITICAL: web-01 - cpu_monitor.cpu_percent = 95.0 (threshold: > 90.0)";
/// Nothing is tried twice while a test looks.
const ONCE: &str = "delivery: {wait: 300ms, retry: {first: 10h, max: 10h}}\n";
/// It is tried again and again.
const OFTEN: &str = "delivery: {wait: 300ms, retry: {attempts: 100, first: 100ms, max: 100ms}}\n";

/// Its channel is always busy.
fn failing(delivery: &str) -> String {
    format!("{delivery}{}", yaml(CALM)).replace("text: hello", "outcomes: [later]")
}

/// The messages about a host, once they are as they should be.
fn messages(monitor: &Monitor, host: &str, reached: impl Fn(&[Json]) -> bool) -> Vec<Json> {
    let look = || {
        monitor.explain(host)["messages"]
            .as_array()
            .unwrap()
            .clone()
    };
    wait_or(
        || Some(look()).filter(|messages| reached(messages)),
        || format!("{:#?}\n{}", look(), monitor.log()),
    )
}

#[test]
fn one_that_failed_is_tried_again_and_its_last_words_are_shown() {
    let home = Home::with(&failing(ONCE));
    let monitor = home.start();
    monitor.send(&busy("web-01", 1, 95.0));
    let tried = |messages: &[Json]| messages.iter().any(|one| one["attempts"] == 1);
    let notified = messages(&monitor, "web-01", tried);
    assert_eq!(notified.len(), 1);
    assert_eq!(notified[0]["state"], "pending");
    assert_eq!(notified[0]["text"], ALERT);
    assert_eq!(notified[0]["detail"], "0: busy");
    assert!(notified[0]["due_ms"].is_i64());
    let (_, out, _) = home.hbd(&["explain", "web-01"]);
    assert!(out.contains("a pending, next tried at 20"), "{out}");
    let (_, out, _) = home.hbd(&["status"]);
    assert!(out.contains("messages: 1 pending\n"), "{out}");
}

#[test]
fn a_channel_that_is_left_alone_is_shown_as_broken() {
    let home = Home::with(&failing(OFTEN));
    let monitor = home.start();
    let shown = || {
        let (status, out, err) = home.hbd(&["channels"]);
        assert_eq!((status, err.as_str()), (0, ""));
        out
    };
    assert!(shown().trim_end().ends_with("ready"), "{}", shown());
    monitor.send(&busy("web-01", 1, 95.0));
    // Nothing has failed: it waits, and so would all that comes.
    wait_or(
        || {
            shown()
                .contains("broken: no delivery succeeds, since 20")
                .then_some(())
        },
        || format!("{}\n{}", shown(), monitor.log()),
    );
    let (_, out, _) = home.hbd(&["channels", "--json"]);
    let listed: Json = serde_json::from_str(&out).unwrap();
    let trouble = listed["channels"][0]["problems"][0].as_str().unwrap();
    assert!(trouble.starts_with("Channel a is failing"), "{trouble}");
    monitor.stop();
    let (_, out, _) = home.hbd(&["channels", "--json"]);
    let listed: Json = serde_json::from_str(&out).unwrap();
    assert!(listed["channels"][0]["problems"].is_null(), "nobody says");
}

#[test]
fn what_notify_sent_is_in_the_record_too() {
    let home = Home::new(CALM);
    let monitor = home.start();
    let (status, ..) = home.hbd(&["notify", "--host", "web-01", "backup failed"]);
    assert_eq!(status, 0);
    assert_eq!(monitor.notified("web-01"), ["backup failed"]);
    let (_, out, _) = home.hbd(&["deliveries", "--host", "web-01"]);
    assert!(out.contains("delivered"), "{out}");
}

#[test]
fn notify_says_that_it_is_tried_again() {
    let home = Home::with(&failing(ONCE));
    let monitor = home.start();
    let (status, out, _) = home.hbd(&["notify", "--host", "web-01", "backup failed"]);
    assert_eq!(status, 1);
    assert!(out.starts_with("a: not delivered yet after "), "{out}");
    assert!(
        out.contains("; it is tried again\n  0: not delivered for now: busy"),
        "{out}"
    );
    let explained = monitor.explain("web-01");
    assert_eq!(explained["messages"][0]["state"], "pending");
}

#[test]
fn a_group_is_notified_by_its_name_and_its_end_too() {
    let groups = "notification_groups: {oncall: {first_of: [a]}}\n";
    let yaml = yaml(QUICK).replace("[a]\nmonitor", "[oncall]\nmonitor");
    let home = Home::with(&format!("{groups}{yaml}"));
    let monitor = home.start();
    monitor.send(&heartbeat("web-01", 1));
    monitor.wait_for_text("web-01", "web-01 IPv4 overdue");
    monitor.send(&heartbeat("web-01", 2));
    monitor.wait_for_text("web-01", "web-01 IPv4 is back");
    assert_eq!(monitor.explain("web-01")["channels"], json!(["oncall"]));
    let (_, out, _) = home.hbd(&["deliveries", "--host", "web-01", "--json"]);
    let listed: Json = serde_json::from_str(&out).unwrap();
    // The newest come first; there may be more of them by now.
    let first = listed["deliveries"].as_array().unwrap().last().unwrap();
    assert_eq!(first["body"], "web-01 IPv4 overdue", "{out}");
    assert_eq!(first["group"], "oncall", "{out}");
}

#[test]
fn what_cannot_be_sent_since_its_channel_is_gone_is_noted() {
    let home = Home::new(CALM);
    let monitor = home.start();
    monitor.send(&busy("web-01", 1, 95.0));
    monitor.wait_for_text("web-01", ALERT);
    let renamed = yaml(CALM).replace("  a: {", "  b: {").replace("[a]", "[b]");
    home.configure(&renamed);
    assert_eq!(home.hbd(&["reload"]).0, 0);
    monitor.send(&busy("web-01", 2, 10.0));
    let noted = || {
        let explained = monitor.explain("web-01");
        let history = explained["history"].as_array().unwrap().clone();
        let start = "not notified: there is no channel `a` any more: OK: web-01 - ";
        history
            .iter()
            .any(|line| line["text"].as_str().unwrap().starts_with(start))
            .then_some(())
    };
    wait_for("a line in the history", noted);
    assert_eq!(monitor.notified("web-01"), [ALERT]);
}

#[test]
fn what_send_leaves_is_delivered_by_the_monitor() {
    let home = Home::with(&failing(OFTEN));
    home.start().stop();
    let (status, out, err) = home.hbd(&["send", "--host", "web-01", "backup failed"]);
    assert_eq!(status, 1, "{err}");
    assert!(out.starts_with("a: not delivered yet after "), "{out}");
    assert!(
        err.starts_with("note: what is not delivered yet is stored"),
        "{err}"
    );
    home.configure(&yaml(CALM));
    let monitor = home.start();
    monitor.wait_for_text("web-01", "backup failed");
}

#[test]
fn without_a_state_file_send_keeps_nothing_and_says_so() {
    let home = Home::with(&failing(OFTEN));
    let (status, _, err) = home.hbd(&["send", "--default", "backup failed"]);
    assert_eq!(status, 1);
    assert!(
        err.starts_with("note: what is not delivered yet is not tried again"),
        "{err}"
    );
    assert!(!home.path("state.sqlite").exists());
}

#[test]
fn a_test_message_is_not_kept_for_anybody() {
    let home = Home::with(&failing(ONCE));
    home.start().stop();
    assert_eq!(home.hbd(&["test", "--deliver", "a"]).0, 1);
    let (_, out, _) = home.hbd(&["deliveries", "--json"]);
    let listed: Json = serde_json::from_str(&out).unwrap();
    assert_eq!(listed["deliveries"], json!([]));
}

#[test]
fn deliveries_have_a_file_of_their_own_where_they_are_given_one() {
    let own = "delivery: {store: HOME/outbox.sqlite}\n";
    let home = Home::with(&format!("{own}{}", yaml(CALM)));
    let monitor = home.start();
    monitor.send(&busy("web-01", 1, 95.0));
    monitor.wait_for_text("web-01", ALERT);
    assert!(home.path("outbox.sqlite").exists());
    // Others find it, too.
    assert_eq!(home.hbd(&["send", "--default", "x"]).0, 0);
    let (_, out, _) = home.hbd(&["status"]);
    assert!(out.contains("messages: 2 delivered\n"), "{out}");
}

#[test]
fn without_a_store_each_message_is_tried_once() {
    let home = Home::with(&format!("delivery: {{store: none}}\n{}", yaml(CALM)));
    let monitor = home.start();
    monitor.send(&busy("web-01", 1, 95.0));
    wait_for("a message", || {
        home.notes()
            .contains(&"delivered 1".to_owned())
            .then_some(())
    });
    let noted = || {
        let history = monitor.explain("web-01")["history"].to_string();
        let line = "notified without a record of deliveries (a delivered): CRITICAL";
        history.contains(line).then_some(())
    };
    wait_for("a line in the history", noted);
    assert_eq!(monitor.status()["messages"]["handing_over"], 0);
}

#[test]
fn whoever_has_waited_long_enough_is_told_that_the_outcome_is_not_known_yet() {
    let stuck = yaml(CALM).replace(
        "type: steady, text: hello, notes: HOME/notes",
        "type: ill_behaved, how: never_answers",
    );
    let home = Home::with(&stuck);
    let monitor = home.start();
    let body = json!({ "message": "hello" });
    let answer = monitor.client().post("/notifications?wait=1s", Some(&body));
    assert_eq!(answer.unwrap(), json!({ "outcome": null }));
    // It was accepted, and is under way.
    let deliveries = monitor.client().get("/deliveries").unwrap();
    assert_eq!(deliveries["deliveries"][0]["body"], "hello");
    assert_eq!(deliveries["deliveries"][0]["state"], "in_flight");
}
