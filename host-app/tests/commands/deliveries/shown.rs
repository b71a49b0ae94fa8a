//! `hbd deliveries show`.

use std::time::Duration;

use annunciator::Route;

use super::desk::Desk;

/// The text behind a name.
fn fact<'a>(out: &'a str, name: &str) -> &'a str {
    let start = format!("{name}:");
    let line = out.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("no {name}: {out}")).trim()
}

#[tokio::test]
async fn a_failed_one_says_whom_it_reached_and_whom_it_did_not() {
    let desk = Desk::filled().await;
    let (status, out, err) = desk.run(&["deliveries", "show", "2"]);
    assert_eq!((status, err.as_str()), (0, ""));
    for (name, expected) in [
        ("delivery", "2"),
        ("channel", "bad"),
        ("host", "web-01"),
        ("state", "failed"),
        ("severity", "critical"),
        ("incident", "web-01/cpu"),
        ("attempts", "1"),
        ("attribute", "metric_path = cpu"),
    ] {
        assert_eq!(fact(&out, name), expected);
    }
    for time in ["ended", "expires"] {
        assert!(!fact(&out, time).is_empty(), "{time}");
    }
    for line in [
        "     0: delivered (proof: accepted)",
        "     1: not delivered: nobody there",
        "  CPU at 95 %",
        "  and rising",
    ] {
        assert!(out.lines().any(|found| found == line), "{line}: {out}");
    }
    assert!(out.contains("\n  1  20"), "{out}");
    assert!(!out.contains("tried next"), "{out}");
}

#[tokio::test]
async fn a_delivered_one_has_the_remote_s_own_name() {
    let (_, out, _) = Desk::filled().await.run(&["deliveries", "show", "1"]);
    let expected = "steady: delivered (proof: accepted), the remote calls it the-remote-s-name";
    assert!(out.contains(expected), "{out}");
}

#[tokio::test]
async fn one_that_waits_says_when_it_is_tried_next() {
    let desk = Desk::filled().await;
    let (_, out, _) = desk.run(&["deliveries", "show", "3"]);
    assert_eq!(fact(&out, "state"), "pending");
    assert!(fact(&out, "tried next").starts_with("20"), "{out}");
    assert!(out.contains("0: not delivered for now: busy"), "{out}");
    assert_eq!(fact(&out, "title"), "db-01\\u{1b}[2J is in trouble");
}

#[tokio::test]
async fn as_json_it_has_every_attempt_target_by_target() {
    let desk = Desk::filled().await;
    let answer = desk.json(&["deliveries", "show", "2", "--json"]);
    assert_eq!(answer["delivery"]["state"], "failed");
    let targets = &answer["attempts"][0]["targets"];
    assert_eq!(targets[0]["class"], "delivered");
    assert_eq!(targets[1]["detail"], "nobody there");
    let time = |name: &str| answer["attempts"][0][name].as_i64().unwrap();
    assert!(time("began_ms") <= time("ended_ms"));
}

#[tokio::test]
async fn one_that_is_not_there_is_an_error() {
    let desk = Desk::filled().await;
    let (status, out, err) = desk.run(&["deliveries", "show", "99"]);
    assert_eq!((status, out.as_str()), (1, ""));
    let file = desk.file().display().to_string();
    assert!(
        err.starts_with(&format!("error: {file} holds no delivery 99\n")),
        "{err}"
    );
}

#[tokio::test]
async fn one_that_was_suppressed_names_its_digest_and_the_digest_what_it_summarises() {
    let desk = Desk::empty();
    let yaml = desk.keeping().replace("retry:", "rate_limit: 1/h, retry:");
    let builder = desk.rig.configured(&yaml).unwrap().store(desk.store());
    let engine = builder.start().await.unwrap();
    for text in ["disk at 91 %", "disk at 92 %"] {
        let host = Route::Host("db-01");
        engine.submit(host, text, None).await.unwrap();
    }
    let _ = engine.shutdown(Duration::from_secs(20)).await;
    let (status, out, err) = desk.run(&["deliveries", "show", "3"]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(fact(&out, "digest"), "delivery 2");
    let (_, out, _) = desk.run(&["deliveries", "show", "2"]);
    assert!(out.ends_with("\nsums up:\n  3  disk at 92 %\n"), "{out}");
    let (_, out, _) = desk.run(&["deliveries", "show", "2", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["tells_of"], serde_json::json!([3]));
}
