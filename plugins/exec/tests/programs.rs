//! Programs of all kinds, run for real: what they are told, and what is made of
//! what they say and how they end.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use annunciator_exec::Exec;
use annunciator_sdk::testing::{FakeHost, Opened, Sample, validate};
use annunciator_sdk::{Class, Fault, Outcome};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with a program in it.
struct Place {
    folder: TempDir,
    program: PathBuf,
}

impl Place {
    fn script(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("tell");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, program }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The settings, with others.
    fn settings(&self, extra: Value) -> Value {
        let mut settings = json!({"program": self.program, "folder": self.folder.path()});
        for (name, value) in extra.as_object().into_iter().flatten() {
            settings[name] = value.clone();
        }
        settings
    }

    async fn open(&self, extra: Value) -> Opened {
        FakeHost::new()
            .open::<Exec>(&self.settings(extra))
            .await
            .unwrap()
    }

    async fn told(&self, extra: Value, sample: &Sample) -> Vec<Outcome> {
        let channel = self.open(extra).await;
        let outcomes = channel.deliver(sample).await;
        channel.close().await;
        outcomes
    }

    async fn tell(&self) -> Outcome {
        self.told(json!({}), &Sample::new("x")).await.remove(0)
    }
}

/// Waits for a condition.
async fn until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_program_reads_the_message_and_finds_nothing_of_it_in_its_arguments() {
    let place =
        Place::script("cat >message; printf '%s\\n' \"$@\" >arguments; env | sort >environment");
    let extra = json!({
        "arguments": ["$(touch evil)", "; touch evil", "*"],
        "environment": {"COLOUR": "red; touch evil"},
        "settings": {"token": "s3cret"},
    });
    let sample = Sample::new("body `touch evil`\n\"x\"")
        .title("t")
        .host("web-01")
        .attribute("a", "b");
    let outcome = place.told(extra, &sample).await.remove(0);
    assert_eq!(
        (outcome.class(), outcome.target()),
        (Class::Delivered, "tell")
    );
    let message: Value = serde_json::from_slice(&fs::read(place.path("message")).unwrap()).unwrap();
    assert_eq!(message["body"], "body `touch evil`\n\"x\"");
    assert_eq!(
        (&message["host"], &message["attributes"]["a"]),
        (&json!("web-01"), &json!("b"))
    );
    assert_eq!(
        (&message["settings"]["token"], &message["targets"]),
        (&json!("s3cret"), &json!(["tell"]))
    );
    let arguments = fs::read_to_string(place.path("arguments")).unwrap();
    assert_eq!(arguments, "$(touch evil)\n; touch evil\n*\n");
    assert!(!place.path("evil").exists());
    let environment = fs::read_to_string(place.path("environment")).unwrap();
    assert!(environment.contains("COLOUR=red; touch evil\n"));
    assert!(
        environment.contains("PATH=/usr/local/bin:/usr/bin:/bin\n"),
        "{environment}"
    );
    assert!(!environment.contains("CARGO"), "{environment}");
}

#[tokio::test]
async fn an_exit_status_says_what_came_of_it() {
    for (status, class, fault) in [
        (0, Class::Delivered, None),
        (1, Class::Unknown, Some(Fault::Plugin)),
        (64, Class::Permanent, Some(Fault::Config)),
        (65, Class::Permanent, Some(Fault::Message)),
        (67, Class::Permanent, Some(Fault::Recipient)),
        (69, Class::Retry, Some(Fault::Remote)),
        (70, Class::Permanent, Some(Fault::Plugin)),
        (71, Class::Retry, Some(Fault::Host)),
        (74, Class::Retry, Some(Fault::Network)),
        (75, Class::Retry, Some(Fault::Remote)),
        (77, Class::Permanent, Some(Fault::Config)),
        (78, Class::Permanent, Some(Fault::Config)),
    ] {
        let outcome = Place::script(&format!("exit {status}")).tell().await;
        assert_eq!(
            (outcome.class(), outcome.fault()),
            (class, fault),
            "{status}"
        );
    }
    let outcome = Place::script("kill -SEGV $$").tell().await;
    assert_eq!(outcome.class(), Class::Unknown);
    assert!(outcome.raw().detail.contains("ended by the signal 11"));
}

