//! A notification as a store keeps it: JSON, so that a person can read it, and
//! a later version too.

use annunciator_core::{
    ffi::{RArc, RString},
    message::{AttributeV1, NotificationV1},
};
use serde::{Deserialize, Serialize};

use super::{
    notification::Rendered,
    severity::{Kind, Severity},
};

/// What is kept. Empty texts are left out, and unknown members are ignored.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    incident: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    host: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    title: String,
    body: String,
    severity: String,
    kind: String,
    occurred_at_ms: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sums_up: Option<SumsUp>,
    /// The channels that were named, where channels were and not a host; those of
    /// earlier versions don't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Vec<String>>,
    /// Whether the caller said when it happened; those of earlier versions don't say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_dated: bool,
}

/// In what two notifications with one idempotency key differ, of all that their
/// content says to a receiver. A time that no caller gave is that of the call, and
/// differs with each: it makes no other notification. Attributes are the same in any
/// order. Forms of other programs are compared as they are.
pub(crate) fn differences(first: &str, again: &str) -> Vec<&'static str> {
    let read = |content| serde_json::from_str::<Content>(content).ok();
    let (Some(one), Some(other)) = (read(first), read(again)) else {
        return if first == again {
            vec![]
        } else {
            vec!["content"]
        };
    };
    let is_to_same = one.to.is_none() || other.to.is_none() || one.to == other.to;
    let is_undated = !one.is_dated && !other.is_dated;
    let sorted = |mut attributes: Vec<(String, String)>| {
        attributes.sort_unstable();
        attributes
    };
    // Of what was cut, receivers see how much it was.
    let is_same_message = one.body == other.body && one.note == other.note;
    [
        ("message", is_same_message),
        ("title", one.title == other.title),
        ("route", is_to_same),
        (
            "time of occurrence",
            is_undated || one.occurred_at_ms == other.occurred_at_ms,
        ),
        (
            "attributes",
            sorted(one.attributes) == sorted(other.attributes),
        ),
    ]
    .into_iter()
    .filter_map(|(what, is_same)| (!is_same).then_some(what))
    .collect()
}

/// What a digest sums up: what a rule kept back from its channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SumsUp {
    /// The rule's name.
    pub(crate) rule: String,
}

/// What a kept notification says, for people who look at deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wording {
    /// One line above the message; empty for none.
    pub title: String,
    /// The message.
    pub body: String,
    /// Where in its incident it stands.
    pub kind: Kind,
    /// When it happened, in milliseconds since the Unix epoch.
    pub occurred_at_ms: i64,
    /// What else is known, by name.
    pub attributes: Vec<(String, String)>,
}

impl Wording {
    /// From what was kept; `None` when that is not of this engine's form.
    pub(crate) fn of(content: &str) -> Option<Self> {
        let content: Content = serde_json::from_str(content).ok()?;
        Some(Self {
            kind: Kind::named(&content.kind).unwrap_or_default(),
            title: content.title,
            body: content.body,
            occurred_at_ms: content.occurred_at_ms,
            attributes: content.attributes,
        })
    }
}

impl Rendered {
    /// As it is kept.
    pub(crate) fn to_content(&self) -> serde_json::Result<String> {
        let message = &self.message;
        let attributes = message.attributes.iter();
        serde_json::to_string(&Content {
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
            sums_up: self.sums_up.as_deref().cloned(),
            to: self.to.clone(),
            is_dated: self.is_dated,
        })
    }

    /// From what was kept. A severity or kind of a later version counts as the
    /// plainest.
    pub(crate) fn from_content(content: &str) -> serde_json::Result<Self> {
        let content: Content = serde_json::from_str(content)?;
        let severity: Severity = content.severity.parse().unwrap_or_default();
        let kind = Kind::named(&content.kind).unwrap_or_default();
        let attributes = content.attributes.into_iter();
        let message = NotificationV1 {
            id: content.id.into(),
            incident: content.incident.into(),
            host: content.host.into(),
            title: content.title.into(),
            body: content.body.into(),
            severity: severity.code(),
            kind: kind.code(),
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
            kept_back: None,
            sums_up: content.sums_up.map(Box::new),
            to: content.to,
            is_dated: content.is_dated,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Notification;

    #[test]
    fn what_was_kept_comes_back_as_it_was() {
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
    fn all_that_a_receiver_sees_makes_a_difference() {
        let one = || Notification::new("b").title("t").attribute("k", "v");
        let content = |one: Notification| one.render("h", 5).unwrap().to_content().unwrap();
        let long = |bytes| Notification::new("x".repeat(bytes));
        for (first, again, expected) in [
            (one(), one(), &[][..]),
            (
                one(),
                Notification::new("c").title("t").attribute("k", "v"),
                &["message"],
            ),
            (one(), one().title("u"), &["title"]),
            (one(), one().attribute("k", "w"), &["attributes"]),
            // Each is cut to the same length, and a note says from which.
            (long(2 << 20), long(2 << 20), &[]),
            (long(2 << 20), long(3 << 20), &["message"]),
            (long(1 << 20), long((1 << 20) + 1), &["message"]),
        ] {
            assert_eq!(differences(&content(first), &content(again)), expected);
        }
    }

    #[test]
    fn what_was_kept_can_be_read() {
        let notification = Notification::new("b\n\u{202e}").attribute("k", "v");
        let rendered = notification.title("t").render("h", 5).unwrap();
        let wording = Wording::of(&rendered.to_content().unwrap()).unwrap();
        assert_eq!(
            (wording.title.as_str(), wording.body.as_str()),
            ("t", "b\n\u{202e}")
        );
        assert_eq!(wording.attributes, [("k".to_owned(), "v".to_owned())]);
        assert_eq!((wording.kind, wording.occurred_at_ms), (Kind::Message, 5));
        assert_eq!(Wording::of("a form of another program"), None);
    }

    #[test]
    fn what_a_later_version_kept_can_be_told() {
        let content =
            r#"{"id":"1","body":"b","severity":"awful","kind":"poem","occurred_at_ms":1,"x":{}}"#;
        let rendered = Rendered::from_content(content).unwrap();
        assert_eq!(
            (rendered.severity, rendered.kind),
            (Severity::Info, Kind::Message)
        );
    }
}
