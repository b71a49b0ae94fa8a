//! The email channel against Postfix: what it delivers is read back from the
//! mailbox, what it refuses is told by recipient.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod content;
mod login;
mod recipients;
mod server;
mod size;
mod tls;

use annunciator::{ChannelReport, Engine, Notification};
use annunciator_testkit::rig::Rig;

/// An engine with the email channel only.
async fn engine(yaml: &str) -> (Rig, Engine) {
    let rig = Rig::new(&["annunciator-email"]).unwrap();
    let engine = rig.start(yaml).await.unwrap();
    (rig, engine)
}

/// What the channel `mail` reports for a notification.
async fn told(engine: &Engine, notification: impl Into<Notification>) -> ChannelReport {
    let report = engine.notify_default(notification).await.unwrap();
    report.channels()["mail"].clone()
}

/// What the channel `mail` of this configuration reports for a notification.
async fn report(yaml: &str, notification: impl Into<Notification>) -> ChannelReport {
    let (_rig, engine) = engine(yaml).await;
    told(&engine, notification).await
}
