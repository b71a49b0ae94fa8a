//! Files that are large on purpose or by an accident: what is said of them, and what
//! they may cost.

use std::fmt::Write as _;

use annunciator::{Level, LoadError};
use annunciator_tests::said::{rig, said};

#[test]
fn a_file_of_brackets_or_mappings_is_refused_at_the_one_that_is_too_deep() {
    for (text, place) in [
        (format!("hosts: {}", "[".repeat(100_000)), "1:135"),
        (format!("hosts: {}", "{a: ".repeat(20_000)), "1:516"),
    ] {
        let said = said(&text);
        let sentence = "this is not YAML: lists and mappings are nested too deeply";
        assert_eq!(said, [format!("heartbeat.yaml:{place}: error: {sentence}")]);
    }
}

#[test]
fn of_thousands_of_problems_the_first_are_reported_and_all_are_counted() {
    let mut yaml = "notification_channels:\n  s:\n    type: steady\n".to_owned();
    for i in 0..5_000 {
        writeln!(yaml, "    key{i}: 1").unwrap();
    }
    yaml += "hosts:\n";
    for i in 0..300 {
        writeln!(yaml, "  web{i}: {{notfy: 1}}").unwrap();
    }
    let Err(LoadError::Problems(problems)) = rig().exactly(&yaml).unwrap().load() else {
        panic!("it is usable");
    };
    assert_eq!(problems.count(Level::Error), 5_000);
    // The hosts, and that the file's owner is not the only one who may read it or the
    // like: warnings are kept beside errors.
    let warnings = problems.count(Level::Warning);
    assert!(warnings >= 300, "{warnings}");
    let kept = |level| problems.iter().filter(|it| it.level == level).count();
    assert_eq!((kept(Level::Error), kept(Level::Warning)), (200, 200));
    assert_eq!(problems.left_out(), 4_800 + warnings - 200);
    let text = problems.to_string();
    let (first, last) = (text.lines().next(), text.lines().last());
    assert!(first.unwrap().contains("key0: unknown field"), "{text}");
    let rest = format!("and {} more", problems.left_out());
    assert!(last.unwrap().ends_with(&rest), "{text}");
}

/// A file with `channels` channels in one group, and as many hosts as `lists` has.
fn groups(channels: usize, groups: &str, lists: impl Iterator<Item = String>) -> String {
    let mut yaml = "notification_channels:\n".to_owned();
    for i in 0..channels {
        writeln!(yaml, "  c{i}: {{type: steady}}").unwrap();
    }
    let all: Vec<String> = (0..channels).map(|i| format!("c{i}")).collect();
    writeln!(yaml, "notification_groups:").unwrap();
    writeln!(yaml, "  all: {{first_of: [{}]}}", all.join(", ")).unwrap();
    writeln!(yaml, "{groups}hosts:").unwrap();
    for (i, list) in lists.enumerate() {
        writeln!(yaml, "  h{i}: {{notification_channels: [{list}]}}").unwrap();
    }
    yaml
}

#[test]
fn a_large_group_that_many_hosts_name_is_looked_through_once() {
    // Once for each host would be more than is allowed.
    let yaml = groups(1_200, "", (0..1_200).map(|_| "all".to_owned()));
    let loaded = rig().exactly(&yaml).unwrap().load().unwrap();
    assert_eq!(loaded.config.channels_for_host("h7").len(), 1_200);
    let lists = (0..1_200).map(|i| format!("all, c{i}"));
    let said = said(&groups(1_200, "", lists));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("error: host h831: notification_channels: with the groups in them, the lists up to this one name too many channels"),
        "{said:?}"
    );
}

#[test]
fn groups_of_groups_may_not_stand_for_more_and_more() {
    let of_groups: Vec<String> = (0..1_200).map(|i| format!("g{i}")).collect();
    let mut more = String::new();
    for group in &of_groups {
        writeln!(more, "  {group}: {{first_of: [all]}}").unwrap();
    }
    let said = said(&groups(1_200, &more, std::iter::empty()));
    assert!(
        said.iter().any(|it| it.contains(
            "error: group g832: first_of: with the groups in them, the lists up to this one"
        )),
        "{said:?}"
    );
}

#[test]
fn a_text_that_is_full_of_beginnings_is_looked_through_once() {
    // From each of them to the end of the text, this would not end today.
    let text = "${".repeat(500_000);
    let yaml = format!(
        "notification_channels: {{w: {{type: steady, text: '{text}'}}}}\ndefault_notification_channels: [w]\n"
    );
    assert_eq!(said(&yaml), Vec::<String>::new());
}
