//! A message, and where it goes.
//!
//! What becomes of it is for the engine's store of deliveries to know.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use annunciator::{Kind, Notification, Severity};
use serde::{Deserialize, Serialize};

/// What people read, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The host, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Arc<str>>,
    /// What it belongs to: a problem and its end have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Arc<str>>,
    /// Whether it reports a problem, its end, or neither.
    pub part: MessageKind,
    /// How bad it is, by its name.
    pub severity: Box<str>,
    /// One line above the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Box<str>>,
    /// The text.
    pub body: Box<str>,
    /// When it happened, in milliseconds since the epoch.
    pub occurred_ms: i64,
    /// The rule that suppresses it, if it is recorded and not delivered.
    #[serde(default, alias = "kept_back", skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Box<str>>,
}

/// Where in its incident a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageKind {
    /// It belongs to none.
    Message,
    /// It reports the problem.
    Problem,
    /// It reports the end of the problem.
    Recovery,
}

impl Message {
    pub(super) fn new(
        part: MessageKind,
        severity: Severity,
        body: String,
        occurred_ms: i64,
    ) -> Self {
        Self {
            host: None,
            incident: None,
            part,
            severity: severity.name().into(),
            title: None,
            body: body.into(),
            occurred_ms,
            suppressed: None,
        }
    }

    /// Something about the monitor itself.
    #[must_use]
    pub fn about_monitor(text: &str, occurred_ms: i64) -> Self {
        Self::new(
            MessageKind::Message,
            Severity::Warning,
            text.to_owned(),
            occurred_ms,
        )
    }

    /// As the engine takes it.
    pub(crate) fn notification(&self) -> Notification {
        let kind = match self.part {
            MessageKind::Message => Kind::Message,
            MessageKind::Problem => Kind::Problem,
            MessageKind::Recovery => Kind::Recovery,
        };
        let since = Duration::from_millis(u64::try_from(self.occurred_ms).unwrap_or_default());
        let mut notification = Notification::new(&*self.body)
            .kind(kind)
            .severity(self.severity.parse().unwrap_or_default())
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
        if let Some(rule) = &self.suppressed {
            notification = notification.suppressed_by(&**rule);
        }
        notification
    }
}

/// One message on its way to the engine, which keeps and delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundMessage {
    /// Its number; greater ones are newer.
    pub id: u64,
    /// Names it for ever, so that it is accepted once however often it is
    /// handed over.
    pub key: Arc<str>,
    /// The channels and groups that it goes to, as the configuration has them.
    pub names: Vec<Arc<str>>,
    /// The message.
    pub message: Arc<Message>,
}

impl OutboundMessage {
    /// What has to keep its order.
    pub(crate) fn lane(&self) -> Lane {
        match (&self.message.host, self.message.part) {
            (Some(host), _) => Lane::Host(Arc::clone(host)),
            (None, MessageKind::Problem | MessageKind::Recovery) => Lane::All,
            (None, MessageKind::Message) => Lane::None,
        }
    }
}

/// What has to keep its order among outbound messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Those of one host.
    Host(Arc<str>),
    /// It concerns many hosts, and so all of them.
    All,
    /// It stands for itself.
    None,
}
