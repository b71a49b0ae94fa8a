//! The example of a monitor's configuration: it is sound, and leaves no key
//! out.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use annunciator_testkit::artefacts::plugin_folder;
use serde_json::Value as Json;
use tempfile::TempDir;

const SECRETS: [(&str, &str); 5] = [
    ("mattermost-webhook", "w7ri5ybhrbfsmqhkhbc7n8hf1y"),
    ("smtp-password", "a-password"),
    ("heartbeat-key", "a-secret-of-all-hosts"),
    ("heartbeat-key-db", "a-secret-of-one-host"),
    ("ping-key", "a-key-of-one-job"),
];

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/monitor.yaml")
}

/// Runs `hbd` on the example, as systemd would: with credentials, and with the folder
/// that the state is kept in, which is one of the test's.
fn hbd(command: &str) -> (Option<i32>, String, String) {
    let plugins = plugin_folder(&["annunciator-mattermost", "annunciator-email"]).unwrap();
    let credentials: TempDir = tempfile::tempdir().unwrap();
    for (name, secret) in SECRETS {
        fs::write(credentials.path().join(name), secret).unwrap();
    }
    let state = credentials.path().to_str().unwrap();
    let yaml = fs::read_to_string(example()).unwrap();
    let copy = credentials.path().join("monitor.yaml");
    let here = yaml.replace("/var/lib/heartbeat/", &format!("{state}/"));
    fs::write(&copy, here).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_hbd"))
        .env_clear()
        .env("HBD_CONFIG", &copy)
        .env("ANNUNCIATOR_PLUGIN_DIR", plugins.path())
        .env("CREDENTIALS_DIRECTORY", credentials.path())
        .arg(command)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn it_is_sound() {
    let (status, out, err) = hbd("check");
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert_eq!(out, "the configuration is sound: 2 channels, 4 hosts\n");
}

/// The names of the properties of this schema and of all below it.
fn keys(schema: &Json, definitions: &Json, found: &mut Vec<String>) {
    match schema {
        Json::Object(members) => {
            if let Some(Json::Object(properties)) = members.get("properties") {
                found.extend(properties.keys().cloned());
            }
            if let Some(Json::String(name)) = members.get("$ref") {
                let name = name.rsplit('/').next().unwrap();
                keys(&definitions[name], definitions, found);
            }
            let below = members.iter().filter(|(name, _)| *name != "$defs");
            below.for_each(|(_, below)| keys(below, definitions, found));
        }
        Json::Array(list) => list.iter().for_each(|one| keys(one, definitions, found)),
        _ => {}
    }
}

#[test]
fn it_has_every_key_that_the_schema_has() {
    let (_, out, _) = hbd("schema");
    let schema: Json = serde_json::from_str(&out).unwrap();
    let text = fs::read_to_string(example()).unwrap();
    for section in ["monitor", "web", "threshold_configs", "hosts"] {
        let part = &schema["properties"][section];
        let mut found = Vec::new();
        keys(part, &schema["$defs"], &mut found);
        assert!(!found.is_empty(), "no {section} in\n{schema:#}");
        let values_from_elsewhere = ["env", "file", "credential", "dyndns"];
        for key in found
            .iter()
            .filter(|key| !values_from_elsewhere.contains(&key.as_str()))
        {
            let words = [format!("{key}:"), format!("{{{key}:")];
            let stands = text
                .split_whitespace()
                .any(|word| words.contains(&word.to_owned()));
            assert!(stands, "{section}: {key} is not in the example");
        }
    }
}
