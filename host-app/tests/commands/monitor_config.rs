//! What `hbd check` says about the monitor's part of the configuration.

use std::process::Command;

use annunciator_testkit::rig::Rig;

const CHANNELS: &str = "notification_channels: {a: {type: steady}}
default_notification_channels: [a]
";

/// What is printed about a file with this below its channels: the first line
/// of each problem with its place, and what to do.
fn check(below: &str) -> (bool, String) {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let _builder = rig.configured(&format!("{CHANNELS}{below}")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_hbd"))
        .arg("check")
        .env_clear()
        .env("HBD_CONFIG", rig.file())
        .env("ANNUNCIATOR_PLUGIN_DIR", rig.plugins())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.success(), said)
}

#[test]
fn what_is_wrong_is_reported_with_its_place_and_what_to_do() {
    for (below, line, sentence, help) in [
        (
            "monitor: {interval: soon}",
            3,
            "`soon` is not a duration",
            "write a number with its unit, such as 30s",
        ),
        (
            "monitor: {interval: 10}",
            3,
            "`10` is not a duration",
            "write a number with its unit, such as 30s",
        ),
        (
            "monitor: {interval: 1ms}",
            3,
            "`1ms` is too short",
            "ten times a second",
        ),
        ("monitor: {grace: 900y}", 3, "longer than a year", "shorter"),
        (
            "monitor:\n  intervall: 10s",
            4,
            "unknown field",
            "did you mean `interval`",
        ),
        ("monitor: {listen: 127.0.0.1}", 3, "list", ""),
        (
            "monitor: {listen: [127.0.0.1]}",
            3,
            "`127.0.0.1` is not an address",
            "127.0.0.1:9677",
        ),
        (
            "monitor: {listen: []}",
            3,
            "no heartbeat would ever be received",
            "name an address",
        ),
        (
            "monitor: {state: state.sqlite}",
            3,
            "depends on the folder",
            "from /",
        ),
        (
            "monitor: {control: ./sock}",
            3,
            "depends on the folder",
            "from /",
        ),
        (
            "monitor: {http: localhost}",
            3,
            "`localhost` is not an address",
            "127.0.0.1:",
        ),
        ("monitor: {misses: 0}", 3, "misses", ""),
        ("monitor: {mass_silence: {hosts: 1}}", 3, "hosts", ""),
        (
            "monitor:\n  keys:\n  - {id: k1, secret: short}",
            5,
            "",
            "openssl",
        ),
        (
            "monitor:\n  keys:\n  - {id: k1, secret: 0123456789abcdef0}\n  - {id: k1, secret: 0123456789abcdef1}",
            6,
            "there is another key `k1`",
            "an id of its own",
        ),
        (
            "monitor:\n  keys: [{id: k1, secret: 0123456789abcdef}]\n  max_skew: off",
            5,
            "could be replayed",
            "such as 1h",
        ),
        (
            "monitor: {keys: [{id: k1, secret: 0123456789abcdef, hosts: []}]}",
            3,
            "is valid for no host",
            "omit `hosts`",
        ),
        (
            "monitor:\n  ping_keys:\n  - {key: short}",
            5,
            "is shorter than 16 characters",
            "openssl",
        ),
        (
            "monitor:\n  ping_keys:\n  - {key: 0123456789abcde/}",
            5,
            "other than letters, digits",
            "openssl",
        ),
        (
            "monitor:\n  ping_keys:\n  - {key: 0123456789abcdef}\n  - {key: 0123456789abcdef}",
            6,
            "another entry with this key",
            "a key of its own",
        ),
        (
            "hosts:\n  a: {watch: true, schedule: 0 3 30 2 *}",
            4,
            "is a time that never comes",
            "days that months have",
        ),
        (
            "hosts:\n  a: {schedule: '0 3 * *'}",
            4,
            "`0 3 * *` has 4 fields",
            "write five fields",
        ),
        (
            "hosts:\n  a:\n    schedule: '@daily'\n    timezone: Mars/Base",
            6,
            "there is no time zone `Mars/Base`",
            "IANA",
        ),
        (
            "hosts:\n  a:\n    timezone: UTC",
            5,
            "there is no schedule that has this time zone",
            "omit the time zone",
        ),
        (
            "hosts:\n  a:\n    schedule: '@daily'\n    interval: 1h",
            6,
            "the host has a schedule already",
            "write one of both",
        ),
        (
            "threshold_configs:\n  high:\n    cpu_monitor.cpu_percent: {warning: '80'}",
            5,
            "does not begin with a comparison",
            "",
        ),
        (
            "threshold_configs:\n  high:\n    cpu_monitor.cpu_percent: {warnin: '> 80'}",
            5,
            "unknown field",
            "did you mean `warning`",
        ),
        (
            "threshold_configs:\n  high:\n    cpu: {warning: '> 80'}",
            5,
            "not the path of a metric",
            "",
        ),
        (
            "threshold_configs:\n  high: {renotify: sometimes}",
            4,
            "`sometimes` is not a duration",
            "write a number with its unit, such as 30s, or never",
        ),
        (
            "hosts:\n  web-01: {interval: often}",
            4,
            "`often` is not a duration",
            "write a number with its unit, such as 30s",
        ),
        (
            "hosts:\n  web-01: {grce: 10s}",
            4,
            "unknown field",
            "did you mean `grace`",
        ),
    ] {
        let (sound, said) = check(below);
        let place = format!("heartbeat.yaml:{line}:");
        for wanted in [place.as_str(), sentence, help] {
            assert!(
                said.contains(wanted),
                "{below}\nwanted `{wanted}`, said:\n{said}"
            );
        }
        assert!(!sound || said.contains("warning"), "{below}: {said}");
    }
}

