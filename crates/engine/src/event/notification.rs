//! Notifications: messages for people, with their details, as the embedding program creates them,
//! as they are delivered, and as the store has them.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use annunciator_core::{
    ffi::{RArc, RString, RVec},
    message::{AttributeV1, NotificationV1},
};
use annunciator_store::StoredContent;

use super::{DigestSource, Kind, Severity, code};

/// The maximum length of a message, in bytes. A longer one is truncated. Every channel carries far
/// less.
const MAX_BODY_LENGTH: usize = 1024 * 1024;
/// The maximum length of a title, host, incident or attribute, in bytes.
const MAX_LINE_LENGTH: usize = 4096;
const MAX_ATTRIBUTES: usize = 64;

/// A message for people, with its severity, its incident and other details.
///
/// A plain `&str` or `String` converts to a notification.
///
/// ```
/// use annunciator::{Kind, Notification, Severity};
///
/// let notification = Notification::new("CPU at 95 %")
///     .title("prod-web-01 is busy")
///     .severity(Severity::Critical)
///     .kind(Kind::Problem)
///     .incident("prod-web-01/cpu")
///     .attribute("metric_path", "cpu_monitor.cpu_percent");
/// assert_eq!(notification.body(), "CPU at 95 %");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Notification {
    body: String,
    title: Option<String>,
    severity: Severity,
    kind: Kind,
    incident: Option<String>,
    host: Option<String>,
    occurred_at: Option<SystemTime>,
    attributes: Vec<(String, String)>,
    suppressed_by: Option<String>,
    key: Option<String>,
    to: Option<Vec<String>>,
}

impl Notification {
    /// Creates a notification with the severity info that belongs to no incident.
    pub fn new(body: impl Into<String>) -> Self {
        Self {
            body: body.into(),
            title: None,
            severity: Severity::default(),
            kind: Kind::default(),
            incident: None,
            host: None,
            occurred_at: None,
            attributes: Vec::new(),
            suppressed_by: None,
            key: None,
            to: None,
        }
    }

    /// Sets the title: one line above the message.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Sets the severity. The default is info.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Sets whether this is a problem, a recovery, a test, or a message of its own (the default).
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets the incident: a text that a problem, its reminders and its recovery have in common.
    pub fn incident(mut self, incident: impl Into<String>) -> Self {
        self.incident = Some(incident.into());
        self
    }

    /// Sets the host that the notification is about.
    ///
    /// [`Engine::notify_host`] sets it already; use this for a notification about a host that goes
    /// to named channels.
    ///
    /// [`Engine::notify_host`]: crate::Engine::notify_host
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Sets when the event happened. The default is the time at which the notification is accepted.
    ///
    /// A time before 1970 or after 9999 is replaced by the nearest one in between, because not
    /// every date format can represent it.
    pub fn occurred_at(mut self, at: SystemTime) -> Self {
        self.occurred_at = Some(at);
        self
    }

    /// Adds a detail, by its name.
    pub fn attribute(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.push((key.into(), value.into()));
        self
    }

    /// Suppresses the notification by a rule of the embedding program: it is recorded as
    /// suppressed, and nobody is notified.
    ///
    /// `rule` says which rule in words, such as `silence: until 06:00, by an operator`.
    pub fn suppressed_by(mut self, rule: impl Into<String>) -> Self {
        self.suppressed_by = Some(rule.into());
        self
    }

    /// Sets the idempotency key, as for [`Engine::submit`]: a second notification with the same key
    /// is not delivered, and its report has the outcome of the first.
    ///
    /// [`Engine::submit`]: crate::Engine::submit
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the named channels, in order, which a later submission with the same key must match.
    pub(crate) fn to(mut self, channels: Vec<String>) -> Self {
        self.to = Some(channels);
        self
    }

    /// Takes the idempotency key.
    pub(crate) fn take_key(&mut self) -> Option<String> {
        self.key.take()
    }

    /// Returns the text of the message.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }
}

impl From<&str> for Notification {
    fn from(body: &str) -> Self {
        Self::new(body)
    }
}

impl From<String> for Notification {
    fn from(body: String) -> Self {
        Self::new(body)
    }
}

/// A notification in the form that all channels share.
#[derive(Debug, Clone)]
pub(crate) struct Rendered {
    pub(crate) message: RArc<NotificationV1>,
    /// What was truncated, for the report.
    pub(crate) note: Option<String>,
    pub(crate) severity: Severity,
    pub(crate) kind: Kind,
    /// The embedding program's rule that suppresses the notification.
    pub(crate) suppressed_by: Option<Arc<str>>,
    /// What the notification reports, if it is a digest.
    pub(crate) digest_of: Option<Box<DigestSource>>,
    /// The named channels, in order, or `None` if a host was named or the names are not needed.
    pub(crate) to: Option<Vec<String>>,
    /// Whether the caller set the time of the event. Otherwise it is the time of acceptance.
    pub(crate) is_dated: bool,
    /// Whether it goes to a channel although it is milder than the channel's `min_severity`,
    /// because it belongs to what the channel was notified of. Not stored: it matters only at
    /// acceptance.
    pub(crate) ignores_min_severity: bool,
}

