//! The validation of the settings, and of the program that they name.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::place::Place;
use annunciator_exec::Exec;
use annunciator_sdk::{
    Class,
    testing::{FakeHost, validate},
};
use serde_json::json;

#[tokio::test]
async fn a_channel_whose_file_is_not_a_program_is_not_opened() {
    let place = Place::script("exit 0");
    let refused = async |words: &str| {
        let settings = place.settings(json!({}));
        let opened = FakeHost::new().open::<Exec>(&settings).await;
        let error = opened.err().map(|error| format!("{error:?}")).unwrap();
        assert!(error.contains(words), "{error}");
    };
    let permit = |mode| {
        fs::set_permissions(&place.program, fs::Permissions::from_mode(mode)).unwrap();
    };
    permit(0o644);
    refused("is not executable").await;
    permit(0o777);
    refused("everybody may write to").await;
    fs::remove_file(&place.program).unwrap();
    refused("cannot be inspected").await;
}

/// The advice is a command that works in a shell, whatever the file's name is.
#[tokio::test]
async fn the_advised_command_works_in_a_shell() {
    let mut place = Place::script("exit 0");
    let folder = place.path("it's a \"folder\" $(of) mine");
    fs::create_dir(&folder).unwrap();
    let program = folder.join("tell me");
    fs::rename(&place.program, &program).unwrap();
    place.program = program;
    for mode in [0o644, 0o757] {
        fs::set_permissions(&place.program, fs::Permissions::from_mode(mode)).unwrap();
        let settings = place.settings(json!({}));
        let opened = FakeHost::new().open::<Exec>(&settings).await;
        let error = opened.err().unwrap().to_string();
        let advice = error.split('`').nth(1).unwrap().to_owned();
        let mut shell = std::process::Command::new("/bin/sh");
        assert!(
            shell.args(["-c", &advice]).status().unwrap().success(),
            "{advice}"
        );
        assert_eq!(
            place.deliver_one().await.class(),
            Class::Delivered,
            "{mode:o}: {advice}"
        );
    }
}

#[tokio::test]
async fn a_check_runs_the_program_only_with_check_arguments() {
    let place =
        Place::script("[ \"$1\" = --check ] && { echo 'no route' >&2; exit 69; }; touch notified");
    let check = place.open(json!({})).await.check().await;
    let unknown = "exists; only the first message will show whether it works";
    assert!(
        check.is_ok() && check.detail().ends_with(unknown),
        "{check:?}"
    );
    let check = place
        .open(json!({"check_arguments": ["--check"]}))
        .await
        .check()
        .await;
    assert!(
        !check.is_ok() && check.detail().contains("no route"),
        "{check:?}"
    );
    assert!(!place.path("notified").exists());
}

#[test]
fn settings_that_make_no_sense_are_reported_at_their_fields() {
    for (settings, field) in [
        (json!({"program": "tell"}), "program"),
        (json!({"program": "/bin/true", "folder": "here"}), "folder"),
        (
            json!({"program": "/bin/true", "arguments": ["a", "a\u{0}b"]}),
            "arguments[1]",
        ),
        (
            json!({"program": "/bin/true", "check_arguments": ["a\u{0}b"]}),
            "check_arguments[0]",
        ),
        (
            json!({"program": "/bin/true", "environment": {"A=B": "c"}}),
            "environment.A=B",
        ),
        (json!({"program": "/bin/true", "targets": [" "]}), "targets"),
        (json!({"program": "/bin/true", "shell": true}), "shell"),
        (json!({}), ""),
    ] {
        let found = validate::<Exec>(&settings);
        let seen: Vec<&str> = found.iter().map(|problem| problem.path()).collect();
        assert_eq!(seen, [field], "{found:?}");
    }
}
