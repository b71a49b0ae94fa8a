//! What the engine may be told about a channel's deliveries, and what it says
//! about what it may not.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::time::Duration;

use annunciator::{OnUnknown, Severity};
use annunciator_testkit::rig::Rig;

fn yaml(delivery: &str) -> String {
    format!(
        "notification_channels:
  ops:
    type: steady
    delivery: {delivery}
default_notification_channels: [ops]
"
    )
}

fn rig() -> Rig {
    Rig::new(&["fixture-steady"]).unwrap()
}

#[test]
fn every_option_is_taken_as_it_stands() {
    let rig = rig();
    let options = "{timeout: 5s, min_severity: warning, ttl: 2h, on_unknown: drop,
      retry: {attempts: 3, first: 500ms, max: 1m}}";
    let loaded = rig.configured(&yaml(options)).unwrap().load().unwrap();
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let options = loaded.config.channel("ops").unwrap().options().clone();
    assert_eq!(options.timeout, Duration::from_secs(5));
    assert_eq!(options.min_severity, Severity::Warning);
    assert_eq!(options.ttl, Duration::from_secs(7200));
    assert_eq!(options.on_unknown, OnUnknown::Drop);
    assert_eq!(options.retry.attempts, 3);
    assert_eq!(options.retry.first, Duration::from_millis(500));
    assert_eq!(options.retry.max, Duration::from_secs(60));
}

#[test]
fn what_is_wrong_is_named_where_it_stands() {
    let rig = rig();
    let check = |options: &str, expected: &str| {
        let problems = rig.problems(&yaml(options)).unwrap();
        assert!(problems.contains(expected), "{options}:\n{problems}");
    };
    check(
        "{min_severty: info}",
        "heartbeat.yaml:4:16: error: channel ops: delivery.min_severty: unknown field (help: did you mean `min_severity`?)",
    );
    check(
        "{ttl: soon}",
        "heartbeat.yaml:4:21: error: channel ops: delivery.ttl: `soon` is not a time",
    );
    check(
        "{min_severity: awful}",
        "delivery.min_severity: unknown severity `awful`: use info, warning or critical",
    );
    check(
        "{on_unknown: panic}",
        "delivery.on_unknown: unknown policy `panic`: use resend, drop or ask",
    );
    check(
        "{retry: 3}",
        "delivery.retry: expected a mapping, found a whole number",
    );
    check(
        "{retry: {attempts: 0}}",
        "delivery.retry.attempts: `0` is not a number from 1 to 100",
    );
    check("{retry: {tries: 3}}", "delivery.retry.tries: unknown field");
    check(
        "{retry: {first: 5m, max: 1m}}",
        "delivery.retry: the first pause (5m) is longer than the longest (1m)",
    );
    check(
        "{ttl: 1s}",
        "delivery.ttl: the time to live (1s) is shorter than the first pause (2s)",
    );
}

#[test]
fn what_a_channel_does_not_say_is_said_for_all() {
    let rig = rig();
    let yaml = "delivery: {ttl: 2h, retry: {attempts: 3, first: 1s}}
notification_channels:
  plain: {type: steady}
  own: {type: steady, delivery: {ttl: 5h, retry: {attempts: 7}}}
default_notification_channels: [plain, own]
";
    let loaded = rig.configured(yaml).unwrap().load().unwrap();
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let options = |name: &str| loaded.config.channel(name).unwrap().options().clone();
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    assert_eq!(
        (options("plain").ttl, options("own").ttl),
        (hours(2), hours(5))
    );
    let attempts = ["plain", "own"].map(|name| options(name).retry.attempts);
    assert_eq!(attempts, [3, 7]);
    assert_eq!(options("own").retry.first, Duration::from_secs(1));

    let problems = rig.problems("delivery: {ttl: soon}\n").unwrap();
    let expected = "heartbeat.yaml:1:17: error: delivery.ttl: `soon` is not a time";
    assert!(problems.contains(expected), "{problems}");
}