impl Notification {
    /// Renders the notification in the form that plugins get. Returns `None` if the body is empty.
    pub(crate) fn render(self, host: &str, now_ms: i64) -> Option<Rendered> {
        if self.body.trim().is_empty() {
            return None;
        }
        let length = self.body.len();
        let body = cut(self.body, MAX_BODY_LENGTH);
        let note = (body.len() < length)
            .then(|| format!("the message was cut from {length} to {} bytes", body.len()));
        let is_dated = self.occurred_at.is_some();
        let occurred_at_ms = self.occurred_at.map_or(now_ms, since_epoch);
        let line = |text: String| RString::from(cut(text, MAX_LINE_LENGTH));
        let attributes = self.attributes.into_iter().take(MAX_ATTRIBUTES);
        let message = NotificationV1 {
            id: RString::from(uuid::Uuid::now_v7().to_string()),
            incident: line(self.incident.unwrap_or_default()),
            host: line(match self.host {
                Some(named) if host.is_empty() => named,
                _ => host.to_owned(),
            }),
            title: line(self.title.unwrap_or_default()),
            body: RString::from(body),
            severity: code::severity(self.severity),
            kind: code::kind(self.kind),
            occurred_at_ms,
            attributes: attributes
                .map(|(key, value)| AttributeV1 {
                    key: line(key),
                    value: line(value),
                })
                .collect::<RVec<_>>(),
            extension_json: RString::new(),
        };
        Some(Rendered {
            message: RArc::new(message),
            note,
            severity: self.severity,
            kind: self.kind,
            suppressed_by: self
                .suppressed_by
                .map(|rule| cut(rule, MAX_LINE_LENGTH).into()),
            digest_of: None,
            to: self.to,
            is_dated,
            ignores_min_severity: false,
        })
    }
}

impl Rendered {
    /// Returns whether the notification is the recovery of a problem.
    pub(crate) fn ends_a_problem(&self) -> bool {
        self.kind == Kind::Recovery && !self.message.incident.is_empty()
    }

    /// Returns a copy whose body says that it is late.
    pub(crate) fn delayed_by(&self, delay: Duration) -> Self {
        let minutes = delay.as_secs() / 60;
        let delay = match (minutes / 60, minutes % 60) {
            (0, minutes) => format!("{minutes} min"),
            (hours, 0) => format!("{hours} h"),
            (hours, minutes) => format!("{hours} h {minutes} min"),
        };
        let message = NotificationV1 {
            body: format!("{}\n(delayed by {delay})", self.message.body).into(),
            ..NotificationV1::clone(&self.message)
        };
        Self {
            message: RArc::new(message),
            ..self.clone()
        }
    }

    /// Returns the JSON text of the notification for the store.
    pub(crate) fn to_content(&self) -> serde_json::Result<String> {
        let message = &self.message;
        let attributes = message.attributes.iter();
        serde_json::to_string(&StoredContent {
            id: message.id.to_string(),
            incident: message.incident.to_string(),
            host: message.host.to_string(),
            title: message.title.to_string(),
            body: message.body.to_string(),
            severity: self.severity.name().to_owned(),
            kind: self.kind.name().to_owned(),
            occurred_at_ms: message.occurred_at_ms,
            attributes: attributes
                .map(|one| (one.key.to_string(), one.value.to_string()))
                .collect(),
            note: self.note.clone(),
            digest_of: self.digest_of.as_deref().cloned(),
            to: self.to.clone(),
            is_dated: self.is_dated,
        })
    }

    /// Parses the JSON text that the store has. A severity or kind of a later version counts as the
    /// plainest.
    pub(crate) fn from_content(content: &str) -> serde_json::Result<Self> {
        let content: StoredContent = serde_json::from_str(content)?;
        let severity: Severity = content.severity.parse().unwrap_or_default();
        let kind = Kind::named(&content.kind).unwrap_or_default();
        let attributes = content.attributes.into_iter();
        let message = NotificationV1 {
            id: content.id.into(),
            incident: content.incident.into(),
            host: content.host.into(),
            title: content.title.into(),
            body: content.body.into(),
            severity: code::severity(severity),
            kind: code::kind(kind),
            occurred_at_ms: content.occurred_at_ms,
            attributes: attributes
                .map(|(key, value)| AttributeV1 {
                    key: key.into(),
                    value: value.into(),
                })
                .collect(),
            extension_json: RString::new(),
        };
        Ok(Self {
            message: RArc::new(message),
            note: content.note,
            severity,
            kind,
            suppressed_by: None,
            digest_of: content.digest_of.map(Box::new),
            to: content.to,
            is_dated: content.is_dated,
            ignores_min_severity: false,
        })
    }
}

