//! What a source has read: events, which become notifications.

use std::time::{Duration, SystemTime};

use annunciator::{Kind, Notification, Severity};
use serde::{Deserialize, Serialize};

use crate::limits::{MAX_ATTRIBUTES, MAX_TIME_MS};

/// The attribute that plugins show as a link.
const LINK: &str = "url";
/// What people read of an alert that is no longer sent, which may also be the fault of a
/// network.
const SILENT: &str = "It is no longer sent.";

/// One event that people may be notified of.
///
/// Whom it reaches is for the caller to carry out: `channels` if there are any, else the
/// channels of `host`, else the default channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the incident.
    pub kind: Kind,
    /// The incident, which begins with the source's name and a slash, so that no sender can
    /// end what another reported.
    pub incident: Option<String>,
    /// The host that it is about, whose channels are notified. It need not be in the file.
    pub host: Option<String>,
    /// The channels that are notified instead, by their names in the file. Empty if the file
    /// names none.
    pub channels: Vec<String>,
    /// How urgent it is.
    pub severity: Severity,
    /// One line above the text.
    pub title: Option<String>,
    /// The text, which is not empty.
    pub text: String,
    /// The address of a page about it, of `http` or `https`.
    pub url: Option<String>,
    /// Further facts by name, in order. No name stands there twice, and none is `url`.
    pub attributes: Vec<(String, String)>,
    /// The idempotency key, which begins with the source's name and a slash.
    ///
    /// Senders repeat an event with other words, such as the value of the moment. The engine
    /// answers such a repetition with `NotifyError::Conflict`, which a caller treats as
    /// accepted before.
    pub key: Option<String>,
    /// When it happened, in milliseconds since the Unix epoch.
    pub occurred_at_ms: Option<i64>,
    /// When the problem counts as over unless the sender sends it again, in milliseconds
    /// since the Unix epoch. The caller then notifies people of [`ended`](Self::ended).
    /// Each repetition has a later time, also where its key is known.
    pub ends_at_ms: Option<i64>,
    /// The key of the end that the sender reports itself, if it is known beforehand.
    pub end_key: Option<String>,
}

impl Event {
    /// Creates an event without content.
    pub(crate) fn empty() -> Self {
        Self {
            kind: Kind::Message,
            incident: None,
            host: None,
            channels: Vec::new(),
            severity: Severity::Info,
            title: None,
            text: String::new(),
            url: None,
            attributes: Vec::new(),
            key: None,
            occurred_at_ms: None,
            ends_at_ms: None,
            end_key: None,
        }
    }

    /// Adds an attribute, unless there is one of that name, or the value is empty.
    pub(crate) fn add(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        let is_known = self.attributes.iter().any(|(known, _)| known == name);
        if !value.is_empty() && name != LINK && !is_known {
            self.attributes.push((name.to_owned(), value));
        }
    }

    /// Returns the notification for the engine.
    pub fn notification(&self) -> Notification {
        let mut notification = Notification::new(&self.text)
            .kind(self.kind)
            .severity(self.severity);
        if let Some(title) = &self.title {
            notification = notification.title(title);
        }
        if let Some(incident) = &self.incident {
            notification = notification.incident(incident);
        }
        if let Some(host) = &self.host {
            notification = notification.host(host);
        }
        if let Some(key) = &self.key {
            notification = notification.key(key);
        }
        if let Some(ms) = self.occurred_at_ms {
            let ms = u64::try_from(ms.clamp(0, MAX_TIME_MS)).unwrap_or_default();
            let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms));
            notification = notification.occurred_at(at.unwrap_or(SystemTime::UNIX_EPOCH));
        }
        if let Some(url) = &self.url {
            notification = notification.attribute(LINK, url);
        }
        let left = MAX_ATTRIBUTES - usize::from(self.url.is_some());
        let attributes = self.attributes.iter().take(left);
        attributes.fold(notification, |notification, (name, value)| {
            notification.attribute(name, value)
        })
    }

    /// Returns the end of a problem that its sender no longer sends, at a time in
    /// milliseconds since the Unix epoch.
    ///
    /// Its key is that of the end that the sender may still report, so that people are
    /// notified once. Returns `None` for what is no problem of an incident.
    #[must_use]
    pub fn ended(&self, at_ms: i64) -> Option<Self> {
        if self.kind != Kind::Problem || self.incident.is_none() {
            return None;
        }
        let mut ended = self.clone();
        ended.key = ended.end_key.take();
        ended.text = match self.text.is_empty() {
            true => SILENT.to_owned(),
            false => format!("{SILENT}\n{}", self.text),
        };
        ended.resolve(self.occurred_at_ms, Some(at_ms));
        Some(ended)
    }

    /// Returns the event for an incident that was [ended](Self::ended) by silence at a time
    /// in milliseconds since the Unix epoch, and that its sender sends again nevertheless.
    ///
    /// Its keys are others, since people have to learn that the problem is not over. The
    /// caller does this with every event of the incident until it ends.
    #[must_use]
    pub fn renewed(&self, ended_at_ms: i64) -> Self {
        let renewed = |key: &String| format!("{key}/{ended_at_ms}");
        Self {
            key: self.key.as_ref().map(renewed),
            end_key: self.end_key.as_ref().map(renewed),
            ..self.clone()
        }
    }

    /// Turns a problem into its end.
    pub(crate) fn resolve(&mut self, starts_at: Option<i64>, ends_at: Option<i64>) {
        self.kind = Kind::Recovery;
        // As the engine's other recoveries: it reaches whoever was notified of the problem.
        self.severity = Severity::Info;
        self.title = self.title.take().map(|title| format!("Resolved: {title}"));
        let lasted = starts_at.zip(ends_at).and_then(|(starts_at, ends_at)| {
            let seconds = ends_at.checked_sub(starts_at)? / 1000;
            u64::try_from(seconds).ok()
        });
        let over = match lasted {
            Some(seconds) => {
                let lasted = humantime::format_duration(Duration::from_secs(seconds));
                format!("This is over after {lasted}.")
            }
            None => "This is over.".to_owned(),
        };
        self.text = match self.text.is_empty() {
            true => over,
            false => format!("{over}\n{}", self.text),
        };
        self.occurred_at_ms = ends_at;
        self.ends_at_ms = None;
        self.end_key = None;
    }
}
