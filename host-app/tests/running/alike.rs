//! `hbd send` and `hbd notify` keep one rule: the same call has the same exit status and
//! says the same, with and without a monitor between.

use std::fs::{self, File};

use annunciator_web::MAX_MESSAGE_LENGTH;
use serde_json::{Value as Json, json};

use crate::monitor::{CALM, Home, notified, yaml};

/// Runs a command line both ways, each with an incident and a key of its own in place of
/// `OWN`.
fn both(home: &Home, line: &str) -> [(i32, String, String); 2] {
    ["send", "notify"].map(|command| {
        let line = line.replace("OWN", command);
        let words = line.split_whitespace().map(|word| match word {
            "EMPTY" => " ",
            word => word,
        });
        let words: Vec<&str> = [command].into_iter().chain(words).collect();
        home.hbd(&words)
    })
}

#[test]
fn the_same_call_has_the_same_exit_status_and_says_the_same() {
    let home = Home::new(CALM);
    let _monitor = home.start();
    let unknown =
        "warning: no host `web-99` is in the configuration: the default channels were notified";
    for (line, status, says) in [
        ("--host web-01 x", 0, ""),
        // By the specification it has the default channels.
        ("--host web-99 x", 0, unknown),
        (
            "--host web-99 --dry-run x",
            0,
            "default channels would be notified",
        ),
        ("--host web-01 EMPTY", 2, "error: the message is empty"),
        (
            "--host web-01 --dry-run EMPTY",
            2,
            "error: the message is empty",
        ),
        ("--host web-01 --key OWN x", 0, ""),
        ("--host web-01 --key OWN x", 0, ""),
        ("--host web-01 --key OWN --dry-run x", 0, ""),
        (
            "--host web-01 --key OWN --dry-run y",
            2,
            "its message differs",
        ),
        ("--host web-01 --key OWN y", 2, "its message differs"),
        ("--default --key OWN x", 2, "its host differs"),
        (
            "--host web-01 --key OWN --attribute a=b x",
            2,
            "its attributes differ",
        ),
        (
            "--host web-01 --key OWN --occurred-at 2026-11-22T14:00:00Z x",
            2,
            "its time of occurrence differs",
        ),
        (
            "--host web-01 --key OWN --severity critical --title t x",
            2,
            "its title and its severity differ",
        ),
    ] {
        let [send, notify] = both(&home, line);
        for (command, (exit, _, err)) in [("send", &send), ("notify", &notify)] {
            assert_eq!(*exit, status, "{command} {line}: {err}");
            assert!(err.contains(says), "{command} {line}: no `{says}` in {err}");
            assert_eq!(err.is_empty(), says.is_empty(), "{command} {line}: {err}");
        }
        // But for the command's own name.
        let said = |err: &str| err.replace("notify", "send");
        assert_eq!(said(&send.2), said(&notify.2), "{line}");
    }
}

/// Either is cut to what the engine takes.
#[test]
fn a_long_message_is_reported_either_way() {
    let home = Home::new(CALM);
    let _monitor = home.start();
    let argument = "x".repeat(120_000);
    // JSON writes each of these in six bytes.
    let input = vec![1; MAX_MESSAGE_LENGTH];
    fs::write(home.path("input"), input).unwrap();
    for message in [argument.as_str(), "-"] {
        for dry_run in [None, Some("--dry-run")] {
            let said = ["send", "notify"].map(|name| {
                let key = format!("{name}/{}", message.len());
                let args = [name, "--host", "web-01", "--key", &key, message];
                let args: Vec<&str> = args.into_iter().chain(dry_run).collect();
                let mut command = home.command(&args);
                command.stdin(File::open(home.path("input")).unwrap());
                let (exit, out, err) = notified(&command.output().unwrap());
                (exit, out.contains("a: delivered"), err)
            });
            let well = (0, true, String::new());
            assert_eq!(said, [well.clone(), well], "{dry_run:?}");
        }
    }
}

#[test]
fn where_no_channel_is_configured_that_is_an_error_of_the_call() {
    let home = Home::with(&yaml(CALM).replace("default_notification_channels: [a]\n", ""));
    let _monitor = home.start();
    for (line, says) in [
        ("--host web-01 --json x", "nobody was notified"),
        ("--default --json x", "nobody was notified"),
        (
            "--host web-99 --dry-run --json x",
            "nobody would be notified",
        ),
    ] {
        for (exit, out, err) in both(&home, line) {
            assert_eq!(exit, 2, "{line}: {err}");
            let said: Json = serde_json::from_str(&out).unwrap();
            let sentence = said["errors"][0]["sentence"].as_str().unwrap();
            assert!(sentence.ends_with(says), "{line}: {sentence}");
            assert!(!err.contains("warning"), "{line}: {err}");
        }
    }
}

