//! A `send` as both the command line and the daemon understand it, and what signal-cli refuses in
//! it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// A call of `send`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    /// The sending account.
    pub account: Option<String>,
    /// The recipients: numbers, account IDs, `PNI:` IDs and `u:` names.
    pub recipients: Vec<String>,
    /// The group IDs, in base64.
    pub groups: Vec<String>,
    /// The usernames or links.
    pub usernames: Vec<String>,
    /// Whether the message goes to the sender itself.
    pub note_to_self: bool,
    /// Whether the sender's own devices are notified.
    pub notify_self: bool,
    /// Whether the message is sent without a push.
    pub no_urgent: bool,
    /// The text.
    pub message: String,
    /// The ranges of style, `start:length:STYLE` in UTF-16 units.
    pub text_styles: Vec<String>,
}

impl Send {
    /// Returns why signal-cli refuses the call, if it does; each reason is a user error.
    pub(crate) fn refusal(&self) -> Option<String> {
        if self.message.is_empty() {
            return Some("Sending empty message is not allowed".to_owned());
        }
        let nobody = self.recipients.is_empty()
            && self.groups.is_empty()
            && self.usernames.is_empty()
            && !self.note_to_self;
        if nobody {
            return Some("No recipients given".to_owned());
        }
        for recipient in &self.recipients {
            if !is_recipient(recipient) {
                return Some(format!("Invalid phone number: {recipient}"));
            }
        }
        for group in &self.groups {
            if STANDARD.decode(group).is_err() {
                return Some(format!("Invalid group id: {group}"));
            }
        }
        let units = self.message.encode_utf16().count();
        self.text_styles
            .iter()
            .find(|style| !is_style(style, units))
            .map(|style| format!("Invalid text style: {style}"))
    }
}

/// Returns whether a text is a number in E.164, an account ID, a phone number ID or a username.
fn is_recipient(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix('+') {
        return (3..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    }
    if let Some(name) = text.strip_prefix("u:") {
        return name.contains('.');
    }
    is_uuid(text.strip_prefix("PNI:").unwrap_or(text))
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

fn is_style(style: &str, units: usize) -> bool {
    let parts: Vec<&str> = style.split(':').collect();
    let [start, length, name] = parts.as_slice() else {
        return false;
    };
    let (Ok(start), Ok(length)) = (start.parse::<usize>(), length.parse::<usize>()) else {
        return false;
    };
    let known = ["BOLD", "ITALIC", "SPOILER", "STRIKETHROUGH", "MONOSPACE"];
    known.contains(name) && start + length <= units
}