#[tokio::test]
async fn json_on_its_output_says_more_and_target_by_target() {
    let place = Place::script(
        r#"echo '{"outcome": "retry", "detail": "busy", "retry_after": 7.5, "targets": [{"target": "b", "outcome": "delivered", "id": "m1"}]}'"#,
    );
    let outcomes = place
        .told(json!({"targets": ["a", "b"]}), &Sample::new("x"))
        .await;
    assert_eq!(
        (outcomes[0].target(), outcomes[0].class()),
        ("a", Class::Retry)
    );
    assert_eq!(outcomes[0].wait(), Some(Duration::from_millis(7500)));
    assert!(outcomes[0].raw().detail.contains("busy"));
    assert_eq!(
        (outcomes[1].class(), outcomes[1].raw().remote_id.as_str()),
        (Class::Delivered, "m1")
    );
    // Only those that are left are told again.
    let again = Sample::new("x").again(2, &["a"]);
    let outcomes = place.told(json!({"targets": ["a", "b"]}), &again).await;
    assert_eq!(outcomes.len(), 1);
    // A failure is not talked away.
    let place = Place::script(r#"echo '{"outcome": "delivered", "detail": "really"}'; exit 75"#);
    let outcome = place.tell().await;
    assert_eq!(outcome.class(), Class::Retry);
}

#[tokio::test]
async fn its_last_word_is_told_without_secrets() {
    let place =
        Place::script("echo first >&2; printf 'no such token: s3cret\\033[2J\\n' >&2; exit 78");
    let extra = json!({"settings": {"token": "s3cret"}});
    let outcome = place.told(extra, &Sample::new("x")).await.remove(0);
    let detail = outcome.raw().detail.to_string();
    assert!(detail.ends_with("no such token: […] [2J"), "{detail}");
}

#[tokio::test]
async fn one_that_does_not_end_is_ended_with_all_that_it_started() {
    let place =
        Place::script("trap '' TERM; echo $$ >pid; sleep 1000 & echo $! >child; wait; sleep 1000");
    let sample = Sample::new("x").timeout(Duration::from_secs(1));
    let outcome = place.told(json!({}), &sample).await.remove(0);
    assert_eq!(
        (outcome.class(), outcome.fault()),
        (Class::Unknown, Some(Fault::Plugin))
    );
    for file in ["pid", "child"] {
        let pid = fs::read_to_string(place.path(file)).unwrap();
        let process = Path::new("/proc").join(pid.trim());
        until(|| {
            !process.exists()
                || fs::read_to_string(process.join("stat")).is_ok_and(|stat| stat.contains(") Z "))
        })
        .await;
    }
}

#[tokio::test]
async fn one_whose_child_keeps_its_output_open_is_not_waited_for() {
    let place = Place::script("sleep 1000 & echo '{\"id\": \"x\"}'; exit 0");
    assert_eq!(place.tell().await.class(), Class::Delivered);
}

#[tokio::test]
async fn more_output_than_anybody_wants_is_thrown_away() {
    let place = Place::script("head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2; exit 75");
    assert_eq!(place.tell().await.class(), Class::Retry);
}

#[tokio::test]
async fn one_that_does_not_read_is_taken_at_its_word() {
    let sample = Sample::new(&"x".repeat(1_000_000));
    let outcome = Place::script("exit 0")
        .told(json!({}), &sample)
        .await
        .remove(0);
    assert_eq!(outcome.class(), Class::Delivered);
}

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

#[tokio::test]
async fn a_check_runs_it_only_where_that_was_said() {
    let place =
        Place::script("[ \"$1\" = --check ] && { echo 'no route' >&2; exit 69; }; touch told");
    assert!(place.open(json!({})).await.check().await.is_ok());
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
fn settings_that_make_no_sense_are_told_at_their_fields() {
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