#[test]
fn a_dry_run_says_that_its_key_was_used_and_sends_nothing() {
    let home = Home::new(CALM);
    let _monitor = home.start();
    for line in [
        "--host web-01 --key OWN --dry-run x",
        "--host web-01 --key OWN x",
    ] {
        for (exit, out, err) in both(&home, line) {
            assert_eq!((exit, err.as_str()), (0, ""), "{out}");
            assert!(!out.contains("was used before"), "{out}");
        }
    }
    let notes = home.notes();
    let line = "--host web-01 --key OWN --dry-run x";
    for (_, out, _) in both(&home, line) {
        assert!(out.starts_with("a: delivered"), "{out}");
        let before = "this key was used before; this is that message's outcome";
        assert!(out.contains(before), "{out}");
        assert!(
            out.ends_with("nothing would be sent: its key was used before\n"),
            "{out}"
        );
    }
    for (_, out, _) in both(&home, &line.replace("--dry-run", "--dry-run --json")) {
        let said: Json = serde_json::from_str(&out).unwrap();
        assert_eq!(said["repeats"]["results"], json!({"a": true}), "{out}");
    }
    assert_eq!(home.notes(), notes, "something was sent");
}

/// The channels of a group are notified in steps, and one of them is enough; then they are
/// channels like any other.
#[test]
fn a_key_that_is_used_again_is_judged_as_the_first_time_was() {
    let on = "default_notification_channels: [on]\nnotification_groups: {on: {first_of: [a, b]}}";
    let grouped = yaml(CALM)
        .replace("default_notification_channels: [a]", on)
        .replace(
            "  a: {",
            "  b: {type: steady, text: hello, notes: HOME/notes}\n  a: {",
        );
    let home = Home::with(&grouped);
    let _monitor = home.start();
    let line = "--host web-01 --key OWN --json x";
    let first = both(&home, line).map(|(exit, out, err)| {
        assert_eq!((exit, err.as_str()), (0, ""), "{out}");
        serde_json::from_str::<Json>(&out).unwrap()
    });
    home.configure(&grouped.replace(on, "default_notification_channels: [a, b]"));
    let (exit, _, err) = home.hbd(&["reload"]);
    assert_eq!(exit, 0, "{err}");
    for line in [line, &line.replace("--json", "--dry-run --json")] {
        for ((exit, out, err), first) in both(&home, line).into_iter().zip(&first) {
            assert_eq!((exit, err.as_str()), (0, ""), "{line}: {out}");
            let said: Json = serde_json::from_str(&out).unwrap();
            let again = said.get("repeats").unwrap_or(&said);
            let of = |said: &Json| {
                let channels = &said["channels"];
                let steps = ["a", "b"].map(|name| channels[name]["step"].clone());
                (steps, channels["a"]["targets"][0]["proof"].clone())
            };
            assert_eq!(of(again), of(first), "{line}: {out}");
            assert_eq!(of(again).1, "accepted", "{line}: {out}");
            assert_eq!(of(again).0[1], json!({"group": "on", "number": 2}), "{out}");
        }
    }
}

#[test]
fn a_conflict_of_a_key_is_json_where_that_is_wanted() {
    let home = Home::new(CALM);
    let _monitor = home.start();
    for (exit, _, err) in both(&home, "--host web-01 --key OWN x") {
        assert_eq!((exit, err.as_str()), (0, ""));
    }
    for dry_run in ["", "--dry-run "] {
        let line = format!("--host web-01 --key OWN --json {dry_run}y");
        for ((exit, out, _), key) in both(&home, &line).into_iter().zip(["send", "notify"]) {
            assert_eq!(exit, 2, "{out}");
            let said: Json = serde_json::from_str(&out).unwrap();
            let sentence = format!(
                "the idempotency key `{key}` was used before, for another notification: its message differs"
            );
            let expected = json!({
                "errors": [{"sentence": sentence}],
                "conflict": {"key": key, "differs": "its message differs"},
            });
            assert_eq!(said, expected);
        }
    }
}
