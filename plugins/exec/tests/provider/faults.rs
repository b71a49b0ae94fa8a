//! Programs that do not end, do not read, write too much, or leave other processes behind.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use crate::place::Place;
use annunciator_sdk::testing::Sample;
use annunciator_sdk::{Class, Fault};
use serde_json::json;

/// Waits for a condition.
async fn until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_program_that_does_not_end_is_killed_with_all_that_it_started() {
    let place =
        Place::script("trap '' TERM; echo $$ >pid; sleep 1000 & echo $! >child; wait; sleep 1000");
    let sample = Sample::new("x").timeout(Duration::from_secs(1));
    let outcome = place.deliver(json!({}), &sample).await.remove(0);
    assert_eq!(
        (outcome.class(), outcome.fault()),
        (Class::Unknown, Some(Fault::Plugin))
    );
    for file in ["pid", "child"] {
        let pid = fs::read_to_string(place.path(file)).unwrap();
        let process = Path::new("/proc").join(pid.trim());
        until(|| {
            !process.exists()
                || fs::read_to_string(process.join("stat")).is_ok_and(|stat| stat.contains(") Z "))
        })
        .await;
    }
}

#[tokio::test]
async fn a_program_whose_child_keeps_its_output_open_is_not_waited_for() {
    let place = Place::script("sleep 1000 & echo '{\"id\": \"x\"}'; exit 0");
    assert_eq!(place.deliver_one().await.class(), Class::Delivered);
}

#[tokio::test]
async fn output_beyond_the_limit_is_discarded() {
    let place = Place::script("head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2; exit 75");
    assert_eq!(place.deliver_one().await.class(), Class::Retry);
}

#[tokio::test]
async fn the_status_of_a_program_that_does_not_read_counts() {
    let sample = Sample::new(&"x".repeat(1_000_000));
    let outcome = Place::script("exit 0")
        .deliver(json!({}), &sample)
        .await
        .remove(0);
    assert_eq!(outcome.class(), Class::Delivered);
}

#[tokio::test]
async fn the_last_line_of_standard_error_is_reported_without_secrets() {
    let place =
        Place::script("echo first >&2; printf 'no such token: s3cret\\033[2J\\n' >&2; exit 78");
    let extra = json!({"settings": {"token": "s3cret"}});
    let outcome = place.deliver(extra, &Sample::new("x")).await.remove(0);
    let detail = outcome.raw().detail.to_string();
    assert!(detail.ends_with("no such token: […] [2J"), "{detail}");
}

/// Only the program knows what a person can do.
#[tokio::test]
async fn an_outcome_has_no_hint_unless_the_program_gives_one() {
    for status in [1, 2, 42, 64, 67, 69, 75, 78, 127] {
        let place = Place::script(&format!("echo 'full moon' >&2; exit {status}"));
        let outcome = place.deliver_one().await;
        assert_eq!(outcome.raw().hint.as_str(), "", "{outcome:?}");
    }
}

#[tokio::test]
async fn an_outcome_that_does_not_exist_is_not_a_delivery() {
    for output in [
        r#"{"outcome": "nope"}"#,
        r#"{"outcome": "Delivered"}"#,
        r#"{"outcome": ""}"#,
        r#"{"outcome": 1}"#,
        r#"{"outcome": {"delivered": true}}"#,
        r#"{"outcome": "nope", "retry_after": "soon"}"#,
        r#"{"targets": [{"target": "tell", "outcome": "nope"}]}"#,
        r#"{"targets": {"tell": "permanent"}}"#,
    ] {
        let outcome = Place::script(&format!("echo '{output}'"))
            .deliver_one()
            .await;
        assert_eq!(outcome.class(), Class::Unknown, "{output}: {outcome:?}");
        assert_eq!(outcome.fault(), Some(Fault::Plugin), "{output}");
        for word in ["delivered", "retry", "permanent", "unknown"] {
            assert!(outcome.raw().detail.contains(word), "{output}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_field_of_a_wrong_type_does_not_invalidate_the_others() {
    for (output, class) in [
        (r#"{"outcome": "retry", "retry_after": "30"}"#, Class::Retry),
        (r#"{"outcome": "permanent", "id": 7}"#, Class::Permanent),
        (r#"{"outcome": "retry", "targets": ["x"]}"#, Class::Retry),
        (r#"{"outcome": null, "detail": 1}"#, Class::Delivered),
        (r#"["nope"]"#, Class::Delivered),
        ("nope", Class::Delivered),
    ] {
        let outcome = Place::script(&format!("echo '{output}'"))
            .deliver_one()
            .await;
        assert_eq!(outcome.class(), class, "{output}: {outcome:?}");
    }
}

#[tokio::test]
async fn any_time_of_an_event_is_reported() {
    let place = Place::script("cat >message");
    for (ms, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59Z"),
        (253_402_300_800_000, "9999-12-31T23:59:59Z"),
        (i64::MIN, "0000-01-01T00:00:00Z"),
        (i64::MAX, "9999-12-31T23:59:59Z"),
    ] {
        let sample = Sample::new("x").occurred_at_ms(ms);
        let outcome = place.deliver(json!({}), &sample).await.remove(0);
        assert_eq!(outcome.class(), Class::Delivered, "{ms}: {outcome:?}");
        let message = fs::read_to_string(place.path("message")).unwrap();
        assert!(message.contains(text), "{ms}: {message}");
    }
}

#[tokio::test]
async fn a_program_that_is_missing_for_a_while_is_run_later() {
    let place = Place::script("exit 0");
    let channel = place.open(json!({})).await;
    let (there, away) = (&place.program, place.path("away"));
    fs::rename(there, &away).unwrap();
    let outcome = channel.deliver(&Sample::new("x")).await.remove(0);
    assert_eq!(outcome.class(), Class::Retry, "{outcome:?}");
    assert_eq!(outcome.fault(), Some(Fault::Config));
    fs::rename(&away, there).unwrap();
    let outcome = channel.deliver(&Sample::new("x")).await.remove(0);
    assert_eq!(outcome.class(), Class::Delivered, "{outcome:?}");
    channel.close().await;
}
