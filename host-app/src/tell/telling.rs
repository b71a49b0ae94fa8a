//! One message for one channel, and what became of it.

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
    /// What it belongs to; several where many hosts are told of at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<Arc<str>>,
    /// Whether it tells a problem, its end, or something for its own sake.
    pub part: Part,
    /// How bad it is, by its name.
    pub severity: Box<str>,
    /// One line above the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Box<str>>,
    /// The text.
    pub body: Box<str>,
    /// When it happened, in milliseconds since the epoch.
    pub occurred_ms: i64,
}

/// Where in its incident a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// It belongs to none.
    Message,
    /// It tells the problem.
    Problem,
    /// It tells the end of the problem.
    Recovery,
}

impl Message {
    pub(super) fn new(part: Part, severity: Severity, body: String, occurred_ms: i64) -> Self {
        Self {
            host: None,
            incidents: Vec::new(),
            part,
            severity: severity.name().into(),
            title: None,
            body: body.into(),
            occurred_ms,
        }
    }

    /// Something about the monitor itself.
    #[must_use]
    pub fn own_trouble(text: &str, occurred_ms: i64) -> Self {
        Self::new(
            Part::Message,
            Severity::Warning,
            text.to_owned(),
            occurred_ms,
        )
    }

    /// As the engine takes it.
    pub(super) fn notification(&self) -> Notification {
        let kind = match self.part {
            Part::Message => Kind::Message,
            Part::Problem => Kind::Problem,
            Part::Recovery => Kind::Recovery,
        };
        let since = Duration::from_millis(u64::try_from(self.occurred_ms).unwrap_or_default());
        let mut notification = Notification::new(&*self.body)
            .kind(kind)
            .severity(self.severity.parse().unwrap_or_default())
            .occurred_at(SystemTime::UNIX_EPOCH + since);
        if let Some(title) = &self.title {
            notification = notification.title(&**title);
        }
        if let [incident] = self.incidents.as_slice() {
            notification = notification.incident(&**incident);
        }
        if let Some(host) = &self.host {
            notification = notification.host(&**host);
        }
        notification
    }
}

/// What became of a telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TellingState {
    /// It waits.
    Pending,
    /// It is being sent, or was when the monitor died.
    InFlight,
    /// The remote took it.
    Delivered,
    /// The remote did not take it.
    Failed,
    /// It was sent, or perhaps was, and no answer was read.
    Unknown,
    /// Its channel was never told of the problem whose end it is.
    Superseded,
}

impl TellingState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::InFlight,
        Self::Delivered,
        Self::Failed,
        Self::Unknown,
        Self::Superseded,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InFlight => "in_flight",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Superseded => "superseded",
        }
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub fn is_settled(self) -> bool {
        !matches!(self, Self::Pending | Self::InFlight)
    }
}

/// One message for one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// Its number; greater ones are newer.
    pub id: u64,
    /// The channel.
    pub channel: Arc<str>,
    /// What to tell.
    pub message: Arc<Message>,
    /// What became of it.
    pub state: TellingState,
    /// How often it was told again because the monitor had died before the
    /// outcome was recorded.
    pub again: u32,
    /// What came of it, in words.
    pub detail: String,
}
