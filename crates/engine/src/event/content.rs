//! Serializes notifications for the store, and reads them back.

use annunciator_core::{
    ffi::{RArc, RString},
    message::{AttributeV1, NotificationV1},
};
use annunciator_store::{Kind, Severity, StoredContent};

use super::{code, notification::Rendered};

impl Rendered {
    /// Returns the JSON text that the store has of it.
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
            sums_up: self.sums_up.as_deref().cloned(),
            to: self.to.clone(),
            is_dated: self.is_dated,
        })
    }

    /// Reads the JSON text that the store has of it. A severity or kind of a later version
    /// counts as the plainest.
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
