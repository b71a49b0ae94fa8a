//! What a provider is asked to deliver, in std types.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use annunciator_core::{
    code,
    ffi::RArc,
    message::{DeliveryV1, NotificationV1},
};

/// How bad it is.
///
/// A severity that this SDK does not know is read as the one below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know; nobody needs to act.
    Info,
    /// Somebody should look soon.
    Warning,
    /// Somebody must look now.
    Critical,
}

impl Severity {
    /// Every severity, from the mildest to the worst.
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

    /// The name in lower case, such as `critical`.
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

/// Where in the life of its incident a notification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A message for its own sake.
    Message,
    /// Something is wrong, or goes on being wrong.
    Problem,
    /// What was wrong is right again.
    Recovery,
    /// A test that a person asked for.
    Test,
}

impl Kind {
    /// The name in lower case, such as `problem`.
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

/// What people shall learn.
#[derive(Debug, Clone)]
pub struct Notification(RArc<NotificationV1>);

impl Notification {
    /// Unique, and the same over every attempt and every channel.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// What belongs together: a problem, its reminders, its recovery.
    #[must_use]
    pub fn incident(&self) -> Option<&str> {
        Some(self.0.incident.as_str()).filter(|text| !text.is_empty())
    }

    /// The host that it is about.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        Some(self.0.host.as_str()).filter(|text| !text.is_empty())
    }

    /// One line, where the sender gave one.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        Some(self.0.title.as_str()).filter(|text| !text.is_empty())
    }

    /// The message. Never empty; may hold any character.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.0.body
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        Severity::from_code(self.0.severity)
    }

    /// Where in the life of its incident it stands. A kind that this SDK does
    /// not know is read as a message.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.0.kind {
            code::Kind::PROBLEM => Kind::Problem,
            code::Kind::RECOVERY => Kind::Recovery,
            code::Kind::TEST => Kind::Test,
            _ => Kind::Message,
        }
    }

    /// When it happened.
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

    /// What else is known about it, by name.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .attributes
            .iter()
            .map(|attribute| (attribute.key.as_str(), attribute.value.as_str()))
    }

    /// One attribute, by its name.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes()
            .find_map(|(name, value)| (name == key).then_some(value))
    }
}

/// One request to deliver, which is one attempt.
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

    /// What to deliver.
    #[must_use]
    pub fn notification(&self) -> &Notification {
        &self.notification
    }

    /// 1 for the first attempt.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// How long the host waits for this attempt before it cancels it.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The targets that still need it, by the names that earlier outcomes
    /// gave them; empty for all.
    #[must_use]
    pub fn targets(&self) -> &[String] {
        &self.targets
    }

    /// The host's own name for the delivery, for [`Host::prove`](crate::Host::prove); empty where
    /// the host wants to know no more.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Whether this target is one to try now.
    #[must_use]
    pub fn wants(&self, target: &str) -> bool {
        self.targets.is_empty() || self.targets.iter().any(|wanted| wanted == target)
    }
}
