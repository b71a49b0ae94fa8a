//! Settings: which are valid, which are refused, and what the messages say.

use annunciator_sdk::testing::validate;
use annunciator_signal::Signal;
use serde_json::{Value, json};

const GROUP: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Returns the problems of these settings: the path with the message, and whether it is an error.
fn findings(settings: &Value) -> Vec<(String, bool)> {
    validate::<Signal>(settings)
        .iter()
        .map(|problem| {
            (
                format!("{} {}", problem.path(), problem.message()),
                problem.is_error(),
            )
        })
        .collect()
}

#[test]
fn the_specifications_examples_are_valid() {
    for settings in [
        json!({"user": "+12025551234", "recipient": "+12025559999"}),
        json!({"cli_path": "/usr/local/bin/signal-cli", "user": "+1234567890", "recipient": "+1234567890"}),
        json!({"user": "+12025551234", "groups": [GROUP]}),
        json!({"user": "+12025551234", "usernames": ["bob.01"], "rpc": "unix:/run/s"}),
        json!({"user": "0190f3c4-0000-7000-8000-000000000001", "note_to_self": true}),
    ] {
        assert_eq!(findings(&settings), [], "{settings}");
    }
    // A placeholder of the specification: it deserves a warning, but not an error.
    let found = findings(&json!({"user": "+1234567890", "recipient": "+0987654321"}));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].0.starts_with("recipient ") && !found[0].1,
        "{found:?}"
    );
}

#[test]
fn what_signal_cli_would_refuse_is_refused_here() {
    let base = json!({"user": "+12025551234", "recipient": "+12025559999"});
    for (more, path) in [
        (json!({"user": "12025551234"}), "user"),
        (json!({"user": ""}), "user"),
        (json!({"recipient": null}), "recipient"),
        (json!({"recipient": "bob"}), "recipient"),
        (json!({"recipient": "+1 202 555"}), "recipient"),
        (json!({"recipient": "-m"}), "recipient"),
        (
            json!({"recipients": ["+12025550001", "x"]}),
            "recipients[1]",
        ),
        (json!({"usernames": ["bob"]}), "usernames[0]"),
        (json!({"usernames": ["-g.01"]}), "usernames[0]"),
        (json!({"groups": ["not base64"]}), "groups[0]"),
        (json!({"rpc": "localhost:7583"}), "rpc"),
        (json!({"rpc": "tcp://u:canary@localhost:7583"}), "rpc"),
        (json!({"rpc": "http://u:canary@localhost:7583"}), "rpc"),
        (json!({"rpc": "tcp://localhost/canary"}), "rpc"),
        (json!({"rpc": "smtp://u:canary@localhost"}), "rpc"),
        (json!({"rpc": "unix:/a", "cli_path": "/b"}), "cli_path"),
        (json!({"rpc": "unix:/a", "config_dir": "/b"}), "config_dir"),
        (json!({"acknowledge": true}), "acknowledge"),
        (
            json!({"rpc": "https://localhost:1", "acknowledge": true}),
            "acknowledge",
        ),
        (
            json!({"rpc": "unix:/a", "acknowledge_reactions": [""], "acknowledge_words": []}),
            "acknowledge_reactions",
        ),
        (json!({"timeout": 0}), "timeout"),
        (json!({"cli_path": ""}), "cli_path"),
        (json!({"recipent": "+1"}), "recipent"),
    ] {
        let mut settings = base.clone();
        for (key, value) in more.as_object().into_iter().flatten() {
            settings[key] = value.clone();
        }
        let found = findings(&settings);
        assert!(
            found.iter().any(|(text, error)| *error
                && (text.starts_with(&format!("{path} "))
                    || (text.starts_with(' ') && text.contains(path)))),
            "{more}: {found:?}"
        );
        assert!(!format!("{found:?}").contains("canary"), "{found:?}");
    }
}

#[test]
fn signs_that_have_no_effect_are_reported() {
    let base = json!({"user": "+12025551234", "recipient": "+12025559999"});
    for (rpc, acknowledge, expected) in [
        (json!("unix:/a"), json!(null), 0),
        (json!("unix:/a"), json!(false), 2),
        (json!(null), json!(null), 2),
    ] {
        let mut settings = base.clone();
        settings["acknowledge_words"] = json!(["ack"]);
        settings["acknowledge_reactions"] = json!(["👍"]);
        settings["rpc"] = rpc;
        settings["acknowledge"] = acknowledge;
        let found = findings(&settings);
        assert_eq!(found.len(), expected, "{settings}: {found:?}");
        assert!(
            found
                .iter()
                .all(|(text, error)| !error && text.contains("no effect"))
        );
    }
}

#[test]
fn the_help_on_phone_numbers_is_only_for_phone_numbers() {
    for (field, value, helps) in [
        ("recipients", "12025551234", true),
        ("usernames", "bob", false),
        ("groups", "?", false),
    ] {
        let mut settings = json!({"user": "+12025551234"});
        settings[field] = json!([value]);
        let found = format!("{:?}", validate::<Signal>(&settings));
        assert!(found.contains(value), "{found}");
        assert_eq!(found.contains("write a phone number"), helps, "{found}");
    }
}

#[test]
fn the_schema_describes_every_field() {
    let schema = schemars::schema_for!(annunciator_signal::Config);
    let properties = schema.get("properties").and_then(Value::as_object).unwrap();
    for (name, property) in properties {
        assert!(property.get("description").is_some(), "{name}");
    }
    for name in ["user", "recipient"] {
        assert!(properties[name].to_string().contains("string"), "{name}");
    }
}
