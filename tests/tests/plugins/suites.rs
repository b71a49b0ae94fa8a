//! The configuration suite on every plugin that is shipped.

use annunciator_testkit::suite::{Sound, settings};

fn check(sound: &Sound<'_>) {
    let failures = settings(sound).unwrap();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn email() {
    check(&Sound {
        package: "annunciator-email",
        channel_type: "email",
        settings: &[
            ("recipients", "[ops@example.com, alerts@example.com]"),
            ("sender", "heartbeat@example.com"),
            ("smtp_server", "smtp.example.com"),
            ("smtp_port", "587"),
            ("smtp_tls", "starttls"),
            ("smtp_user", "heartbeat@example.com"),
            ("smtp_password", "canary-password"),
            ("subject", "'[{severity}] {title}'"),
            ("headers", "{X-Team: ops}"),
            ("connections", "2"),
        ],
        secrets: &["smtp_password", "smtp_token"],
    });
}

#[test]
fn pushover() {
    check(&Sound {
        package: "annunciator-pushover",
        channel_type: "pushover",
        settings: &[
            ("token", "canarycanarycanarycanarycanary"),
            ("user", "canarycanarycanarycanarycanary"),
            ("device", "iphone"),
            ("priority", "emergency"),
            ("retry", "60"),
            ("expire", "3000"),
            ("sound", "siren"),
            ("people", "{anna: canarycanarycanarycanarycanary}"),
            ("api_url", "http://127.0.0.1:1"),
        ],
        secrets: &["token", "user", "encryption_key", "people"],
    });
}

#[test]
fn signal() {
    check(&Sound {
        package: "annunciator-signal",
        channel_type: "signal",
        settings: &[
            ("cli_path", "/usr/local/bin/signal-cli"),
            ("user", "+12025551234"),
            ("recipient", "+12025555678"),
            ("usernames", "[name.01]"),
            ("silent", "true"),
        ],
        secrets: &[],
    });
}

#[test]
fn mattermost() {
    check(&Sound {
        package: "annunciator-mattermost",
        channel_type: "mattermost",
        settings: &[
            ("host", "mattermost.example.com"),
            ("token", "canarycanarycanarycanary12"),
            ("channel", "devops-alerts"),
            ("username", "heartbeat-bot"),
            ("icon", "https://example.com/heartbeat-icon.png"),
            ("mentions", "neutralise"),
        ],
        secrets: &["token", "bot_token"],
    });
}

#[test]
fn webhook() {
    check(&Sound {
        package: "annunciator-webhook",
        channel_type: "webhook",
        settings: &[
            ("url", "https://hooks.example.com/canaryhook"),
            ("method", "POST"),
            ("headers", "{Authorization: Bearer canarybearer}"),
            ("content_type", "application/json"),
            ("body", "'{\"text\": {{ text }}}'"),
            ("secrets", "{token: canarytoken}"),
            ("answer", "{success: answer.json.ok}"),
        ],
        secrets: &["url", "headers", "secrets", "check_url"],
    });
}

#[test]
fn exec() {
    check(&Sound {
        package: "annunciator-exec",
        channel_type: "exec",
        settings: &[
            ("program", "/usr/local/bin/tell"),
            ("arguments", "[--quiet]"),
            ("environment", "{COLOUR: red}"),
            ("settings", "{token: canarytoken}"),
            ("folder", "/tmp"),
            ("targets", "[a, b]"),
        ],
        secrets: &["environment", "settings"],
    });
}
