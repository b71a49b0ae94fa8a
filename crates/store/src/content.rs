//! The stored form of a notification: JSON, so that a person and a later version can read it.

use serde::{Deserialize, Serialize};

use crate::Kind;

/// A notification as an engine stores it: the JSON text of an intake's
/// [`content`](crate::Intake::content). Empty texts are omitted and unknown members are ignored,
/// so that an engine can read what an earlier or a later version wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredContent {
    /// The notification's ID, which is unique.
    pub id: String,
    /// The incident; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub incident: String,
    /// The host that the notification is about; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// The title, one line above the message; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The message.
    pub body: String,
    /// The severity's name, such as `warning`.
    pub severity: String,
    /// The kind's name, such as `problem`.
    pub kind: String,
    /// When it happened, in milliseconds since the Unix epoch.
    pub occurred_at_ms: i64,
    /// Further facts, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<(String, String)>,
    /// A note on what was cut from the notification when it was accepted, for the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What the notification reports, if it is a digest. Before the first release, it was stored as
    /// `sums_up`, which is not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_of: Option<DigestSource>,
    /// The channels that the caller named, if it named channels and not a host. Absent in the
    /// content of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Vec<String>>,
    /// Whether the caller gave the time of the event. Absent in the content of earlier versions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_dated: bool,
}

/// Returns the parts in which two notifications with one idempotency key differ, of what
/// receivers see. The time is compared only if the caller gave it, since otherwise it is the time
/// of the call, which differs each time. The order of attributes does not matter. Contents that
/// no engine wrote are compared as text.
pub(crate) fn differences(first: &str, again: &str) -> Vec<&'static str> {
    let read = |content| serde_json::from_str::<StoredContent>(content).ok();
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
    // Receivers see how much of a message was cut, so that the notes are compared too.
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

/// What a digest reports: deliveries that a rule suppressed on its channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestSource {
    /// The rule's name.
    pub rule: String,
}

/// The text of a stored notification, for people who look at deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageText {
    /// The title, one line above the message; empty for none.
    pub title: String,
    /// The message.
    pub body: String,
    /// The notification's place in its incident.
    pub kind: Kind,
    /// When it happened, in milliseconds since the Unix epoch.
    pub occurred_at_ms: i64,
    /// Further facts, by name.
    pub attributes: Vec<(String, String)>,
}

impl MessageText {
    /// Returns what the message is about in one line: its title, or else the first line of its
    /// text.
    #[must_use]
    pub fn subject(&self) -> &str {
        let title = Some(self.title.trim()).filter(|title| !title.is_empty());
        title.unwrap_or_else(|| self.body.trim().lines().next().unwrap_or_default())
    }

    /// Reads stored content; `None` if no engine wrote it.
    #[must_use]
    pub fn of(content: &str) -> Option<Self> {
        let content: StoredContent = serde_json::from_str(content).ok()?;
        Some(Self {
            kind: Kind::named(&content.kind).unwrap_or_default(),
            title: content.title,
            body: content.body,
            occurred_at_ms: content.occurred_at_ms,
            attributes: content.attributes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> StoredContent {
        StoredContent {
            id: "1".to_owned(),
            incident: String::new(),
            host: "h".to_owned(),
            title: "t".to_owned(),
            body: "b".to_owned(),
            severity: "info".to_owned(),
            kind: "message".to_owned(),
            occurred_at_ms: 5,
            attributes: vec![("k".to_owned(), "v".to_owned())],
            note: None,
            digest_of: None,
            to: None,
            is_dated: false,
        }
    }

    fn json(content: &StoredContent) -> String {
        serde_json::to_string(content).unwrap()
    }

    #[test]
    fn all_that_a_receiver_sees_makes_a_difference() {
        let one = content;
        let attributes = |of: &[(&str, &str)]| {
            let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
            of.iter().map(owned).collect()
        };
        for (first, again, expected) in [
            (one(), one(), &[][..]),
            (
                one(),
                StoredContent {
                    id: "2".to_owned(),
                    ..one()
                },
                &[],
            ),
            (
                one(),
                StoredContent {
                    body: "c".to_owned(),
                    ..one()
                },
                &["message"],
            ),
            (
                one(),
                StoredContent {
                    title: "u".to_owned(),
                    ..one()
                },
                &["title"],
            ),
            (
                one(),
                StoredContent {
                    attributes: attributes(&[("k", "w")]),
                    ..one()
                },
                &["attributes"],
            ),
            // The order does not matter.
            (
                StoredContent {
                    attributes: attributes(&[("k", "v"), ("l", "w")]),
                    ..one()
                },
                StoredContent {
                    attributes: attributes(&[("l", "w"), ("k", "v")]),
                    ..one()
                },
                &[],
            ),
            // Each was cut to the same length, and a note says from which one.
            (
                one(),
                StoredContent {
                    note: Some("cut from 2".to_owned()),
                    ..one()
                },
                &["message"],
            ),
            // Without a time from the caller, it is the time of the call.
            (
                one(),
                StoredContent {
                    occurred_at_ms: 6,
                    ..one()
                },
                &[],
            ),
            (
                one(),
                StoredContent {
                    occurred_at_ms: 6,
                    is_dated: true,
                    ..one()
                },
                &["time of occurrence"],
            ),
            // If one of the two does not name its channels, they are not compared.
            (
                one(),
                StoredContent {
                    to: Some(vec!["a".to_owned()]),
                    ..one()
                },
                &[],
            ),
            (
                StoredContent {
                    to: Some(vec!["b".to_owned()]),
                    ..one()
                },
                StoredContent {
                    to: Some(vec!["a".to_owned()]),
                    ..one()
                },
                &["route"],
            ),
        ] {
            assert_eq!(differences(&json(&first), &json(&again)), expected);
        }
    }

    #[test]
    fn forms_of_other_programs_are_compared_as_they_are() {
        assert!(differences("one", "one").is_empty());
        assert_eq!(differences("one", "two"), ["content"]);
        assert_eq!(differences(&json(&content()), "two"), ["content"]);
    }

    #[test]
    fn what_was_kept_can_be_read() {
        let kept = StoredContent {
            body: "b\n\u{202e}".to_owned(),
            ..content()
        };
        let wording = MessageText::of(&json(&kept)).unwrap();
        assert_eq!(
            (wording.title.as_str(), wording.body.as_str()),
            ("t", "b\n\u{202e}")
        );
        assert_eq!(wording.attributes, [("k".to_owned(), "v".to_owned())]);
        assert_eq!((wording.kind, wording.occurred_at_ms), (Kind::Message, 5));
        assert_eq!(MessageText::of("a form of another program"), None);
    }
}
