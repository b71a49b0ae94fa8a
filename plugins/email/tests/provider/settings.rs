//! Settings: which are valid, which are refused, and what the messages say.

use annunciator_email::Email;
use annunciator_sdk::testing::validate;
use serde_json::{Value, json};

fn base() -> Value {
    json!({
        "recipients": ["ops@example.com", "alerts@example.com"],
        "sender": "heartbeat@example.com",
        "smtp_server": "smtp.example.com",
        "smtp_port": 587,
        "smtp_user": "heartbeat@example.com",
        "smtp_password": "canary-secret",
    })
}

/// Returns the errors and warnings for other values of some settings, as `path: message`.
fn findings(more: Value) -> Vec<String> {
    let mut settings = base();
    for (key, value) in more.as_object().into_iter().flatten() {
        match value {
            Value::Null => settings.as_object_mut().map(|map| map.remove(key)),
            _ => settings
                .as_object_mut()
                .map(|map| map.insert(key.clone(), value.clone())),
        };
    }
    validate::<Email>(&settings)
        .iter()
        .map(|problem| format!("{}: {}", problem.path(), problem.message()))
        .collect()
}

#[test]
fn the_specifications_examples_are_valid() {
    assert_eq!(findings(json!({})), Vec::<String>::new());
    let short = json!({"smtp_port": null, "smtp_user": null, "smtp_password": null});
    assert_eq!(findings(short), Vec::<String>::new());
    for server in ["192.0.2.1", "2001:db8::1", "[2001:db8::1]"] {
        assert_eq!(
            findings(json!({"smtp_server": server})),
            Vec::<String>::new()
        );
    }
    for server in ["localhost", "127.0.0.1", "::1", "[::1]"] {
        let local = json!({"smtp_server": server, "smtp_tls": "none"});
        assert_eq!(findings(local), Vec::<String>::new());
    }
}

#[test]
fn what_a_server_would_refuse_is_refused_here() {
    for (more, path) in [
        (json!({"recipients": []}), "recipients"),
        (
            json!({"recipients": ["a@example.com", "nobody"]}),
            "recipients[1]",
        ),
        (
            json!({"cc": ["a@example.com\r\nBcc: x@example.com"]}),
            "cc[0]",
        ),
        (json!({"bcc": [""]}), "bcc[0]"),
        (json!({"reply_to": ["@"]}), "reply_to[0]"),
        (json!({"sender": "heartbeat"}), "sender"),
        (json!({"envelope_sender": "x"}), "envelope_sender"),
        (json!({"smtp_server": ""}), "smtp_server"),
        (json!({"smtp_server": "smtp://mail"}), "smtp_server"),
        (json!({"smtp_server": "mail:25"}), "smtp_server"),
        (
            json!({"smtp_server": "smtp://u:canary@mail"}),
            "smtp_server",
        ),
        (json!({"smtp_server": "u:canary@mail"}), "smtp_server"),
        (json!({"smtp_server": "mail/canary"}), "smtp_server"),
        (json!({"smtp_server": "mail:canary"}), "smtp_server"),
        (json!({"smtp_port": 0}), "smtp_port"),
        (
            json!({"smtp_tls": "starttls", "smtp_port": 465}),
            "smtp_tls",
        ),
        (json!({"smtp_tls": "none"}), "smtp_tls"),
        (
            json!({"smtp_server": "127.example.com", "smtp_tls": "none"}),
            "smtp_tls",
        ),
        (json!({"smtp_hello": "a b"}), "smtp_hello"),
        (json!({"smtp_user": null}), "smtp_password"),
        (json!({"smtp_password": null}), "smtp_user"),
        (json!({"smtp_token": "t"}), "smtp_token"),
        (json!({"smtp_auth": "xoauth2"}), "smtp_auth"),
        (json!({"tls_client_cert": "/a"}), "tls_client_cert"),
        (json!({"tls_client_key": "/a"}), "tls_client_key"),
        (json!({"tls_server_name": "a b"}), "tls_server_name"),
        (json!({"subject": "a\nb"}), "subject"),
        (json!({"subject": "{titel}"}), "subject"),
        (json!({"headers": {"Subject": "x"}}), "headers.Subject"),
        (json!({"headers": {"X A": "x"}}), "headers.X A"),
        (json!({"headers": {"X-A": "x\r\nBcc: y"}}), "headers.X-A"),
        (json!({"connections": 0}), "connections"),
        (json!({"smtp_prot": 25}), "smtp_prot"),
        (json!({"smtp_tls": "ssl"}), "smtp_tls"),
        (json!({"recipients": "a@example.com"}), "recipients"),
    ] {
        let found = findings(more.clone());
        assert!(
            found
                .iter()
                .any(|text| text.starts_with(&format!("{path}: "))
                    || (text.starts_with(": ") && text.contains(path))),
            "{more}: {found:?}"
        );
        assert!(!found.join(" ").contains("canary"), "{found:?}");
    }
}

#[test]
fn the_schema_describes_every_field_and_marks_the_secrets() {
    let schema = schemars::schema_for!(annunciator_email::Config);
    let properties = schema.get("properties").and_then(Value::as_object).unwrap();
    for (name, property) in properties {
        assert!(property.get("description").is_some(), "{name}");
    }
    for name in ["smtp_password", "smtp_token"] {
        assert!(
            properties[name].to_string().contains("writeOnly"),
            "{name}: {}",
            properties[name]
        );
    }
}
