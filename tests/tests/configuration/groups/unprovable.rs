//! Groups that go on until something is proven: whether any of their channels can
//! prove it with its settings, and what would help.

use annunciator::{Proof, Severity};
use annunciator_testkit::rig::Rig;
use annunciator_tests::said::rig;

use super::loaded;

/// The warnings about these groups, of channels that prove this and that.
fn warnings(channels: &str, groups: &str) -> Vec<String> {
    let yaml = format!("notification_channels:\n{channels}notification_groups:\n{groups}");
    let loaded = rig().exactly(&yaml).unwrap().load().unwrap();
    let warnings = loaded.warnings.to_string();
    warnings.lines().map(str::to_owned).collect()
}

#[test]
fn a_group_that_waits_for_what_no_channel_can_ever_prove_is_reported() {
    let found = warnings(
        "  p: {type: steady}\n  e: {type: steady}\n",
        "  oncall: {first_of: [p, e], until: acknowledged}\n",
    );
    let [line] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert!(
        line.ends_with(
            "heartbeat.yaml:5:37: warning: group oncall: until: nothing in this group can ever prove \
             `acknowledged`, so every message continues to the last step: p (steady), e (steady) \
             prove at most `accepted` with these settings (help: in p, write `proves: acknowledged`: \
             it does as it is told; in e, write `proves: acknowledged`: it does as it is told; or \
             write `until: accepted`)"
        ),
        "{line}"
    );
}

#[test]
fn what_one_channel_can_prove_is_enough_and_what_it_is_never_notified_is_not() {
    let channels = "  p: {type: steady, proves: acknowledged}
  d: {type: steady, proves: delivered}
  e: {type: steady}
";
    for (groups, said) in [
        ("  g: {first_of: [e, p], until: acknowledged}\n", 0),
        ("  g: {first_of: [e, d], until: delivered}\n", 0),
        ("  g: {first_of: [e]}\n", 0),
        ("  g: {first_of: [e], until: accepted}\n", 0),
        ("  g: {first_of: [e, d], until: acknowledged}\n", 1),
        ("  g: {first_of: [e], until: delivered}\n", 1),
        // What is within counts, and each group speaks for itself.
        (
            "  g: {first_of: [e, h], until: acknowledged}\n  h: {first_of: [p]}\n",
            0,
        ),
        (
            "  g: {first_of: [e, h], until: acknowledged}\n  h: {first_of: [d], until: acknowledged}\n",
            2,
        ),
    ] {
        let found = warnings(channels, groups);
        assert_eq!(found.len(), said, "{groups}: {found:?}");
    }
    let delivered = warnings(channels, "  g: {first_of: [d, e], until: acknowledged}\n");
    assert!(
        delivered[0].contains("prove at most `delivered`"),
        "{delivered:?}"
    );
    assert!(
        delivered[0].contains("or write `until: delivered`"),
        "{delivered:?}"
    );
}

#[test]
fn the_plan_says_which_steps_never_end_their_group() {
    let yaml = "notification_channels:
  p: {type: steady, proves: acknowledged}
  e: {type: steady}
notification_groups:
  g: {first_of: [p, e], until: acknowledged}
default_notification_channels: [g]
";
    let config = loaded(yaml).config;
    let never = |severity| -> Vec<(String, Option<Proof>, bool)> {
        let planned = config.plan("web", severity, 0).into_iter();
        planned
            .map(|one| (one.channel, one.proves, one.never_ends))
            .collect()
    };
    let (p, e) = (
        "p".to_owned(),
        ("e".to_owned(), Some(Proof::Accepted), true),
    );
    assert_eq!(
        never(Severity::Critical),
        [(p.clone(), Some(Proof::Acknowledged), false), e.clone()]
    );
    assert_eq!(
        never(Severity::Warning),
        [(p, Some(Proof::Accepted), true), e]
    );
}

#[test]
fn a_channel_in_a_process_of_its_own_says_the_same() {
    let yaml = "notification_channels:
  p: {type: steady, proves: acknowledged, delivery: {isolation: process}}
  e: {type: steady, delivery: {isolation: process}}
";
    let worker = annunciator_testkit::rig::worker().unwrap();
    let rig = rig();
    let builder = rig.exactly(yaml).unwrap().worker(worker);
    let config = builder.load().unwrap().config;
    let of = |name| {
        config
            .channel(name)
            .unwrap()
            .proofs()
            .of(Severity::Critical)
    };
    assert_eq!(of("p"), Proof::Acknowledged);
    assert_eq!(of("e"), Proof::Accepted);
    assert_eq!(config.channel("e").unwrap().proofs().hints().len(), 2);
}

