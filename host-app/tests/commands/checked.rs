//! What `hbd` says of a configuration on which a plugin is of no use: nothing is
//! called sound that was not looked at.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use annunciator::store::SqliteStore;
use annunciator_testkit::{artefacts::plugin, rig::Rig};
use rusqlite::Connection;
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
        err.contains(
            "hosts one and 1 more have only channels that cannot be used: nobody would be notified"
        ),
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
    assert_eq!(
        out,
        "1 of 2 channels are usable; every host has at least one\n"
    );
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
fn check_opens_the_channels_and_counts_those_that_cannot_be() {
    let rig = Rig::new(&["fixture-steady", "annunciator-exec"]).unwrap();
    let hbd = Hbd(rig);
    let channels =
        "notification_channels:\n  a: {type: steady}\n  x: {type: exec, program: /none}\n";
    let check = |rest: &str| {
        let _builder = hbd.0.configured(&format!("{channels}{rest}")).unwrap();
        hbd.run(&["check"])
    };
    let cannot = "warning: channel x cannot be used: /none cannot be inspected";
    let (status, out, err) = check("default_notification_channels: [a, x]\n");
    assert_eq!(status, 0, "{err}");
    assert!(err.contains(cannot), "{err}");
    assert_eq!(
        out,
        "1 of 2 channels are usable; every host has at least one\n"
    );
    let (status, out, err) = check("default_notification_channels: [x]\n");
    assert_eq!((status, out.as_str()), (1, ""), "{err}");
    let nobody = "error: 1 of 2 channels are usable; the defaults would reach nobody\n";
    assert!(err.ends_with(nobody), "{err}");
    // One that is required keeps the monitor from starting.
    let channels = channels.replace("/none", "/none, delivery: {required: true}");
    let rest = "default_notification_channels: [a]\n";
    let _builder = hbd.0.configured(&format!("{channels}{rest}")).unwrap();
    let (status, out, err) = hbd.run(&["check"]);
    assert_eq!((status, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("error: channel x: /none cannot"), "{err}");
}

#[test]
fn check_looks_whether_the_files_that_settings_name_are_there() {
    let plugins = [
        "email",
        "exec",
        "mattermost",
        "pushover",
        "signal",
        "webhook",
    ];
    let plugins = plugins.map(|name| format!("annunciator-{name}"));
    let hbd = Hbd(Rig::new(&plugins.each_ref().map(String::as_str)).unwrap());
    let folder = hbd.0.folder().display().to_string();
    let yaml = format!(
        "notification_channels:
  mail: {{type: email, recipients: [a@example.com], sender: b@example.com, smtp_server: h, tls_ca_file: {folder}/none}}
  matter: {{type: mattermost, host: h, token: w7ri5ybhrbfsmqhkhbc7n8hf1y, channel: c, ca_file: {folder}/none}}
  push: {{type: pushover, token: azGDORePK8gMaC0QOYAMyEEuzJnyUi, user: uQiRzpo4DXghDmr9QzzfQu27cmVRsG, ca_file: {folder}/none}}
  sig: {{type: signal, user: \"+12025551234\", recipient: \"+12025551235\", cli_path: {folder}/none}}
  hook: {{type: webhook, url: \"https://example.com\", ca_file: {folder}/none}}
  run: {{type: exec, program: /bin/true, folder: {folder}/none}}
  there: {{type: webhook, url: \"https://example.com\", ca_file: {folder}/heartbeat.yaml}}
default_notification_channels: [mail, there]
hosts: {{one: {{}}, two: {{notification_channels: [sig, hook]}}}}
delivery: {{store: {folder}/none/a.sqlite}}
monitor: {{state: {folder}/none/b.sqlite}}
"
    );
    let _builder = hbd.0.configured(&yaml).unwrap();
    let (status, out, err) = hbd.run(&["check"]);
    for sentence in [
        "channel mail: tls_ca_file: there is no such file here",
        "channel matter: ca_file: there is no such file here",
        "channel push: ca_file: there is no such file here",
        "channel sig: cli_path: there is no such program here",
        "channel hook: ca_file: there is no such file here",
        "channel run: folder: there is no such folder here",
        &format!("delivery.store: the folder `{folder}/none` does not exist: create it"),
        &format!("monitor.state: the folder `{folder}/none` does not exist: create it"),
    ] {
        assert!(
            err.contains(&format!("warning: {sentence}\n")),
            "{sentence}: {err}"
        );
    }
    // What cannot work is not counted as what could.
    assert_eq!((status, out.as_str()), (1, ""), "{err}");
    let verdict = "error: 1 of 7 channels are usable; 1 host would reach nobody\n";
    assert!(err.ends_with(verdict), "{err}");
}

#[test]
fn check_says_what_a_plugin_says_of_a_setting_whose_file_is_missing_too() {
    let hbd = Hbd(Rig::new(&["annunciator-signal"]).unwrap());
    let yaml = "notification_channels:
  sig: {type: signal, user: \"+12025551234\", recipient: \"+12025551235\", rpc: \"tcp://localhost:7583\", cli_path: /none}
default_notification_channels: [sig]
";
    let _builder = hbd.0.configured(yaml).unwrap();
    let (status, _, err) = hbd.run(&["check"]);
    assert_eq!(status, 2, "{err}");
    assert!(err.contains("exclude each other"), "{err}");
    assert!(err.contains("there is no such program here"), "{err}");
}

#[test]
fn check_says_of_signal_cli_that_it_is_nowhere() {
    let hbd = Hbd(Rig::new(&["annunciator-signal"]).unwrap());
    let yaml = "notification_channels:
  sig: {type: signal, user: \"+12025551234\", recipient: \"+12025551235\"}
default_notification_channels: [sig]
";
    let _builder = hbd.0.configured(yaml).unwrap();
    let (status, _, err) = hbd.run(&["check"]);
    assert_eq!(status, 1, "{err}");
    assert!(
        err.contains("channel sig cannot be used: there is no signal-cli in PATH"),
        "{err}"
    );
}

/// A configuration that keeps deliveries in this file.
fn kept_in(file: &Path) -> String {
    format!(
        "notification_channels: {{a: {{type: steady}}}}\ndefault_notification_channels: [a]\ndelivery: {{store: {}}}\n",
        file.display()
    )
}

#[test]
fn check_looks_whether_the_file_of_deliveries_is_one() {
    let hbd = Hbd::new("");
    let file = hbd.0.folder().join("deliveries");
    let _builder = hbd.0.configured(&kept_in(&file)).unwrap();
    let check = |said: Option<&str>| {
        let (status, out, err) = hbd.run(&["check"]);
        assert_eq!(status, i32::from(said.is_some()), "{out}{err}");
        let said = said.unwrap_or_default();
        assert!(err.contains(said), "{err}");
    };
    let text = "this is not a database, whatever its name is\n".repeat(100);
    fs::write(&file, text).unwrap();
    check(Some("is damaged (file is not a database)"));
    fs::remove_file(&file).unwrap();
    let foreign = Connection::open(&file).unwrap();
    foreign.execute_batch("CREATE TABLE theirs (a)").unwrap();
    check(Some("is a database of another program"));
    drop(foreign);
    fs::remove_file(&file).unwrap();
    drop(SqliteStore::open(&file).unwrap());
    check(None);
    let newer = Connection::open(&file).unwrap();
    newer
        .execute_batch("UPDATE schema_version SET version = 99")
        .unwrap();
    drop(newer);
    check(Some("99"));
}

#[test]
fn check_changes_nothing_of_the_files_that_it_looks_at() {
    let hbd = Hbd::new("");
    let folder = hbd.0.folder().join("kept");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("deliveries");
    let _builder = hbd.0.configured(&kept_in(&file)).unwrap();
    let seen = || -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
        let entries = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut entries: Vec<PathBuf> = entries.collect();
        entries.sort();
        let facts = |path: PathBuf| {
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            (path.clone(), fs::read(path).unwrap(), modified)
        };
        entries.into_iter().map(facts).collect()
    };
    for make in [
        |_: &Path| (),
        |file: &Path| fs::write(file, "").unwrap(),
        |file: &Path| {
            drop(SqliteStore::open(file).unwrap());
            // As an earlier version has it.
            let older = Connection::open(file).unwrap();
            older
                .execute_batch("UPDATE schema_version SET version = 1")
                .unwrap();
        },
    ] {
        make(&file);
        let before = seen();
        let (status, _, err) = hbd.run(&["check"]);
        assert_eq!((status, err.as_str()), (0, ""));
        assert_eq!(seen(), before);
    }
}

#[test]
fn check_shows_no_control_characters_of_what_plugins_say() {
    let hbd = Hbd(Rig::new(&["annunciator-exec"]).unwrap());
    let yaml = "notification_channels:
  x: {type: exec, program: \"/none/\\e[31mred\\u202E\\nerror: all is lost\"}
default_notification_channels: [x]
";
    let _builder = hbd.0.configured(yaml).unwrap();
    let (status, _, err) = hbd.run(&["check"]);
    assert_eq!(status, 1, "{err}");
    assert!(!err.contains(['\u{1b}', '\u{202e}']), "{err}");
    assert!(!err.contains("\nerror: all is lost"), "{err}");
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
        err.ends_with(
            "error: the channel type ill_behaved is offered by two plugins: neither is used\n"
        ),
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
fn plugins_that_are_not_used_are_reported_with_the_list() {
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
    let said = "error: every channel of this route is disabled: nobody would be notified\n";
    assert!(err.ends_with(said), "{err}");
}

#[test]
fn a_route_test_does_not_take_a_disabled_channel_for_one_that_is_notified() {
    let rest = "hosts: {one: {notification_channels: [x, a]}}\nroute_tests:\n";
    let with = |notified: &str| {
        with_a_bad_plugin(&format!("{rest}  - {{host: one, notified: {notified}}}\n"))
    };
    let (status, out, err) = with("[x, a]").run(&["check"]);
    assert_eq!(status, 1, "{out}{err}");
    let said = "expected a, x; would be notified: a; x is disabled: plugin ";
    assert!(err.contains(said), "{err}");
    let (status, _, err) = with("[a]").run(&["check"]);
    assert!(!err.contains("expected"), "{status} {err}");
}
