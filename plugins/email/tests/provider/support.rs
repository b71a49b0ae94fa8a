//! What the tests of the email channel share: settings for a stand-in, and a
//! provider opened with them.

use annunciator_email::Email;
use annunciator_sdk::{
    Outcome,
    testing::{FakeHost, Opened, Sample},
};
use annunciator_testkit::smtp::SmtpServer;
use serde_json::{Value, json};

/// Settings for a stand-in in clear.
pub fn settings(server: &SmtpServer) -> Value {
    json!({
        "recipients": ["ops@example.com"],
        "sender": "Heartbeat <heartbeat@example.com>",
        "smtp_server": "127.0.0.1",
        "smtp_port": server.port(),
        "smtp_tls": "none",
        "smtp_hello": "monitor.example.com",
    })
}

/// Other values for some settings.
pub fn with(mut settings: Value, more: Value) -> Value {
    if let (Some(settings), Value::Object(more)) = (settings.as_object_mut(), more) {
        settings.extend(more);
    }
    settings
}

/// An open channel.
pub async fn open(settings: &Value) -> Opened {
    match FakeHost::new().open::<Email>(settings).await {
        Ok(opened) => opened,
        Err(error) => panic!("{error}"),
    }
}

/// One attempt on a fresh channel.
pub async fn deliver(settings: &Value, sample: &Sample) -> Vec<Outcome> {
    let channel = open(settings).await;
    let outcomes = channel.deliver(sample).await;
    channel.close().await;
    outcomes
}