#[test]
fn a_secret_is_never_shown() {
    let (sound, said) = check("monitor: {keys: [{id: 'a b', secret: canary-4711-canary}]}");
    assert!(!sound && !said.contains("canary"), "{said}");
}

#[test]
fn thresholds_that_are_not_defined_are_a_warning() {
    let (sound, said) = check(
        "threshold_configs: {high: {a.b: {warning: '> 1'}}}\nhosts: {web-01: {threshold_config: hihg}}",
    );
    assert!(sound && said.contains("did you mean `high`"), "{said}");
    // The names may stand elsewhere.
    let (sound, said) = check("hosts: {web-01: {threshold_config: high}}");
    assert!(sound && said.is_empty(), "{said}");
}

#[test]
fn a_key_for_a_host_that_is_not_configured_is_a_warning() {
    let key = "monitor: {keys: [{id: k1, secret: 0123456789abcdef, hosts: [db-01, wbe-01]}]}";
    let (sound, said) = check(&format!("{key}\nhosts: {{web-01: {{}}, db-01: {{}}}}"));
    assert!(sound, "{said}");
    assert_eq!(said.matches("there is no").count(), 1, "{said}");
    for part in [
        "monitor.keys[0].hosts[1]",
        "`wbe-01`",
        "did you mean `web-01`",
    ] {
        assert!(said.contains(part), "no `{part}` in {said}");
    }
    // The hosts may stand elsewhere.
    let (sound, said) = check(key);
    assert!(sound && said.is_empty(), "{said}");
}

#[test]
fn everything_that_can_be_said_is_sound() {
    let (sound, said) = check(
        "monitor:
  listen: ['127.0.0.1:9677', '[::1]:9677']
  state: /tmp/state.sqlite
  control: /run/heartbeat/control.sock
  interval: 10s
  grace: 20s
  misses: 1
  max_skew: 10m
  blind_notice: 1m
  drain: 20s
  mass_silence: {hosts: 10, within: 5s}
  flapping: {changes: 6, within: 1h, steady_after: 15m}
  keys:
  - {id: k1, secret: 0123456789abcdef0123456789abcdef}
  - {id: k2, secret: 0123456789abcdef0123456789abcdef, hosts: [web-01]}
threshold_configs:
  high:
    cpu_monitor.cpu_percent: {warning: '> 80', critical: '> 90', clear_below: 75, for: 3}
    disk_monitor.*.free_gb: {critical: '<= 1', clear_above: 2.5}
    renotify: never
hosts:
  web-01: {watch: true, threshold_config: high, interval: 1m, grace: 90s, misses: 2}
",
    );
    assert!(sound && said.is_empty(), "{said}");
}

#[test]
fn no_sentence_repeats_a_login_that_stands_where_none_belongs() {
    let login = "u:hunter2canary@h.example:99";
    for value in [login, "https://u:hunter2canary@h.example:99/x"] {
        for below in [
            format!("monitor: {{listen: ['{value}']}}"),
            format!("monitor: {{state: '{value}'}}"),
            format!("monitor: {{control: '{value}'}}"),
            format!("monitor: {{http: '{value}'}}"),
            format!("monitor: {{interval: '{value}', grace: '{value}'}}"),
            format!("monitor: {{max_skew: '{value}', blind_notice: '{value}', drain: '{value}'}}"),
            format!("monitor: {{mass_silence: {{within: '{value}'}}}}"),
            format!("hosts: {{web: {{interval: '{value}', grace: '{value}'}}}}"),
        ] {
            let (sound, said) = check(&below);
            assert!(!sound && !said.contains("hunter2canary"), "{below}: {said}");
        }
    }
}
