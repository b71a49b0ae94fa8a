//! A message and its recipients.
//!
//! The engine's store of deliveries records what becomes of it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use annunciator::{Kind, Notification, Severity};
use serde::{Deserialize, Serialize};

/// A message for people, and the event that it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The host, if the message is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Arc<str>>,
    /// The incident, which a problem and its end share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Arc<str>>,
    /// Whether the message reports a problem, its end, or neither. Files have it as `part`.
    #[serde(rename = "part")]
    pub kind: Kind,
    /// The severity.
    pub severity: Severity,
    /// The title: one line above the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Box<str>>,
    /// The text.
    pub body: Box<str>,
    /// When the event happened, in milliseconds since the Unix epoch.
    pub occurred_ms: i64,
    /// The address of a page about it, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Box<str>>,
    /// The address at which somebody takes the incident over, who has got the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge_url: Option<Box<str>>,
    /// The rule that suppresses the message: it is recorded and not delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Box<str>>,
}

impl Message {
    pub(super) fn new(kind: Kind, severity: Severity, body: String, occurred_ms: i64) -> Self {
        Self {
            host: None,
            incident: None,
            kind,
            severity,
            title: None,
            body: body.into(),
            occurred_ms,
            url: None,
            acknowledge_url: None,
            suppressed: None,
        }
    }

    /// Creates a message about the monitor itself.
    #[must_use]
    pub fn about_monitor(text: &str, occurred_ms: i64) -> Self {
        Self::new(
            Kind::Message,
            Severity::Warning,
            text.to_owned(),
            occurred_ms,
        )
    }

    /// Converts the message to the engine's type.
    pub(crate) fn notification(&self) -> Notification {
        let since = Duration::from_millis(u64::try_from(self.occurred_ms).unwrap_or_default());
        let mut notification = Notification::new(&*self.body)
            .kind(self.kind)
            .severity(self.severity)
            .occurred_at(SystemTime::UNIX_EPOCH + since);
        if let Some(title) = &self.title {
            notification = notification.title(&**title);
        }
        if let Some(incident) = &self.incident {
            notification = notification.incident(&**incident);
        }
        if let Some(host) = &self.host {
            notification = notification.host(&**host);
        }
        if let Some(url) = &self.url {
            // Plugins make a link of it.
            notification = notification.attribute("url", &**url);
        }
        if let Some(url) = &self.acknowledge_url {
            notification = notification.attribute("acknowledge_url", &**url);
        }
        if let Some(rule) = &self.suppressed {
            notification = notification.suppressed_by(&**rule);
        }
        notification
    }
}

/// A message on its way to the engine, which stores and delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundMessage {
    /// The message's number; newer messages have greater ones.
    pub id: u64,
    /// A permanent, unique key: the engine accepts the message once, however often it is
    /// submitted.
    pub key: Arc<str>,
    /// The channels and groups that the message goes to, by the names in the configuration.
    pub names: Vec<Arc<str>>,
    /// The message.
    pub message: Arc<Message>,
}

impl OutboundMessage {
    /// Returns the lane within which the message keeps its order.
    pub(crate) fn lane(&self) -> Lane {
        match (&self.message.host, self.message.kind) {
            (Some(host), _) => Lane::Host(Arc::clone(host)),
            (None, Kind::Problem | Kind::Recovery) => Lane::All,
            (None, _) => Lane::None,
        }
    }
}

/// The messages within which an outbound message keeps its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lane {
    /// The messages about one host.
    Host(Arc<str>),
    /// All messages: this one is about many hosts.
    All,
    /// No others: the order does not matter.
    None,
}
