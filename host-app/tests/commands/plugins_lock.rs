//! `hbd plugins lock`, and what `hbd check` makes of it.

use std::{fs, path::PathBuf};

use annunciator_testkit::{
    artefacts::{self, plugin},
    rig::Rig,
};

const YAML: &str = "plugins: {lock: require}
notification_channels:
  a: {type: steady, delivery: {required: true}}
default_notification_channels: [a]
";

struct Place {
    rig: Rig,
    file: PathBuf,
}

impl Place {
    fn new() -> Self {
        let rig = Rig::new(&[]).unwrap();
        drop(rig.configured(YAML).unwrap());
        let original = plugin("fixture-steady").unwrap();
        let file = rig.plugins().join(original.file_name().unwrap());
        artefacts::copy(original, &file).unwrap();
        Self { rig, file }
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        self.rig.hbd(env!("CARGO_BIN_EXE_hbd"), args).unwrap()
    }

    fn lock_file(&self) -> PathBuf {
        self.rig.folder().join("plugins.lock")
    }
}

#[test]
fn what_was_taken_over_is_used_and_nothing_else() {
    let place = Place::new();
    let (status, _, err) = place.run(&["check"]);
    assert_eq!(status, 2);
    let missing = "error: plugins.lock: the lock file plugins.lock does not exist: inspect the plugins, and write it with `hbd plugins lock`\n --> heartbeat.yaml:1:17\n";
    assert!(err.starts_with(missing), "{err}");
    let (status, out, err) = place.run(&["plugins", "lock"]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(out.contains("fixture-steady  0.1.0"), "{out}");
    assert!(out.trim_end().ends_with("plugins.lock"), "{out}");
    assert_eq!(place.run(&["check"]).0, 0);
    // Debuggers' notes at the end of a file are not part of what runs.
    let mut bytes = fs::read(&place.file).unwrap();
    bytes.push(0);
    fs::write(&place.file, bytes).unwrap();
    let (status, _, err) = place.run(&["check"]);
    assert_eq!(status, 2);
    assert!(err.contains("hbd plugins lock"), "{err}");
    assert_eq!(place.run(&["plugins", "lock"]).0, 0);
    assert_eq!(place.run(&["check"]).0, 0);
}

#[test]
fn a_plugin_that_is_gone_is_pinned_no_more() {
    let place = Place::new();
    assert_eq!(place.run(&["plugins", "lock"]).0, 0);
    fs::remove_file(&place.file).unwrap();
    let (status, out, _) = place.run(&["plugins", "lock"]);
    assert_eq!(status, 0);
    assert!(out.contains("fixture-steady is no longer pinned"), "{out}");
    let text = fs::read_to_string(place.lock_file()).unwrap();
    assert!(text.contains("\"plugins\": {}"), "{text}");
}

#[test]
fn where_something_cannot_be_read_nothing_is_pinned() {
    let place = Place::new();
    fs::write(place.rig.plugins().join("libtext.so"), "no plugin").unwrap();
    let (status, _, err) = place.run(&["plugins", "lock"]);
    assert_eq!(status, 1);
    assert!(err.contains("nothing was pinned"), "{err}");
    assert!(!place.lock_file().exists());
}

#[test]
fn two_of_one_name_cannot_both_be_pinned() {
    let place = Place::new();
    artefacts::copy(&place.file, place.rig.plugins().join("libsecond.so")).unwrap();
    let (status, _, err) = place.run(&["plugins", "lock"]);
    assert_eq!(status, 1);
    assert!(err.contains("are both called fixture-steady"), "{err}");
    assert!(!place.lock_file().exists());
}

#[test]
fn what_is_pinned_for_other_targets_stays_and_json_says_what_was_pinned() {
    let place = Place::new();
    assert_eq!(place.run(&["plugins", "lock"]).0, 0);
    let text = fs::read_to_string(place.lock_file()).unwrap();
    fs::write(place.lock_file(), text.replace("-linux-", "-plan9-")).unwrap();
    let (status, out, _) = place.run(&["plugins", "lock", "--json"]);
    assert_eq!(status, 0);
    let said: serde_json::Value = serde_json::from_str(&out).unwrap();
    let pinned = &said["pinned"][0];
    let sha256 = pinned["sha256"].as_str().unwrap();
    assert_eq!((sha256.len(), &pinned["version"]), (64, &"0.1.0".into()));
    let text = fs::read_to_string(place.lock_file()).unwrap();
    assert!(
        text.contains("-plan9-") && text.contains("-linux-"),
        "{text}"
    );
}
