//! Folders called `plugins` that are not named: people who put a plugin there learn where
//! hbd searches.

use std::{fs, path::Path, process::Command};

use annunciator_testkit::artefacts::{self, plugin};
use tempfile::TempDir;

const YAML: &str = "notification_channels: {a: {type: steady}}
default_notification_channels: [a]
";

/// A program in a folder of its own, and a configuration in another.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["program", "etc"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let program = folder.path().join("program/hbd");
        artefacts::copy_program(env!("CARGO_BIN_EXE_hbd"), program).unwrap();
        fs::write(folder.path().join("etc/heartbeat.yaml"), YAML).unwrap();
        Self { folder }
    }

    /// Puts the plugin there.
    fn put(&self, place: &str) -> String {
        let folder = self.folder.path().join(place);
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("libfixture_steady.so");
        artefacts::copy(plugin("fixture-steady").unwrap(), &file).unwrap();
        file.display().to_string()
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let ended = Command::new(self.folder.path().join("program/hbd"))
            .env_clear()
            .env("HBD_CONFIG", self.folder.path().join("etc/heartbeat.yaml"))
            .args(args)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            ended.status.code().unwrap(),
            text(ended.stdout),
            text(ended.stderr),
        )
    }
}

#[test]
fn a_plugin_in_a_folder_that_is_not_searched_is_reported() {
    for place in ["program/plugins", "etc/plugins"] {
        let home = Place::new();
        let file = home.put(place);
        let folder = Path::new(&file).parent().unwrap().display().to_string();
        let setting = "name it in plugins.dirs, or with --plugin-dir\n";
        let note = format!("note: {folder} has 1 plugin and is not searched: {setting}");
        let (status, _, err) = home.run(&["plugins"]);
        assert_eq!((status, err.as_str()), (0, note.as_str()));
        let note =
            format!("note: {file} offers `steady`, and its folder is not searched: {setting}");
        for command in [&["check"][..], &["hosts"], &["send", "--default", "x"]] {
            let (status, _, err) = home.run(command);
            assert_eq!(status, 2, "{err}");
            assert!(err.contains(&note), "no `{note}` in {err}");
        }
        // Once it is named, there is nothing to report.
        let named = ["--plugin-dir", &folder, "plugins"];
        let (status, out, err) = home.run(&named);
        assert_eq!((status, err.as_str()), (0, ""));
        assert!(out.contains("fixture-steady"), "{out}");
    }
}

#[test]
fn what_is_no_plugin_or_of_another_type_is_not_offered() {
    let home = Place::new();
    fs::create_dir(home.folder.path().join("etc/plugins")).unwrap();
    fs::write(home.folder.path().join("etc/plugins/libx.so"), "text").unwrap();
    let (status, _, err) = home.run(&["plugins"]);
    assert_eq!((status, err.as_str()), (0, ""));
    home.put("program/plugins");
    let yaml = YAML.replace("steady", "matrix");
    fs::write(home.folder.path().join("etc/heartbeat.yaml"), yaml).unwrap();
    let (status, _, err) = home.run(&["hosts"]);
    assert_eq!(status, 2);
    assert!(!err.contains("note: "), "{err}");
}
