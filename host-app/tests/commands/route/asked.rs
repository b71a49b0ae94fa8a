//! `hbd route`: the timeline.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use annunciator_testkit::{artefacts, rig::Rig};
use serde_json::json;

use super::desk::{Desk, YAML};

fn check(args: &[&str], expected: &str) {
    let desk = Desk::new(YAML);
    let (status, out, err) = desk.run(&[&["route"], args].concat());
    assert_eq!((status, err.as_str()), (0, ""), "{args:?}");
    assert_eq!(out, expected, "{args:?}");
}

#[test]
fn at_noon_a_group_is_notified_step_by_step() {
    check(
        &["web-01", "--at", "2026-11-23 12:00"],
        "\
web-01, critical, 2026-11-23T12:00:00Z:
WHEN     AT                    CHANNEL  WHAT
at once  2026-11-23T12:00:00Z  chat     notified
at once  2026-11-23T12:00:00Z  deaf     notified, step 1 of group oncall, until delivered; never says that it was delivered
in 5m    2026-11-23T12:05:00Z  pager    notified, step 2 of group oncall, unless delivered before; never says that it was delivered
in 10m   2026-11-23T12:10:00Z  mail     notified, step 3 of group oncall, unless delivered before

while a metric is beyond its threshold, a reminder is sent every 1h: at 2026-11-23T13:00:00Z first, at once to chat, deaf
",
    );
}

#[test]
fn at_night_what_is_not_critical_waits_for_a_digest_and_the_next_step_begins_at_once() {
    check(
        &["web-01", "--severity", "warning", "--at", "2026-11-23T22:30+01:00"],
        "\
web-01, warning, 2026-11-23T21:30:00Z:
WHEN     AT                    CHANNEL  WHAT
at once  2026-11-23T21:30:00Z  chat     suppressed by quiet_hours: 22:00 to 07:00, Europe/Berlin; in the digest at 2026-11-24T06:00:00Z
at once  2026-11-23T21:30:00Z  deaf     suppressed by min_severity: warning is milder than critical, step 1 of group oncall, until delivered; never says that it was delivered
at once  2026-11-23T21:30:00Z  pager    notified, step 2 of group oncall, unless delivered before; never says that it was delivered
in 5m    2026-11-23T21:35:00Z  mail     notified, step 3 of group oncall, unless delivered before; never says that it was delivered

while a metric is beyond its threshold, a reminder is sent every 1h: at 2026-11-23T22:30:00Z first, at once to pager
",
    );
}

#[test]
fn where_lasting_alerts_are_notified_once_nothing_is_said_of_later() {
    check(
        &["db-01", "--at", "2026-11-23"],
        "\
db-01, critical, 2026-11-23T00:00:00Z:
WHEN     AT                    CHANNEL  WHAT
at once  2026-11-23T00:00:00Z  pager    notified
at once  2026-11-23T00:00:00Z  chat     notified
",
    );
}

#[test]
fn in_json_everything_has_a_name() {
    let desk = Desk::new(YAML);
    let at = ["--severity", "warning", "--at", "2026-11-23 21:30"];
    let answer = desk.json(&[&["route", "web-01", "--json"], &at[..]].concat());
    let at_ms = 1_795_469_400_000_i64;
    assert_eq!(
        answer["channels"][0],
        json!({
            "channel": "chat", "at_ms": at_ms, "step": 0,
            "rule": "quiet_hours: 22:00 to 07:00, Europe/Berlin",
            "digest_ms": at_ms + (8 * 60 + 30) * 60_000,
            "what": "suppressed by quiet_hours: 22:00 to 07:00, Europe/Berlin; in the digest at 2026-11-24T06:00:00Z",
        })
    );
    assert_eq!(
        answer["channels"][3],
        json!({
            "channel": "mail", "at_ms": at_ms + 300_000, "step": 3,
            "group": "oncall", "until": "delivered", "proves": "accepted", "never_ends": true,
            "what": "notified, step 3 of group oncall, unless delivered before; never says that it was delivered",
        })
    );
    let again = json!({ "every_ms": 3_600_000, "at_ms": at_ms + 3_600_000, "notified": ["pager"] });
    assert_eq!(answer["again"], again);
    assert_eq!(
        (&answer["host"], &answer["severity"], &answer["at_ms"]),
        (&json!("web-01"), &json!("warning"), &json!(at_ms))
    );
}

