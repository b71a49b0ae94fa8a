//! What programs read, and what their exit status and output mean.

use std::{fs, time::Duration};

use crate::place::Place;
use annunciator_sdk::testing::Sample;
use annunciator_sdk::{Class, Fault};
use serde_json::{Value, json};

#[tokio::test]
async fn a_program_reads_the_message_and_finds_nothing_of_it_in_its_arguments() {
    let place =
        Place::script("cat >message; printf '%s\\n' \"$@\" >arguments; env | sort >environment");
    let extra = json!({
        "arguments": ["$(touch evil)", "; touch evil", "*"],
        "environment": {"COLOUR": "red; touch evil"},
        "settings": {"token": "s3cret"},
    });
    let sample = Sample::new("body `touch evil`\n\"x\"")
        .title("t")
        .host("web-01")
        .attribute("a", "b");
    let outcome = place.deliver(extra, &sample).await.remove(0);
    assert_eq!(
        (outcome.class(), outcome.target()),
        (Class::Delivered, "tell")
    );
    let message: Value = serde_json::from_slice(&fs::read(place.path("message")).unwrap()).unwrap();
    assert_eq!(message["body"], "body `touch evil`\n\"x\"");
    assert_eq!(
        (&message["host"], &message["attributes"]["a"]),
        (&json!("web-01"), &json!("b"))
    );
    assert_eq!(
        (&message["settings"]["token"], &message["targets"]),
        (&json!("s3cret"), &json!(["tell"]))
    );
    let arguments = fs::read_to_string(place.path("arguments")).unwrap();
    assert_eq!(arguments, "$(touch evil)\n; touch evil\n*\n");
    assert!(!place.path("evil").exists());
    let environment = fs::read_to_string(place.path("environment")).unwrap();
    assert!(environment.contains("COLOUR=red; touch evil\n"));
    assert!(
        environment.contains("PATH=/usr/local/bin:/usr/bin:/bin\n"),
        "{environment}"
    );
    assert!(!environment.contains("CARGO"), "{environment}");
}

#[tokio::test]
async fn an_exit_status_is_the_outcome() {
    for (status, class, fault) in [
        (0, Class::Delivered, None),
        (1, Class::Unknown, Some(Fault::Plugin)),
        (64, Class::Permanent, Some(Fault::Config)),
        (65, Class::Permanent, Some(Fault::Message)),
        (67, Class::Permanent, Some(Fault::Recipient)),
        (69, Class::Retry, Some(Fault::Remote)),
        (70, Class::Permanent, Some(Fault::Plugin)),
        (71, Class::Retry, Some(Fault::Host)),
        (74, Class::Retry, Some(Fault::Network)),
        (75, Class::Retry, Some(Fault::Remote)),
        (77, Class::Permanent, Some(Fault::Config)),
        (78, Class::Permanent, Some(Fault::Config)),
    ] {
        let outcome = Place::script(&format!("exit {status}")).deliver_one().await;
        assert_eq!(
            (outcome.class(), outcome.fault()),
            (class, fault),
            "{status}"
        );
    }
    let outcome = Place::script("kill -SEGV $$").deliver_one().await;
    assert_eq!(outcome.class(), Class::Unknown);
    assert!(outcome.raw().detail.contains("ended by signal 11"));
}

#[tokio::test]
async fn json_on_the_output_says_more_and_target_by_target() {
    let place = Place::script(
        r#"echo '{"outcome": "retry", "detail": "busy", "retry_after": 7.5, "targets": [{"target": "b", "outcome": "delivered", "id": "m1"}]}'"#,
    );
    let outcomes = place
        .deliver(json!({"targets": ["a", "b"]}), &Sample::new("x"))
        .await;
    assert_eq!(
        (outcomes[0].target(), outcomes[0].class()),
        ("a", Class::Retry)
    );
    assert_eq!(outcomes[0].wait(), Some(Duration::from_millis(7500)));
    assert!(outcomes[0].raw().detail.contains("busy"));
    assert_eq!(
        (outcomes[1].class(), outcomes[1].raw().remote_id.as_str()),
        (Class::Delivered, "m1")
    );
    // Only the remaining targets are notified again.
    let again = Sample::new("x").again(2, &["a"]);
    let outcomes = place.deliver(json!({"targets": ["a", "b"]}), &again).await;
    assert_eq!(outcomes.len(), 1);
    // The output cannot turn a status of failure into success.
    let place = Place::script(r#"echo '{"outcome": "delivered", "detail": "really"}'; exit 75"#);
    let outcome = place.deliver_one().await;
    assert_eq!(outcome.class(), Class::Retry);
}
