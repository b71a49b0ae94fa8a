//! Groups of channels: what a configuration makes of them, and what it says about
//! those that are none.

mod unprovable;

use std::{fmt::Write as _, time::Duration};

use annunciator::{Loaded, Proof};
use annunciator_tests::said::{check, rig, said};

const CHANNELS: &str = "notification_channels:
  pager: {type: steady}
  push: {type: steady, proves: acknowledged}
  mail: {type: steady}
";

/// A file with three channels and these groups, from line 6 on.
fn yaml(groups: &str) -> String {
    format!("{CHANNELS}notification_groups:\n{groups}")
}

fn loaded(yaml: &str) -> Loaded {
    let loaded = rig().exactly(yaml).unwrap().load().unwrap();
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    loaded
}

/// What is said about a group that is called `a`.
fn wrong(group: &str, column: usize, sentence: &str) {
    let line = format!("heartbeat.yaml:6:{column}: error: group a{sentence}");
    check(&yaml(&format!("  a: {group}\n")), &[&line]);
}

#[test]
fn a_group_as_it_stands() {
    let loaded = loaded(&yaml(
        "  oncall: {first_of: [pager, push], until: acknowledged, step_after: 5m}
  all: {first_of: [mail, oncall]}
",
    ));
    let config = loaded.config;
    let names: Vec<_> = config.groups().map(|group| group.name()).collect();
    assert_eq!(names, ["oncall", "all"]);
    let oncall = config.group("oncall").unwrap();
    assert_eq!(oncall.first_of().collect::<Vec<_>>(), ["pager", "push"]);
    assert_eq!(oncall.until(), Proof::Acknowledged);
    assert_eq!(oncall.step_after(), Duration::from_secs(300));
    let all = config.group("all").unwrap();
    assert_eq!(all.first_of().collect::<Vec<_>>(), ["mail", "oncall"]);
    assert_eq!(all.until(), Proof::Accepted);
    assert_eq!(all.step_after(), Duration::from_secs(120));
    assert_eq!(config.group("pager"), None);
    assert!(config.channel("oncall").is_none());
}

#[test]
fn hosts_and_defaults_name_groups_and_channels_alike() {
    let config = loaded(
        "notification_channels: {a: {type: steady}, b: {type: steady}, c: {type: steady}}
notification_groups:
  inner: {first_of: [b, c]}
  outer: {first_of: [inner, a]}
default_notification_channels: [a, inner]
hosts:
  by_group: {notification_channels: [outer]}
  by_channel: {notification_channels: [b, c, a]}
  both: {notification_channels: [c, outer, c, inner, outer]}
  none: {}
",
    )
    .config;
    for (host, channels, names) in [
        ("by_group", &["b", "c", "a"][..], &["outer"][..]),
        ("by_channel", &["b", "c", "a"], &["b", "c", "a"]),
        ("both", &["c", "b", "a"], &["c", "outer", "inner"]),
        ("none", &["a", "b", "c"], &["a", "inner"]),
        ("stranger", &["a", "b", "c"], &["a", "inner"]),
    ] {
        // Until they are tried step by step, all are told at once.
        assert_eq!(config.channels_for_host(host), channels, "{host}");
        assert_eq!(config.named_by_host(host), names, "{host}");
    }
    assert_eq!(config.default_channels(), ["a", "b", "c"]);
    assert_eq!(config.named_by_default(), ["a", "inner"]);
}

#[tokio::test]
async fn a_group_is_reported_by_its_name() {
    let yaml = yaml("  oncall: {first_of: [push, pager]}\n");
    let rig = rig();
    let engine = rig.start(&yaml).await.unwrap();
    let report = engine.notify_channels(&["mail", "oncall", "push"], "x");
    let report = report.await.unwrap();
    let notified: Vec<_> = report.channels().keys().collect();
    assert_eq!(notified, ["mail", "pager", "push"]);
    let refused = engine.notify_channels(&["oncal"], "x").await.unwrap_err();
    assert!(refused.to_string().contains("oncal"), "{refused}");
}

#[test]
fn no_groups_at_all() {
    for none in ["", "  {}\n"] {
        assert_eq!(loaded(&yaml(none)).config.groups().count(), 0);
    }
    check(
        &format!("{CHANNELS}notification_groups: [pager]\n"),
        &[
            "heartbeat.yaml:5:22: error: notification_groups: expected a mapping of names to groups, found a list",
        ],
    );
}