#[test]
fn unless_it_is_said_it_is_now() {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let before_ms = i64::try_from(since.unwrap().as_millis()).unwrap();
    let answer = Desk::new(YAML).json(&["route", "db-01", "--json"]);
    assert!(answer["at_ms"].as_i64().unwrap() >= before_ms);
    assert_eq!(answer["severity"], "critical");
}

#[test]
fn a_time_of_the_day_is_the_next_one() {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now_ms = since.unwrap().as_millis();
    let day_ms = Duration::from_secs(24 * 3600).as_millis();
    let answer = Desk::new(YAML).json(&["route", "db-01", "--json", "--at", "23:30"]);
    let at_ms = u128::from(answer["at_ms"].as_u64().unwrap());
    assert_eq!(at_ms % day_ms / 60_000, 23 * 60 + 30);
    assert!(at_ms >= now_ms && at_ms < now_ms + 2 * day_ms, "{at_ms}");
}

#[test]
fn a_host_that_is_not_configured_gets_the_defaults_and_perhaps_is_a_slip() {
    let desk = Desk::new(YAML);
    let (status, out, err) = desk.run(&["route", "web-1", "--at", "2026-11-23"]);
    assert_eq!(status, 0);
    assert!(
        out.ends_with("at once  2026-11-23T00:00:00Z  mail     notified\n"),
        "{out}"
    );
    assert_eq!(
        err,
        "warning: no host `web-1` is in the configuration: the default channels are notified\n"
    );
    assert_eq!(
        desk.json(&["route", "web-1", "--json"])["is_configured"],
        false
    );
}

#[test]
fn when_nobody_would_be_notified() {
    let desk = Desk::new("notification_channels: {a: {type: steady}}\n");
    let (status, out, err) = desk.run(&["route", "web-01"]);
    assert_eq!((status, out.as_str()), (1, ""));
    assert_eq!(
        err,
        "error: no channel is configured for this: nobody would be notified\nhelp: name channels for the host, or default_notification_channels\n"
    );
    let (status, out, _) = desk.run(&["route", "web-01", "--json"]);
    assert_eq!(status, 1);
    assert!(out.contains("\"channels\": []"), "{out}");
}

#[test]
fn a_channel_whose_plugin_is_of_no_use_keeps_it_until_that_is_mended() {
    let rig = Rig::new(&["fixture-ill-behaved"]).unwrap();
    let plugin = fs::read_dir(rig.plugins()).unwrap().next().unwrap();
    let twin = rig.plugins().join("twin.so");
    let plugin = plugin.unwrap().path();
    artefacts::copy(&plugin, &twin).unwrap();
    let mut bytes = fs::read(plugin).unwrap();
    // Another file: what stands behind an ELF file is nobody's.
    bytes.push(0);
    fs::write(twin, bytes).unwrap();
    let yaml = "notification_channels: {x: {type: ill_behaved, mode: ok}}\ndefault_notification_channels: [x]\n";
    drop(rig.exactly(yaml).unwrap());
    let desk = Desk { rig };
    let (status, out, _) = desk.run(&["route", "web-01"]);
    // Nobody would be notified now.
    assert_eq!(status, 1);
    let why = "x        waits, the channel is disabled: channel type ill_behaved is offered by two plugins";
    assert!(out.contains(why), "{out}");
    let answer = desk.json(&["route", "web-01", "--json"]);
    let why = answer["channels"][0]["disabled"].as_str().unwrap();
    assert!(why.contains("two plugins"), "{why}");
}

#[test]
fn what_is_no_moment_or_severity() {
    let desk = Desk::new(YAML);
    for wrong in [
        "soon",
        "2h",
        "24:00",
        "2026-02-30",
        "2026-11-23 14:00[Europe/Berlin]",
    ] {
        let (status, _, err) = desk.run(&["route", "web-01", "--at", wrong]);
        assert_eq!(status, 2, "{wrong}");
        let help = "write when, such as \"2026-11-22 23:30\" (UTC), or 23:30 for the next one";
        assert!(err.contains(help), "{err}");
    }
    let (status, _, err) = desk.run(&["route", "web-01", "--severity", "awful"]);
    assert_eq!(status, 2);
    assert!(err.contains("use info, warning or critical"), "{err}");
}
