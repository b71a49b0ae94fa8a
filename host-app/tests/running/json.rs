//! With `--json`, standard output has JSON whatever comes of a command.

use serde_json::Value as Json;

use crate::monitor::{CALM, Home, yaml};

/// Every command that has `--json`, as it is typed where nothing is wrong.
const COMMANDS: [&str; 15] = [
    "status --json",
    "explain web-01 --json",
    "notify --default --json x",
    "notify --default --dry-run --json x",
    "send --default --json x",
    "send --default --dry-run --json x",
    "test --json",
    "test --deliver --json",
    "deliveries --json",
    "deliveries --audit --json",
    "deliveries show 1 --json",
    "channels --json",
    "hosts --json",
    "route web-01 --json",
    "plugins validate HOME/none.so --json",
];

/// The errors of a command that fails.
fn errors(home: &Home, line: &str) -> (i32, Vec<Json>) {
    let line = line.replace("HOME", home.path("").to_str().unwrap());
    let words: Vec<&str> = line.split_whitespace().collect();
    let (status, out, err) = home.hbd(&words);
    assert_ne!(status, 0, "{line}: {out}");
    assert!(!err.is_empty(), "{line}: nothing for people");
    let said: Json =
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{line}: {error}: `{out}` {err}"));
    let errors = said["errors"].as_array().cloned().unwrap_or_default();
    for error in &errors {
        let sentence = error["sentence"].as_str().unwrap();
        assert!(err.contains(sentence), "{line}: {sentence} is not in {err}");
    }
    (status, errors)
}

#[test]
fn whatever_fails_is_reported_as_json() {
    // No configuration, one that is none, a word too many.
    for (yaml, more, says) in [
        ("a: [", "", "yaml"),
        (
            yaml(CALM).as_str(),
            " --no-such-option",
            "unexpected argument",
        ),
    ] {
        let home = Home::new(CALM);
        std::fs::write(home.file(), yaml).unwrap();
        for command in COMMANDS {
            let command = command.replacen(" --json", &format!(" --json{more}"), 1);
            let (_, errors) = errors(&home, &command);
            assert!(!errors.is_empty(), "{command}");
            if !more.is_empty() {
                let sentence = errors[0]["sentence"].as_str().unwrap();
                assert!(sentence.contains(says), "{command}: {sentence}");
            }
        }
    }
}

#[test]
fn an_error_of_the_configuration_has_its_place_and_its_help() {
    let home = Home::new(CALM);
    let wrong = yaml(CALM).replace("type: steady", "type: steadi");
    home.configure(&wrong);
    for command in [
        "send --default --json x",
        "hosts --json",
        "route web-01 --json",
    ] {
        let (status, errors) = errors(&home, command);
        assert_eq!(status, 2, "{command}");
        let at = errors[0]["at"].as_str().unwrap();
        assert!(at.contains("heartbeat.yaml:"), "{at}");
        assert!(errors[0]["help"].is_string(), "{errors:?}");
    }
}

#[test]
fn no_monitor_and_an_unknown_name_are_json_too() {
    let home = Home::new(CALM);
    for (line, status, says) in [
        ("status --json", 1, "no monitor answers at"),
        ("notify --default --json x", 1, "no monitor answers at"),
        (
            "send --channel nobody --json x",
            2,
            "there is no channel `nobody`",
        ),
        ("test nobody --json", 2, "there is no channel `nobody`"),
        ("deliveries --json", 1, "there are no deliveries yet"),
    ] {
        let (exit, errors) = errors(&home, line);
        let sentence = errors[0]["sentence"].as_str().unwrap();
        assert!(sentence.contains(says), "{line}: {sentence}");
        assert_eq!(exit, status, "{line}");
    }
}
