//! The settings with a choice of values: how to connect, and how a post looks.

use annunciator_sdk::{Kind, Notification, Severity};
use schemars::JsonSchema;
use serde::Deserialize;

/// The scheme of the server's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// With encryption.
    Https,
    /// Without encryption, even of the token.
    Http,
}

impl Scheme {
    /// Returns the scheme as it is written in an address.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }
}

/// What happens to names with an at sign in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mentions {
    /// Names are shown, but notify nobody.
    #[default]
    Neutralise,
    /// Names notify people, including `@channel` and `@all`.
    Allow,
}

/// The priority with which a post is marked:
/// <https://docs.mattermost.com/collaborate/message-priority.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessagePriority {
    /// No mark.
    #[default]
    Standard,
    /// Marked as important.
    Important,
    /// Marked as urgent.
    Urgent,
}

impl MessagePriority {
    pub(crate) fn wire(self) -> Option<&'static str> {
        match self {
            Self::Standard => None,
            Self::Important => Some("important"),
            Self::Urgent => Some("urgent"),
        }
    }
}

/// The priorities of posts, by severity.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Priorities {
    /// The priority of `info`, which is good to know. Default: standard.
    pub info: MessagePriority,
    /// The priority of `warning`, which somebody should look at soon. Default: standard.
    pub warning: MessagePriority,
    /// The priority of `critical`, which somebody must look at now. Default: standard.
    pub critical: MessagePriority,
}

impl Priorities {
    pub(crate) fn of(&self, notification: &Notification) -> MessagePriority {
        match notification.severity() {
            Severity::Info => self.info,
            Severity::Warning => self.warning,
            Severity::Critical => self.critical,
        }
    }

    pub(crate) fn all(&self) -> [MessagePriority; 3] {
        [self.info, self.warning, self.critical]
    }
}

/// The colours of the bar beside a message, as `#rrggbb`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Colors {
    /// The colour of `info`, which is good to know. Default: blue.
    pub info: String,
    /// The colour of `warning`, which somebody should look at soon. Default: amber.
    pub warning: String,
    /// The colour of `critical`, which somebody must look at now. Default: red.
    pub critical: String,
    /// The colour of a recovery, the message that a problem is over. Default: green.
    pub recovery: String,
}

impl Default for Colors {
    fn default() -> Self {
        Self {
            info: "#2f81f7".to_owned(),
            warning: "#d9a400".to_owned(),
            critical: "#d24b4e".to_owned(),
            recovery: "#3db887".to_owned(),
        }
    }
}

impl Colors {
    pub(crate) fn of(&self, notification: &Notification) -> &str {
        match (notification.kind(), notification.severity()) {
            (Kind::Recovery, _) => &self.recovery,
            (_, Severity::Info) => &self.info,
            (_, Severity::Warning) => &self.warning,
            (_, Severity::Critical) => &self.critical,
        }
    }

    pub(crate) fn all(&self) -> [(&'static str, &str); 4] {
        [
            ("info", &self.info),
            ("warning", &self.warning),
            ("critical", &self.critical),
            ("recovery", &self.recovery),
        ]
    }
}
