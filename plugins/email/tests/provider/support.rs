//! The support of the email channel's tests: settings for a stand-in, and a provider that is opened
//! with them.

use annunciator_email::Email;
use annunciator_sdk::{
    Outcome,
    testing::{FakeHost, Opened, Sample},
};
use annunciator_testkit::smtp::SmtpServer;
use serde_json::{Value, json};

/// Returns settings for a stand-in without encryption.
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

/// Returns the settings with other values for some of them.
pub fn with(mut settings: Value, more: Value) -> Value {
    if let (Some(settings), Value::Object(more)) = (settings.as_object_mut(), more) {
        settings.extend(more);
    }
    settings
}

/// Opens a channel.
pub async fn open(settings: &Value) -> Opened {
    match FakeHost::new().open::<Email>(settings).await {
        Ok(opened) => opened,
        Err(error) => panic!("{error}"),
    }
}

/// Makes one attempt on a new channel.
pub async fn deliver(settings: &Value, sample: &Sample) -> Vec<Outcome> {
    let channel = open(settings).await;
    let outcomes = channel.deliver(sample).await;
    channel.close().await;
    outcomes
}
