//! The validation of settings, and the check that asks the service.

use crate::standin::{bench, settings};
use annunciator_pushover::Pushover as Plugin;
use annunciator_sdk::Provider as _;
use annunciator_sdk::testing::validate;
use annunciator_testkit::http::Fault as Broken;
use serde_json::{Value, json};

/// Checks the problems, written as `E field` for an error and `W field` for a warning.
fn check(extra: &Value, expected: &[&str]) {
    let found = validate::<Plugin>(&settings("https://api.example", extra));
    let seen: Vec<String> = found
        .iter()
        .map(|problem| {
            let level = if problem.is_error() { 'E' } else { 'W' };
            format!("{level} {}", problem.path())
        })
        .collect();
    assert_eq!(seen, expected, "{extra}: {found:?}");
}

#[test]
fn when_settings_are_good_nothing_is_reported() {
    for extra in [
        json!({}),
        json!({"device": "a,b_c-d", "sound": "siren", "ttl": 5}),
        json!({"priority": "emergency", "tags": ["a"], "retry": 30, "expire": 1500}),
        json!({"priority": "-1"}),
        json!({"people": {"anna": "a".repeat(30)}}),
        json!({"priorities": {"critical": 2}, "callback": "https://m.example"}),
        json!({"api_url": "http://127.0.0.1:8080/push"}),
    ] {
        check(&extra, &[]);
    }
}

#[test]
fn when_keys_are_placeholders_it_is_only_a_warning() {
    let extra = json!({"token": "your-pushover-app-token", "user": "your-pushover-user-key"});
    check(&extra, &["W token", "W user"]);
    check(&json!({"people": {"anna": "her-key"}}), &["W people.anna"]);
}

#[test]
fn when_the_service_would_refuse_it_it_is_an_error() {
    let many = vec!["u".repeat(30); 51].join(",");
    for (extra, expected) in [
        (json!({"token": ""}), "E token"),
        (json!({"user": " , "}), "E user"),
        (json!({"people": {" ": "a".repeat(30)}}), "E people"),
        (json!({"user": many}), "E user"),
        (json!({"device": "my phone"}), "E device"),
        (json!({"retry": 29}), "E retry"),
        (json!({"expire": 10801}), "E expire"),
        (json!({"expire": 0}), "E expire"),
        (json!({"html": true, "monospace": true}), "E monospace"),
        (json!({"priority": 1, "priorities": {}}), "E priorities"),
        (json!({"encryption_key": "your-key"}), "E encryption_key"),
        (json!({"title": "t".repeat(251)}), "E title"),
        (json!({"url": "u".repeat(513)}), "E url"),
        (json!({"url_title": "u".repeat(101)}), "E url_title"),
        (json!({"ttl": 0}), "E ttl"),
        (json!({"api_url": "api.pushover.net"}), "E api_url"),
        (json!({"api_url": "https://a.example/?x=1"}), "E api_url"),
        (json!({"priority": 2, "tags": ["a,b"]}), "E tags[0]"),
        (json!({"priority": 2, "callback": "x"}), "E callback"),
        (json!({"priority": "loud"}), "E priority"),
        (json!({"priorities": {"urgent": 1}}), "E priorities.urgent"),
        (json!({"sond": "siren"}), "E sond"),
    ] {
        check(&extra, &[expected]);
    }
}

#[test]
fn when_it_is_likely_a_mistake_it_is_a_warning() {
    for (extra, expected) in [
        (json!({"sound": "trumpet"}), "W sound"),
        (json!({"api_url": "http://proxy.example"}), "W api_url"),
        (json!({"tags": ["a"]}), "W tags"),
        (
            json!({"priority": 2, "retry": 30, "expire": 1530}),
            "W expire",
        ),
    ] {
        check(&extra, &[expected]);
    }
}

#[test]
fn when_a_type_is_wrong_no_secret_is_reported() {
    let extra = json!({"token": {"canary": 1}, "user": ["canary"]});
    let found = validate::<Plugin>(&settings("https://api.example", &extra));
    assert!(!found.is_empty());
    assert!(!format!("{found:?}").contains("canary"));
}

#[test]
fn when_a_field_is_a_secret_the_schema_marks_it_and_all_are_described() {
    let schema = schemars::schema_for!(<Plugin as annunciator_sdk::Provider>::Config);
    let fields = schema.as_value()["properties"].as_object().cloned();
    for (name, field) in fields.into_iter().flatten() {
        let secret = ["token", "user", "encryption_key"].contains(&name.as_str());
        assert_eq!(field["writeOnly"] == true, secret, "{name}: {field}");
        assert!(field["description"].is_string(), "{name}");
    }
}

#[test]
fn when_the_example_is_copied_it_names_every_required_field() {
    for field in ["token", "user"] {
        assert!(Plugin::EXAMPLE.contains(field));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_settings_are_checked_nothing_is_delivered() {
    let good = bench(json!({"device": "droid2"})).await;
    let found = good.channel.check().await;
    assert!(found.is_ok(), "{found:?}");
    assert!(found.detail().contains("droid2, iphone"));
    assert!(good.service.messages().is_empty());
    let device = bench(json!({"device": "tablet"})).await;
    let found = device.channel.check().await;
    assert!(!found.is_ok());
    assert!(found.detail().contains("has no device tablet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_key_is_wrong_the_check_says_which() {
    for (extra, hint) in [
        (json!({"token": "x".repeat(30)}), "check token"),
        (json!({"user": "x".repeat(30)}), "check user"),
    ] {
        let bench = bench(extra).await;
        let found = bench.channel.check().await;
        assert!(!found.is_ok());
        assert!(found.raw().hint.contains(hint), "{found:?}");
    }
    let bench = bench(json!({})).await;
    bench.service.fault(Broken::html_page());
    let found = bench.channel.check().await;
    assert!(!found.is_ok());
    assert!(found.raw().hint.contains("api_url"), "{found:?}");
}
