//! A notification and its delivery, as a provider receives them, in std types.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use annunciator_core::{
    code,
    ffi::RArc,
    message::{ACKNOWLEDGED_BY, DeliveryV1, NotificationV1},
};

/// How urgent a notification is, in ascending order.
///
/// A severity that this version of the SDK does not know is read as the next lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// For information; no action is needed.
    Info,
    /// Somebody should look soon.
    Warning,
    /// Somebody must look now.
    Critical,
}

impl Severity {
    /// Every severity, in ascending order.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    fn from_code(severity: code::Severity) -> Self {
        if severity >= code::Severity::CRITICAL {
            Self::Critical
        } else if severity >= code::Severity::WARNING {
            Self::Warning
        } else {
            Self::Info
        }
    }

    pub(crate) fn code(self) -> code::Severity {
        match self {
            Self::Info => code::Severity::INFO,
            Self::Warning => code::Severity::WARNING,
            Self::Critical => code::Severity::CRITICAL,
        }
    }

    /// Returns the name in lower case, such as `critical`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The place of a notification in its incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A message that is part of no problem.
    Message,
    /// A problem that began or persists.
    Problem,
    /// The end of a problem.
    Recovery,
    /// A test that a person requested.
    Test,
}

impl Kind {
    /// Returns the name in lower case, such as `problem`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Problem => "problem",
            Self::Recovery => "recovery",
            Self::Test => "test",
        }
    }
}

/// The notification that a channel delivers.
#[derive(Debug, Clone)]
pub struct Notification(RArc<NotificationV1>);

impl Notification {
    /// Returns the notification's ID: unique, and the same for every attempt and every channel.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Returns the incident, which a problem, its reminders and its recovery have in common.
    #[must_use]
    pub fn incident(&self) -> Option<&str> {
        Some(self.0.incident.as_str()).filter(|text| !text.is_empty())
    }

    /// Returns the host that the notification is about.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        Some(self.0.host.as_str()).filter(|text| !text.is_empty())
    }

    /// Returns the title, one line, if the sender gave one.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        Some(self.0.title.as_str()).filter(|text| !text.is_empty())
    }

    /// Returns the message. It is never empty, and may contain any character.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.0.body
    }

    /// Returns the severity.
    #[must_use]
    pub fn severity(&self) -> Severity {
        Severity::from_code(self.0.severity)
    }

    /// Returns the place in the incident. A kind that this version of the SDK does not know is
    /// read as a message.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.0.kind {
            code::Kind::PROBLEM => Kind::Problem,
            code::Kind::RECOVERY => Kind::Recovery,
            code::Kind::TEST => Kind::Test,
            _ => Kind::Message,
        }
    }

    /// Returns when the event happened.
    #[must_use]
    pub fn occurred_at(&self) -> SystemTime {
        let ms = self.0.occurred_at_ms;
        let distance = Duration::from_millis(ms.unsigned_abs());
        if ms < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(distance)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(distance)
        }
        .unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Returns the attributes, as name and value.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .attributes
            .iter()
            .map(|attribute| (attribute.key.as_str(), attribute.value.as_str()))
    }

    /// Returns who has acknowledged the incident, if this is the message that says so. A provider
    /// that repeats a problem, or waits for an acknowledgement of it, can end that.
    #[must_use]
    pub fn acknowledged_by(&self) -> Option<&str> {
        let is_said = self.kind() == Kind::Message && self.incident().is_some();
        self.attribute(ACKNOWLEDGED_BY).filter(|_| is_said)
    }

    /// Returns the attribute with a name.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes()
            .find_map(|(name, value)| (name == key).then_some(value))
    }
}

/// A request to deliver a notification. Each request is one attempt.
#[derive(Debug, Clone)]
pub struct Delivery {
    notification: Notification,
    attempt: u32,
    timeout: Duration,
    targets: Vec<String>,
    reference: String,
}

impl Delivery {
    pub(crate) fn new(raw: DeliveryV1) -> Self {
        Self {
            notification: Notification(raw.notification),
            attempt: raw.attempt,
            timeout: Duration::from_millis(raw.timeout_ms),
            targets: raw.targets.into_iter().map(String::from).collect(),
            reference: raw.reference.into(),
        }
    }

    /// Returns the notification to deliver.
    #[must_use]
    pub fn notification(&self) -> &Notification {
        &self.notification
    }

    /// Returns the number of the attempt, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns how long the host waits for this attempt before it cancels it.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns the targets that remain to be reached, by the names in earlier outcomes; empty for
    /// all.
    #[must_use]
    pub fn targets(&self) -> &[String] {
        &self.targets
    }

    /// Returns the host's reference of the delivery, for [`Host::prove`](crate::Host::prove);
    /// empty if the host accepts no further proof.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Returns whether a target is to be tried in this attempt.
    #[must_use]
    pub fn wants(&self, target: &str) -> bool {
        self.targets.is_empty() || self.targets.iter().any(|wanted| wanted == target)
    }
}
