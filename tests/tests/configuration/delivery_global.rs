//! The `delivery:` at the top of the file: what it says for all channels, and what
//! concerns none alone.

use std::time::Duration;

use annunciator::{ChannelOptions, StorePlace};
use annunciator_tests::said::{check, rig};

use super::delivery_options::{HOUR, loaded, options};

#[test]
fn what_a_channel_does_not_say_is_said_for_all() {
    let loaded = loaded(
        "delivery:
  ttl: 2h
  retry: {attempts: 3, first: 1s}
  rate_limit: 5/s
  dedup: 1h
  quiet_hours: {from: 22:00, to: 07:00, timezone: Europe/Berlin}
  store: /tmp/outbox.sqlite
  wait: 5s
notification_channels:
  plain: {type: steady}
  own: {type: steady, delivery: {ttl: 5h, retry: {attempts: 7}, quiet_hours: {from: 20:00, to: 06:00}}}
  loud: {type: steady, delivery: {quiet_hours: none, rate_limit: none, dedup: none}}
",
    );
    let [plain, own, loud] = ["plain", "own", "loud"].map(|name| options(&loaded, name));
    assert_eq!((plain.ttl, own.ttl), (2 * HOUR, 5 * HOUR));
    assert_eq!((plain.retry.attempts, own.retry.attempts), (3, 7));
    assert_eq!(own.retry.first, Duration::from_secs(1));
    assert_eq!((plain.dedup, loud.dedup), (Some(HOUR), None));
    assert!(own.rate_limit.is_some() && loud.rate_limit.is_none());
    let zone = |options: &ChannelOptions| Some(options.quiet_hours.as_ref()?.timezone().to_owned());
    assert_eq!(zone(&plain).as_deref(), Some("Europe/Berlin"));
    assert_eq!(zone(&own).as_deref(), Some("UTC"));
    assert_eq!(zone(&loud), None);
    let delivery = loaded.config.delivery();
    let store = "/tmp/outbox.sqlite".into();
    assert_eq!(delivery.store, StorePlace::File(store));
    assert_eq!(delivery.wait, Duration::from_secs(5));
}

#[test]
fn what_is_said_wrongly_for_all_is_reported_once() {
    let channels = "notification_channels: {a: {type: steady}, b: {type: steady, delivery: {}}}\n";
    let at_the_top = |delivery: &str, expected: &str| {
        let yaml = format!("delivery: {delivery}\n{channels}");
        check(&yaml, &[&format!("heartbeat.yaml:1:{expected}")]);
    };
    at_the_top(
        "{ttl: soon}",
        "17: error: delivery.ttl: `soon` is not a duration (help: write a number with its unit, such as 30s)",
    );
    at_the_top(
        "{retry: {first: 1h}}",
        "27: error: delivery.retry.first: the first backoff (1h) is longer than the longest (10m) (help: lower `first`, or raise `max`)",
    );
    at_the_top(
        "[30s]",
        "11: error: delivery: expected a mapping, found a list",
    );
    at_the_top(
        "{stor: /x}",
        "12: error: delivery.stor: unknown field (help: did you mean `store`?)",
    );
    at_the_top(
        "{wait: 2h}",
        "18: error: delivery.wait: `2h` is too long (help: write 1h or less)",
    );
}

#[test]
fn a_channel_that_contradicts_what_is_said_for_all() {
    check(
        "delivery: {retry: {first: 5m}}
notification_channels:
  a: {type: steady, delivery: {ttl: 1m}}
",
        &[
            "heartbeat.yaml:3:37: error: channel a: delivery.ttl: the time to live (1m) is shorter than the first backoff (5m) (help: raise `ttl`, or lower `retry.first`)",
        ],
    );
}

#[test]
fn a_store_is_a_file_by_its_whole_path_or_none() {
    let channels = "notification_channels: {a: {type: steady}}\n";
    let with = |store: &str| format!("delivery: {{store: {store}}}\n{channels}");
    for (said, place) in [
        ("", StorePlace::Unset),
        ("':memory:'", StorePlace::Memory),
        ("none", StorePlace::NotStored),
    ] {
        assert_eq!(loaded(&with(said)).config.delivery().store, place, "{said}");
    }
    for (store, sentence) in [
        (
            "outbox.sqlite",
            "expected the absolute path of a file (help: write the absolute path, from /; or `:memory:`, or `none`)",
        ),
        (
            "/var/lib/heartbeat/",
            "expected a file, found a folder (help: add the name of a file, such as outbox.sqlite)",
        ),
        ("[a]", "expected the absolute path of a file, found a list"),
    ] {
        let line = format!("heartbeat.yaml:1:19: error: delivery.store: {sentence}");
        check(&with(store), &[&line]);
    }
}

#[test]
fn what_needs_a_record_where_there_is_none_is_a_warning() {
    let yaml = "delivery: {store: none, timeout: 5s, dedup: 10m}
notification_channels:
  a: {type: steady, delivery: {min_severity: warning, rate_limit: none}}
  b:
    type: steady
    delivery:
      quiet_hours: {from: '22:00', to: '06:00'}
";
    let loaded = rig().exactly(yaml).unwrap().load().unwrap();
    let why = "this needs a record of deliveries, and `delivery.store` is none: each delivery is tried once, at once (help: store deliveries in a file, or remove this)";
    let said = loaded.warnings.to_string();
    let lines: Vec<&str> = said
        .lines()
        .map(|line| line.rsplit('/').next().unwrap())
        .collect();
    let expected = [
        format!("heartbeat.yaml:1:38: warning: delivery.dedup: {why}"),
        format!("heartbeat.yaml:7:7: warning: channel b: delivery.quiet_hours: {why}"),
    ];
    assert_eq!(lines, expected);
}
