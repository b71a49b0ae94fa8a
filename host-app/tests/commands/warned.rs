//! What `hbd` warns of: each cause once, and where it lies.

use std::{fs, os::unix::fs::PermissionsExt as _};

use annunciator_testkit::{artefacts::plugin, rig::Rig};

#[test]
fn the_former_address_of_numbers_is_named_with_its_place() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let yaml = "notification_channels: {a: {type: steady}}
default_notification_channels: [a]
monitor:
  http: 127.0.0.1:9678
";
    let _builder = rig.configured(yaml).unwrap();
    let (status, _, err) = rig.hbd(env!("CARGO_BIN_EXE_hbd"), &["check"]).unwrap();
    assert_eq!(status, 0, "{err}");
    let said = "heartbeat.yaml:4:9: monitor.http serves";
    assert!(err.starts_with("warning: ") && err.contains(said), "{err}");
}

#[test]
fn channels_that_one_cause_disables_are_named_in_one_warning() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let yaml = "notification_channels:
  a: {type: steady}
  x: {type: ill_behaved}
  y: {type: ill_behaved}
  z: {type: ill_behaved}
default_notification_channels: [a, x, y, z]
";
    let _builder = rig.configured(yaml).unwrap();
    let file = rig.plugins().join("libill.so");
    fs::copy(plugin("fixture-ill-behaved").unwrap(), &file).unwrap();
    // Whoever may write to it could have.
    fs::set_permissions(file, fs::Permissions::from_mode(0o666)).unwrap();
    let hbd = |args: &[&str]| rig.hbd(env!("CARGO_BIN_EXE_hbd"), args).unwrap();
    for args in [&["check"][..], &["send", "--channel", "a", "hello"]] {
        let (status, _, err) = hbd(args);
        assert_eq!(status, 0, "{err}");
        let said = "warning: channels x, y and z are disabled: plugin ";
        assert!(err.contains(said), "{args:?}: {err}");
        assert_eq!(err.matches("is not trusted").count(), 1, "{args:?}: {err}");
    }
}

#[test]
fn a_plugin_folder_that_is_not_there_is_said_to_be_what_the_option_names() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let yaml = "notification_channels: {a: {type: steady}}\ndefault_notification_channels: [a]\n";
    let _builder = rig.configured(yaml).unwrap();
    let nowhere = rig.folder().join("nowhere").display().to_string();
    let hbd = |args: &[&str]| rig.hbd(env!("CARGO_BIN_EXE_hbd"), args).unwrap();
    let there = rig.plugins().display().to_string();
    let both = ["check", "--plugin-dir", &there, "--plugin-dir", &nowhere];
    let (status, _, err) = hbd(&both);
    assert_eq!(status, 0, "{err}");
    let said = format!(
        "warning: the plugin folder {nowhere} (--plugin-dir) cannot be read: No such file or directory (os error 2)\n"
    );
    assert!(err.starts_with(&said), "{err}");
    // It has no place in the file.
    assert!(!err.contains("-->"), "{err}");

    // One of the file has.
    let yaml = format!("{yaml}plugins: {{dirs: [{nowhere}]}}\n");
    let _builder = rig.configured(&yaml).unwrap();
    let (status, _, err) = hbd(&["check", "--plugin-dir", &there]);
    assert_eq!(status, 0, "{err}");
    let said = format!(
        "warning: the plugin folder {nowhere} cannot be read: No such file or directory (os error 2)\n"
    );
    assert!(err.starts_with(&said), "{err}");
    let place = "--> heartbeat.yaml";
    assert!(err.contains(place), "{err}");
}