fn cut(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let end = (0..=limit).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
    }
    text
}

/// The end of the year 9999, in milliseconds since the Unix epoch: the latest time that RFC 3339
/// can represent.
const MAX_DATE_MS: i64 = 253_402_300_799_999;

/// Returns a time in milliseconds since the Unix epoch. A time before 1970 or after 9999 counts as
/// the nearest one in between.
pub(crate) fn since_epoch(at: SystemTime) -> i64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    let ms = since.unwrap_or_default().as_millis();
    i64::try_from(ms).map_or(MAX_DATE_MS, |ms| ms.min(MAX_DATE_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_message_is_not_a_notification() {
        for text in ["", " ", "\r\n\t"] {
            assert!(Notification::from(text).render("h", 0).is_none());
        }
    }

    #[test]
    fn a_huge_message_is_cut_between_characters_and_says_so() {
        let rendered = Notification::new("ä".repeat(MAX_BODY_LENGTH))
            .render("h", 0)
            .unwrap();
        assert_eq!(rendered.message.body.len(), MAX_BODY_LENGTH);
        assert!(rendered.note.unwrap().contains("cut"));
    }

    #[test]
    fn the_host_of_the_call_comes_before_that_of_the_notification() {
        for (notified_host, host) in [("", "about"), ("told", "told")] {
            let notification = Notification::from("text").host("about");
            let rendered = notification.render(notified_host, 0).unwrap();
            assert_eq!(rendered.message.host, host);
        }
    }

    #[test]
    fn what_comes_late_says_by_how_much() {
        let rendered = Notification::from("disk full").render("", 0).unwrap();
        for (minutes, expected) in [(43, "43 min"), (60, "1 h"), (125, "2 h 5 min")] {
            let late = rendered.delayed_by(Duration::from_secs(minutes * 60 + 59));
            let expected = format!("disk full\n(delayed by {expected})");
            assert_eq!(late.message.body, expected);
        }
    }

    #[test]
    fn whenever_it_happened_a_date_can_be_written_of_it() {
        let epoch = SystemTime::UNIX_EPOCH;
        let day = Duration::from_secs(24 * 3600);
        let far = Duration::from_secs(400_000 * 365 * 24 * 3600);
        for (at, ms) in [
            (epoch - day, 0),
            (epoch + day, 86_400_000),
            (epoch + far, MAX_DATE_MS),
        ] {
            let rendered = Notification::from("x").occurred_at(at).render("", 5);
            assert_eq!(rendered.unwrap().message.occurred_at_ms, ms);
        }
    }

    #[test]
    fn any_character_is_kept() {
        let text = "a\0b\r\nc\u{202e}d\u{1f4a5}";
        let rendered = Notification::from(text).render("", 5).unwrap();
        assert_eq!(rendered.message.body, text);
        assert_eq!(rendered.message.occurred_at_ms, 5);
    }

    #[test]
    fn stored_content_comes_back_as_it_was() {
        let notification = Notification::new("a\0b\r\n\u{202e}\u{1f4a5}")
            .title("t")
            .severity(Severity::Critical)
            .kind(Kind::Recovery)
            .incident("i")
            .attribute("k", "v")
            .attribute("k", "w");
        let rendered = notification.render("h", 5).unwrap();
        let content = rendered.to_content().unwrap();
        let back = Rendered::from_content(&content).unwrap();
        assert_eq!(format!("{back:?}"), format!("{rendered:?}"));
    }

    #[test]
    fn content_of_a_later_version_can_be_sent() {
        let content =
            r#"{"id":"1","body":"b","severity":"awful","kind":"poem","occurred_at_ms":1,"x":{}}"#;
        let rendered = Rendered::from_content(content).unwrap();
        assert_eq!(
            (rendered.severity, rendered.kind),
            (Severity::Info, Kind::Message)
        );
    }

    #[test]
    fn messages_that_were_cut_from_other_lengths_are_not_the_same() {
        let content = |bytes| {
            let notification = Notification::new("x".repeat(bytes));
            notification.render("h", 5).unwrap().to_content().unwrap()
        };
        let without_id = |content: String| {
            let mut content: StoredContent = serde_json::from_str(&content).unwrap();
            content.id.clear();
            content
        };
        assert_eq!(without_id(content(2 << 20)), without_id(content(2 << 20)));
        assert_ne!(without_id(content(2 << 20)), without_id(content(3 << 20)));
    }
}
