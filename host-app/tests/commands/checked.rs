//! What `hbd` says of a configuration on which a plugin is of no use: nothing is
//! called sound that was not looked at.

use std::{fs, os::unix::fs::PermissionsExt as _};

use annunciator_testkit::{artefacts::plugin, rig::Rig};
use serde_json::Value;

struct Hbd(Rig);

impl Hbd {
    fn new(yaml: &str) -> Self {
        let rig = Rig::new(&["fixture-steady"]).unwrap();
        let _builder = rig.configured(yaml).unwrap();
        Self(rig)
    }

    /// Exit status, standard output, standard error.
    fn run(&self, args: &[&str]) -> (i32, String, String) {
        self.0.hbd(env!("CARGO_BIN_EXE_hbd"), args).unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        let (_, out, err) = self.run(args);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
    }
}

/// The plugin of `x` is of no use.
fn with_a_bad_plugin(rest: &str) -> Hbd {
    let yaml = format!(
        "notification_channels:\n  a: {{type: steady}}\n  x: {{type: ill_behaved, how: not}}\n{rest}"
    );
    let hbd = Hbd::new(&yaml);
    let ill = plugin("fixture-ill-behaved").unwrap();
    let file = hbd.0.plugins().join("libill.so");
    fs::copy(&ill, &file).unwrap();
    // Whoever may write to it could have.
    fs::set_permissions(file, fs::Permissions::from_mode(0o666)).unwrap();
    hbd
}

#[test]
fn check_counts_who_would_reach_nobody() {
    let hbd = with_a_bad_plugin(
        "default_notification_channels: [a]
hosts:
  one: {notification_channels: [x]}
  two: {notification_channels: [x]}
  three: {notification_channels: [a, x]}
",
    );
    let (status, out, err) = hbd.run(&["check"]);
    assert_eq!((status, out.as_str()), (1, ""), "{err}");
    assert!(
        err.contains("one, and 1 more, has only channels that are disabled: nobody would be told"),
        "{err}"
    );
    assert!(
        err.ends_with("error: 1 of 2 channels are usable; 2 hosts would reach nobody\n"),
        "{err}"
    );
}

#[test]
fn check_says_sound_of_what_is_whole_only() {
    let hbd = with_a_bad_plugin("default_notification_channels: [a, x]\nhosts: {one: {}}\n");
    let (status, out, err) = hbd.run(&["check"]);
    assert_eq!(status, 0, "{err}");
    assert_eq!(out, "1 of 2 channels are usable; no host is without one\n");
    let nobody = with_a_bad_plugin("default_notification_channels: [x]\n");
    let (status, out, err) = nobody.run(&["check"]);
    assert_eq!((status, out.as_str()), (1, ""), "{err}");
    assert!(
        err.ends_with("; the defaults would reach nobody\n"),
        "{err}"
    );
    for silent in [
        "notification_channels: {}\n",
        "notification_channels: {a: {type: steady}}\nhosts: {one: {}}\n",
    ] {
        let (status, out, err) = Hbd::new(silent).run(&["check"]);
        assert_eq!((status, out.as_str()), (1, ""), "{err}");
    }
}

#[test]
fn check_fails_where_two_different_files_offer_a_type() {
    let hbd = with_a_bad_plugin("default_notification_channels: [a]\n");
    let ill = plugin("fixture-ill-behaved").unwrap();
    let mut bytes = fs::read(ill).unwrap();
    bytes.push(0);
    fs::write(hbd.0.plugins().join("libother.so"), bytes).unwrap();
    let (status, out, err) = hbd.run(&["check"]);
    assert_eq!((status, out.as_str()), (1, ""), "{err}");
    let both = err.contains("libill.so") && err.contains("libother.so");
    assert!(both, "{err}");
    assert!(
        err.ends_with("error: channel x is offered by two plugins: neither is used\n"),
        "{err}"
    );
}

#[test]
fn a_command_that_ends_says_of_a_disabled_channel_that_it_failed() {
    let hbd = with_a_bad_plugin("");
    let (status, out, err) = hbd.run(&["send", "--channel", "x", "hello"]);
    assert_eq!(status, 1, "{out}{err}");
    assert!(out.contains("x: failed to send notification"), "{out}");
    assert!(
        out.contains("all targets: not delivered: the channel is disabled: plugin "),
        "{out}"
    );
    // Nobody does.
    assert!(!out.contains("it waits until"), "{out}");
    let report = hbd.json(&["send", "--channel", "x", "--json", "hello"]);
    assert_eq!(report["channels"]["x"]["state"], "failed");
    let tested = hbd.json(&["test", "--deliver", "--json", "x"]);
    assert_eq!(tested["channels"]["x"]["state"], "failed");
}

#[test]
fn plugins_that_are_not_used_are_told_with_the_list() {
    let hbd = with_a_bad_plugin("");
    let (status, out, err) = hbd.run(&["plugins"]);
    assert_eq!(status, 1, "{out}{err}");
    assert!(out.contains("libill.so"), "{out}");
    assert!(err.contains("libill.so is not trusted"), "{err}");
    assert!(!err.contains("libfixture_steady.so"), "{err}");
    let steady = plugin("fixture-steady").unwrap();
    let mut bytes = fs::read(steady).unwrap();
    bytes.push(0);
    fs::write(hbd.0.plugins().join("libother.so"), bytes).unwrap();
    let rejected = hbd.json(&["plugins", "--json"])["rejected"].to_string();
    let twice = "channel type steady is offered by two plugins";
    assert!(rejected.contains(twice), "{rejected}");
}

#[test]
fn a_route_passes_over_what_is_disabled_and_fails_where_all_of_it_is() {
    let hbd = with_a_bad_plugin(
        "  b: {type: steady}
notification_groups:
  oncall: {first_of: [x, a, b], until: delivered, step_after: 5m}
default_notification_channels: [oncall]
hosts:
  one: {notification_channels: [x]}
",
    );
    let (status, out, err) = hbd.run(&["route", "another"]);
    assert_eq!(status, 0, "{err}");
    let when = |channel: &str| {
        let name = format!("  {channel}  ");
        let line = out.lines().find(|line| line.contains(&name));
        line.unwrap_or_else(|| panic!("{out}")).to_owned()
    };
    assert!(when("x").starts_with("at once"), "{out}");
    assert!(when("a").starts_with("at once"), "{out}");
    assert!(when("b").starts_with("in 5m"), "{out}");
    let (status, out, err) = hbd.run(&["route", "one"]);
    assert_eq!(status, 1, "{out}");
    let said = "error: every channel of it is disabled: nobody would be told\n";
    assert!(err.ends_with(said), "{err}");
}

#[test]
fn a_route_test_does_not_take_a_disabled_channel_for_one_that_is_told() {
    let rest = "hosts: {one: {notification_channels: [x, a]}}\nroute_tests:\n";
    let with = |told: &str| with_a_bad_plugin(&format!("{rest}  - {{host: one, told: {told}}}\n"));
    let (status, out, err) = with("[x, a]").run(&["check"]);
    assert_eq!(status, 1, "{out}{err}");
    let said = "expected a, x; would be told: a; x is disabled: plugin ";
    assert!(err.contains(said), "{err}");
    let (status, _, err) = with("[a]").run(&["check"]);
    assert!(!err.contains("expected"), "{status} {err}");
}
