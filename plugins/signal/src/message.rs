//! Composes the text of a message from a notification.
//!
//! Signal transports long texts by itself (as an attachment above 2,000 octets), so nothing is cut
//! here. Only control characters, which no text may contain, are removed.

use annunciator_sdk::Notification;

/// A text, and the length of its title if that is bold. It is in UTF-16 units, in which Signal
/// counts the ranges of styles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) bold: Option<usize>,
    pub(crate) notes: Vec<String>,
}

impl Text {
    /// Composes the text of a notification: its title, if it has one, and its body.
    pub(crate) fn of(notification: &Notification, styled: bool) -> Self {
        let body = clean(notification.body());
        let title = notification
            .title()
            .map(|title| clean(title).replace('\n', " "));
        let mut notes = Vec::new();
        let before = notification.body().replace("\r\n", "\n").chars().count();
        if body.chars().count() != before {
            notes.push("control characters were removed from the message".to_owned());
        }
        match title.filter(|title| !title.trim().is_empty()) {
            Some(title) => Self {
                bold: styled.then(|| title.encode_utf16().count()),
                text: format!("{title}\n\n{body}"),
                notes,
            },
            None => Self {
                text: body,
                bold: None,
                notes,
            },
        }
    }

    /// Returns the style in the form that signal-cli expects.
    pub(crate) fn style(&self) -> Option<String> {
        self.bold.map(|length| format!("0:{length}:BOLD"))
    }
}

fn clean(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}
