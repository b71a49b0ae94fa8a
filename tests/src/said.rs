//! What is said about a configuration with one steady channel.

#![expect(clippy::unwrap_used, reason = "what tests share may panic as they do")]

use annunciator_testkit::rig::Rig;

/// A rig with the steady fixture.
#[must_use]
pub fn rig() -> Rig {
    Rig::new(&["fixture-steady"]).unwrap()
}

/// What is said about a file; one line per problem.
#[must_use]
pub fn said(yaml: &str) -> Vec<String> {
    rig()
        .problems(yaml)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Compares what is said about a file, line by line.
pub fn check(yaml: &str, expected: &[&str]) {
    assert_eq!(said(yaml), expected, "{yaml}");
}

/// A file with one steady channel whose settings are written in one line.
#[must_use]
pub fn settings(fields: &str) -> String {
    format!("notification_channels:\n  s: {{type: steady, {fields}}}\n")
}