#[test]
fn groups_that_hold_nothing() {
    let help = "(help: write at least `first_of:`, such as {first_of: [pager, mail]})";
    wrong(
        "",
        3,
        &format!(": expected the group's steps, found nothing {help}"),
    );
    wrong(
        "[pager]",
        6,
        &format!(": expected the group's steps, found a list {help}"),
    );
    wrong(
        "{until: accepted}",
        3,
        ": first_of: this field is missing (help: first_of: The steps: names of channels and groups in the order in which they are tried, such as `[pager, mail]`.)",
    );
    wrong(
        "{first_of: []}",
        17,
        ": first_of: the list is empty: nobody would be notified (help: name a channel, or remove the group)",
    );
    wrong(
        "{first_of: }",
        15,
        ": first_of: expected a list of channel names, found nothing (help: remove the group)",
    );
    wrong(
        "{first_of: pager}",
        17,
        ": first_of: expected a list of channel names, found text (help: write a list: [pager])",
    );
    wrong(
        "{first_of: [pager, {a: b}]}",
        25,
        ": first_of[1]: expected the name of a channel, found a mapping",
    );
}

#[test]
fn fields_that_are_wrong() {
    wrong(
        "{first_off: [mail], first_of: [mail]}",
        7,
        ": first_off: unknown field (help: did you mean `first_of`?)",
    );
    wrong(
        "{first_of: [mail], until: acknowleged}",
        32,
        ": until: `acknowleged` is not one of the possible values (help: did you mean `acknowledged`?)",
    );
    wrong(
        "{first_of: [mail], until: [accepted]}",
        32,
        ": until: expected text, found a list",
    );
    wrong(
        "{first_of: [mail], step_after: 2}",
        37,
        ": step_after: `2` is not a duration (help: write a number with its unit, such as 30s)",
    );
    wrong(
        "{first_of: [mail], step_after: 2days}",
        37,
        ": step_after: `2days` is too long (help: write 1day or less)",
    );
}

#[test]
fn names_that_there_are_not() {
    wrong(
        "{first_of: [pagr]}",
        18,
        ": first_of[0]: there is no channel or group `pagr` (help: did you mean `pager`?)",
    );
    let hosts = "hosts:\n  web: {notification_channels: [oncal]}\n";
    check(
        &format!("{}{hosts}", yaml("  oncall: {first_of: [pager]}\n")),
        &[
            "heartbeat.yaml:8:33: error: host web: notification_channels[0]: there is no channel or group `oncal` (help: did you mean `oncall`?)",
        ],
    );
}

#[test]
fn groups_that_name_themselves() {
    wrong(
        "{first_of: [mail, a]}",
        24,
        ": first_of[1]: the group names itself (help: remove one of the names)",
    );
    check(
        &yaml(
            "  a: {first_of: [mail, b]}
  b: {first_of: [c]}
  c: {first_of: [pager, b, a]}
  d: {first_of: [a]}
",
        ),
        &[
            "heartbeat.yaml:8:25: error: group c: first_of[1]: this leads back to itself: b -> c -> b (help: remove one of the names)",
            "heartbeat.yaml:8:28: error: group c: first_of[2]: this leads back to itself: a -> b -> c -> a (help: remove one of the names)",
        ],
    );
}

#[test]
fn a_group_that_two_groups_name_is_no_circle() {
    loaded(&yaml(
        "  a: {first_of: [b, c]}
  b: {first_of: [c]}
  c: {first_of: [mail]}
",
    ));
}

#[test]
fn groups_within_groups_for_ever() {
    let nested = |count: usize, backwards: bool| {
        let mut lines: Vec<String> = (1..count)
            .map(|i| format!("  g{i}: {{first_of: [g{}]}}\n", i + 1))
            .chain([format!("  g{count}: {{first_of: [mail]}}\n")])
            .collect();
        if backwards {
            lines.reverse();
        }
        yaml(&lines.concat())
    };
    let sentence = "the groups are nested more than 16 deep (help: name the channels themselves)";
    for backwards in [false, true] {
        loaded(&nested(16, backwards));
        for count in [17, 10_000] {
            let said = said(&nested(count, backwards));
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(said[0].ends_with(sentence), "{said:?}");
        }
    }
}

#[test]
fn a_group_that_is_called_like_a_channel() {
    check(
        &yaml("  mail: {first_of: [pager]}\n  a: {first_of: [mail]}\n"),
        &[
            "heartbeat.yaml:6:3: error: group mail: a channel has the same name (help: give the group another name: lists name groups and channels alike)",
        ],
    );
    let mut yaml = yaml("");
    writeln!(yaml, "  \"\": {{first_of: [pager]}}").unwrap();
    check(
        &yaml,
        &[
            "heartbeat.yaml:6:3: error: group : this cannot be the name of a group (help: use 1 to 128 printable characters, such as oncall)",
        ],
    );
}

#[test]
fn a_group_that_stands_twice() {
    check(
        &yaml("  a: {first_of: [pager]}\n  a: {first_of: [mail]}\n"),
        &[
            "heartbeat.yaml:7:3: error: this key is given twice (help: merge the two, or give one of them another name)",
        ],
    );
}

#[test]
fn another_program_s_section_is_no_slip() {
    check(
        &format!("{CHANNELS}notification_grouping: {{}}\n"),
        &[
            "heartbeat.yaml:5:1: warning: notification_grouping: unknown section; perhaps another program reads it (help: did you mean `notification_groups`?)",
        ],
    );
}
