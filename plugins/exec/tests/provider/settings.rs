//! What is said of settings, and of the program that they name.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::place::Place;
use annunciator_exec::Exec;
use annunciator_sdk::{
    Class,
    testing::{FakeHost, validate},
};
use serde_json::json;

#[tokio::test]
async fn a_file_that_is_no_program_is_not_opened() {
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
    refused("is no program").await;
    permit(0o777);
    refused("everybody may write to").await;
    fs::remove_file(&place.program).unwrap();
    refused("cannot be looked at").await;
}

/// Whatever its file is called: what is advised is typed into a shell, and helps.
#[tokio::test]
async fn what_is_advised_of_a_file_works_in_a_shell() {
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
async fn a_check_runs_it_only_where_that_was_said() {
    let place =
        Place::script("[ \"$1\" = --check ] && { echo 'no route' >&2; exit 69; }; touch told");
    let check = place.open(json!({})).await.check().await;
    let unknown = "is there; only the first message will show whether it works";
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
    assert!(!place.path("told").exists());
}

#[test]
fn settings_that_make_no_sense_are_reported_at_their_fields() {
    for (settings, field) in [
        (json!({"program": "tell"}), "program"),
        (json!({"program": "/bin/true", "folder": "here"}), "folder"),
        (
            json!({"program": "/bin/true", "arguments": ["a\u{0}b"]}),
            "arguments",
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
