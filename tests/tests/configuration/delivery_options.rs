//! What the engine may be told about a channel's deliveries, and what it says
//! about what it may not.

use std::{fs, path::Path, time::Duration};

use annunciator::{ChannelOptions, Isolation, Loaded, OnUnknown, Severity, StorePlace};
use annunciator_testkit::rig::Rig;
use annunciator_tests::said::{check, rig};

const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

fn yaml(delivery: &str) -> String {
    format!("notification_channels:\n  ops:\n    type: steady\n    delivery: {delivery}\n")
}

pub(crate) fn loaded(yaml: &str) -> Loaded {
    let rig = rig();
    let builder = rig.exactly(yaml).unwrap();
    let loaded = builder.default_isolation(Isolation::None).load().unwrap();
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    loaded
}

pub(crate) fn options(loaded: &Loaded, name: &str) -> ChannelOptions {
    loaded.config.channel(name).unwrap().options().clone()
}

/// One problem of a channel's options, which stand from column 15 of line 4.
fn wrong(delivery: &str, column: usize, sentence: &str) {
    let line = format!("heartbeat.yaml:4:{column}: error: channel ops: delivery{sentence}");
    check(&yaml(delivery), &[&line]);
}

#[test]
fn every_option_is_taken_as_it_stands() {
    let loaded = loaded(&yaml(
        "{timeout: 5s, min_severity: warning, ttl: 2h, on_unknown: drop, rate_limit: 30/min,
      retry: {attempts: 3, first: 500ms, max: 1m}, dedup: 10m, required: true,
      quiet_hours: {from: \"22:00\", to: \"07:30\", timezone: Europe/Berlin, except: warning}}",
    ));
    let options = options(&loaded, "ops");
    assert_eq!(options.timeout, Duration::from_secs(5));
    assert!(options.required);
    assert_eq!(options.min_severity, Severity::Warning);
    assert_eq!(options.ttl, 2 * HOUR);
    assert_eq!(options.on_unknown, OnUnknown::Drop);
    assert_eq!(options.retry.attempts, 3);
    assert_eq!(options.retry.first, Duration::from_millis(500));
    assert_eq!(options.retry.max, MINUTE);
    let rate = options.rate_limit.unwrap();
    assert_eq!((rate.messages, rate.per), (30, MINUTE));
    assert_eq!(options.dedup, Some(10 * MINUTE));
    let quiet = options.quiet_hours.unwrap();
    assert_eq!((quiet.from_minute, quiet.to_minute), (22 * 60, 7 * 60 + 30));
    assert_eq!(quiet.timezone(), "Europe/Berlin");
    assert_eq!(quiet.except, Severity::Warning);
}

#[test]
fn what_is_not_said_has_a_default() {
    let loaded = loaded("notification_channels: {ops: {type: steady}}\ndelivery:\n");
    assert_eq!(options(&loaded, "ops"), ChannelOptions::default());
    let delivery = loaded.config.delivery();
    assert_eq!(
        (&delivery.store, delivery.wait),
        (&StorePlace::Unset, MINUTE / 2)
    );
}

#[test]
fn the_example_is_sound() {
    let plugins = ["email", "mattermost", "pushover"].map(|name| format!("annunciator-{name}"));
    let rig = Rig::new(&plugins.each_ref().map(String::as_str)).unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/delivery.yaml");
    let yaml = fs::read_to_string(file).unwrap();
    // The folder is another machine's.
    let yaml = yaml.replace("/var/lib/heartbeat/", "/tmp/");
    let builder = rig.exactly(&yaml).unwrap().known_keys(["route_tests"]);
    let loaded = builder.load().unwrap();
    // Of its tokens the plugins know that they are none.
    for warning in loaded.warnings.iter() {
        let sentence = warning.sentence();
        assert!(sentence.contains("does not look like a"), "{sentence}");
    }
    assert_eq!(options(&loaded, "email_ops").retry.attempts, 20);
}

#[test]
fn a_timeout_that_nobody_chose_is_no_longer_than_the_time_to_live() {
    let loaded = loaded(&yaml("{ttl: 10s}"));
    assert_eq!(options(&loaded, "ops").timeout, Duration::from_secs(10));
}

#[test]
fn fields_that_there_are_not() {
    wrong(
        "{min_severty: info}",
        16,
        ".min_severty: unknown field (help: did you mean `min_severity`?)",
    );
    wrong(
        "{retry: {tries: 3}}",
        24,
        ".retry.tries: unknown field (help: the fields are: attempts, first, max)",
    );
    wrong(
        "{quiet_hours: {from: 22:00, to: 07:00, time_zone: UTC}}",
        54,
        ".quiet_hours.time_zone: unknown field (help: did you mean `timezone`?)",
    );
    wrong(
        "{store: /var/lib/x}",
        16,
        ".store: this holds for all channels (help: move it to a `delivery:` at the top of the file)",
    );
}

#[test]
fn times_that_are_none() {
    let help = "(help: write a number with its unit, such as 30s)";
    wrong(
        "{ttl: soon}",
        21,
        &format!(".ttl: `soon` is not a duration {help}"),
    );
    wrong(
        "{timeout: 30}",
        25,
        &format!(".timeout: `30` is not a duration {help}"),
    );
    wrong(
        "{dedup: 0s}",
        23,
        ".dedup: `0s` is too short (help: write 1ms or more)",
    );
    wrong(
        "{dedup: }",
        21,
        ".dedup: expected a duration, found nothing",
    );
    wrong("{ttl: [1h]}", 21, ".ttl: expected a duration, found a list");
    wrong(
        "{timeout: 2h}",
        25,
        ".timeout: `2h` is too long (help: write 1h or less)",
    );
    wrong(
        "{ttl: 1year}",
        21,
        ".ttl: `1year` is too long (help: write 30days or less)",
    );
    wrong(
        "{retry: {first: 10us}}",
        31,
        ".retry.first: `10us` is too short (help: write 1ms or more)",
    );
}

#[test]
fn words_that_are_none() {
    wrong(
        "{min_severity: awful}",
        30,
        ".min_severity: `awful` is not one of the possible values (help: the possible values are: critical, info, warning)",
    );
    wrong(
        "{min_severity: critcal}",
        30,
        ".min_severity: `critcal` is not one of the possible values (help: did you mean `critical`?)",
    );
    wrong(
        "{on_unknown: resent}",
        28,
        ".on_unknown: `resent` is not one of the possible values (help: did you mean `resend`?)",
    );
    wrong(
        "{required: perhaps}",
        26,
        ".required: expected true or false, found `perhaps` (help: write true or false)",
    );
}

#[test]
fn repeating_that_is_none() {
    wrong("{retry: 3}", 23, ".retry: expected a mapping, found `3`");
    for (attempts, sentence) in [
        ("0", "0 is out of range: it must be between 1 and 100"),
        ("101", "101 is out of range: it must be between 1 and 100"),
        ("-1", "-1 is out of range: it must be between 1 and 100"),
        ("'0'", "0 is out of range: it must be between 1 and 100"),
        ("many", "expected a whole number, found `many`"),
        ("2.5", "expected a whole number, found `2.5`"),
    ] {
        wrong(
            &format!("{{retry: {{attempts: {attempts}}}}}"),
            34,
            &format!(".retry.attempts: {sentence}"),
        );
    }
}

#[test]
fn rates_that_are_none() {
    for rate in ["30", "fast", "30/fortnight", "/min", "1.5/s"] {
        wrong(
            &format!("{{rate_limit: {rate}}}"),
            28,
            &format!(
                ".rate_limit: `{rate}` is not a rate (help: write a number and a time, such as 30/min, 5/s or 100/10m)"
            ),
        );
    }
    wrong(
        "{rate_limit: 0/min}",
        28,
        ".rate_limit: `0/min` lets nothing through (help: write 1 or more, or `none` for no limit)",
    );
    wrong(
        "{rate_limit: 1/1year}",
        28,
        ".rate_limit: the time of `1/1year` is too long (help: write 30 days or less)",
    );
    wrong(
        "{rate_limit: }",
        26,
        ".rate_limit: expected a rate, found nothing",
    );
}

#[test]
fn options_that_contradict_each_other() {
    wrong(
        "{retry: {first: 5m, max: 1m}}",
        31,
        ".retry.first: the first backoff (5m) is longer than the longest (1m) (help: lower `first`, or raise `max`)",
    );
    wrong(
        "{retry: {max: 1s}}",
        29,
        ".retry.max: the first backoff (2s) is longer than the longest (1s) (help: lower `first`, or raise `max`)",
    );
    wrong(
        "{ttl: 1s}",
        21,
        ".ttl: the time to live (1s) is shorter than the first backoff (2s) (help: raise `ttl`, or lower `retry.first`)",
    );
    wrong(
        "{timeout: 10m, ttl: 5m}",
        25,
        ".timeout: one attempt may take longer (10m) than the time to live (5m) (help: lower `timeout`, or raise `ttl`)",
    );
    // Without a second attempt there is no pause.
    loaded(&yaml("{ttl: 1s, retry: {attempts: 1}}"));
}

#[test]
fn words_in_capitals_and_numbers_in_quotes_count() {
    let loaded = loaded(&yaml("{min_severity: WARNING, retry: {attempts: '08'}}"));
    let options = options(&loaded, "ops");
    assert_eq!(options.min_severity, Severity::Warning);
    assert_eq!(options.retry.attempts, 8);
}

#[test]
fn a_reference_is_no_value_of_an_option() {
    wrong(
        "{timeout: {env: HOME}}",
        25,
        ".timeout: expected a duration, found a mapping",
    );
    wrong(
        "{on_unknown: {env: HOME}}",
        28,
        ".on_unknown: expected text, found a mapping",
    );
}

#[test]
fn a_contradiction_is_found_beside_what_is_wrong() {
    let lines = annunciator_tests::said::said(&yaml("{retry: {attempts: x, first: 5m, max: 1m}}"));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[1].contains("the first backoff (5m) is longer"),
        "{lines:?}"
    );
}

#[test]
fn all_of_what_is_wrong_in_a_mapping_that_may_be_none_is_reported() {
    let yaml = yaml("{quiet_hours: {from: x, to: y, zone: UTC}, canary: {every: 1s, failures: 0}}");
    let lines = annunciator_tests::said::said(&yaml);
    let fields: Vec<&str> = lines
        .iter()
        .map(|line| line.split(": ").nth(3).unwrap())
        .collect();
    let expected = [
        "delivery.quiet_hours.from",
        "delivery.quiet_hours.to",
        "delivery.quiet_hours.zone",
        "delivery.canary.every",
        "delivery.canary.failures",
    ];
    assert_eq!(fields, expected, "{lines:?}");
}

#[test]
fn all_problems_are_reported_at_once() {
    let yaml =
        yaml("\n      ttl: soon\n      retry: {first: 1}\n      dedup: x\n      rate_limit: 1/x");
    assert_eq!(annunciator_tests::said::said(&yaml).len(), 4);
}