/// The first lines of a fault that was reported, and the example of the documents.
#[test]
fn only_emergencies_are_acknowledged_and_a_setting_makes_them_so() {
    let rig = Rig::new(&["annunciator-pushover", "annunciator-email"]).unwrap();
    let said = |more: &str| {
        let yaml = format!(
            "notification_channels:
  p: {{type: pushover, token: azGDORePK8gMaC0QOYAMyEEuzJnyUi, user: uQiRzpo4DXghDmr9QzzfQu27cmVRsG{more}}}
  e: {{type: email, recipients: [a@example.com], sender: b@example.com, smtp_server: mx.example.com}}
notification_groups: {{oncall: {{first_of: [p, e], until: acknowledged}}}}
default_notification_channels: [oncall]
"
        );
        let loaded = rig.exactly(&yaml).unwrap().load().unwrap();
        let warnings = loaded.warnings.iter();
        let about = warnings.filter(|one| one.subject.as_deref() == Some("group oncall"));
        about
            .map(|one| one.help.clone().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        said(""),
        [
            "in p, write `priorities: {critical: emergency}`: Pushover asks people to acknowledge \
             emergencies only; or write `until: accepted`"
        ]
    );
    assert_eq!(said(", priorities: {critical: emergency}"), [""; 0]);
    assert_eq!(said(", priority: emergency"), [""; 0]);
    let mild = said(", priorities: {warning: emergency}");
    assert!(mild[0].contains("critical: emergency"), "{mild:?}");
    assert!(said(", priority: high")[0].contains("write `priority: emergency`"));
    // It is told of nothing that is an emergency.
    let never = ", priorities: {info: emergency}, delivery: {min_severity: warning}";
    assert_eq!(said(never).len(), 1);
}

/// A bot sees that people react or reply, and a webhook does not.
#[test]
fn a_group_of_a_chat_channel_ends_if_a_bot_posts_there() {
    let rig = Rig::new(&["annunciator-mattermost"]).unwrap();
    let said = |settings: &str| {
        let yaml = format!(
            "notification_channels:
  m: {{type: mattermost, host: chat.example.com, channel: ops, {settings}}}
notification_groups: {{oncall: {{first_of: [m], until: acknowledged}}}}
default_notification_channels: [oncall]
"
        );
        let loaded = rig.exactly(&yaml).unwrap().load().unwrap();
        let warnings = loaded.warnings.iter();
        let about = warnings.filter(|one| one.subject.as_deref() == Some("group oncall"));
        about
            .map(|one| one.help.clone().unwrap())
            .collect::<Vec<_>>()
    };
    let bot = "bot_token: b0tk3nq8x3gt8pdgzgsyorb7ye, team: ops";
    assert_eq!(said(bot), [""; 0]);
    let silent = said(&format!("{bot}, acknowledge: false"));
    assert!(
        silent[0].contains("in m, write `acknowledge: true`"),
        "{silent:?}"
    );
    let hook = said("token: w7ri5ybhrbfsmqhkhbc7n8hf1y");
    assert!(
        hook[0].contains("in m, write `bot_token: {env: "),
        "{hook:?}"
    );
    assert!(hook[0].contains("a webhook does not; or write"), "{hook:?}");
}

/// The blocks of YAML in a document that begin with one of these keys.
fn blocks(document: &str, keys: &[&str]) -> String {
    let blocks = document.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let wanted = blocks.filter(|block| keys.iter().any(|key| block.starts_with(key)));
    let mut seen = Vec::new();
    for line in wanted.flat_map(str::lines) {
        // What stands somewhere else is not there.
        let line = match (
            line.find(": {env:"),
            line.find(": {file:"),
            line.find(": {credential:"),
        ) {
            (Some(at), ..) | (_, Some(at), _) | (.., Some(at)) => format!("{}: x", &line[..at]),
            _ => line.to_owned(),
        };
        seen.push(line);
    }
    seen.join("\n")
}

#[test]
fn the_examples_of_the_documents_can_be_acknowledged() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let readme = blocks(
        &read("README.md"),
        &[
            "notification_channels:\n  email_ops",
            "notification_groups:",
        ],
    );
    let packages = ["email", "mattermost", "pushover", "signal"];
    let packages = packages.map(|name| format!("annunciator-{name}"));
    let rig = Rig::new(&packages.each_ref().map(String::as_str)).unwrap();
    for (yaml, severities) in [(readme, 1), (read("config/delivery.yaml"), 1)] {
        let builder = rig.exactly(&yaml).unwrap();
        let loaded = builder.known_keys(["route_tests"]).load();
        let loaded = loaded.unwrap_or_else(|error| panic!("{error}\n{yaml}"));
        let warnings = loaded.warnings.to_string();
        assert!(!warnings.contains("can ever prove"), "{warnings}");
        let group = loaded.config.group("oncall").unwrap();
        assert_eq!(group.until(), Proof::Acknowledged);
        let first = group.first_of().next().unwrap();
        let proofs = loaded.config.channel(first).unwrap().proofs();
        let acknowledged = Severity::ALL.into_iter();
        let acknowledged = acknowledged.filter(|one| proofs.of(*one) == Proof::Acknowledged);
        assert_eq!(acknowledged.count(), severities);
    }
}
