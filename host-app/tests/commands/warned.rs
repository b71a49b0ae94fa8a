//! What `hbd` warns of: each cause once, and where it lies.

use std::{fs, os::unix::fs::PermissionsExt as _};

use annunciator_testkit::{artefacts::plugin, rig::Rig};

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
