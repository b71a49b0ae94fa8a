//! The settings that are choices: how to connect, how a post looks.

use annunciator_sdk::{Kind, Notification, Severity};
use schemars::JsonSchema;
use serde::Deserialize;

/// How to reach the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Encrypted.
    Https,
    /// In clear, the token too.
    Http,
}

impl Scheme {
    /// As in an address.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }
}

/// What becomes of names with an at sign in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mentions {
    /// They are shown, but notify nobody.
    #[default]
    Neutralise,
    /// They notify, `@channel` and `@all` too.
    Allow,
}

/// How a post is marked:
/// <https://docs.mattermost.com/collaborate/message-priority.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessagePriority {
    /// Not at all.
    #[default]
    Standard,
    /// As important.
    Important,
    /// As urgent.
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

/// Which mark a post has, by severity.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Priorities {
    /// Of what is good to know.
    pub info: MessagePriority,
    /// Of what somebody should look at soon.
    pub warning: MessagePriority,
    /// Of what somebody must look at now.
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
    /// Of what is good to know. Default: blue.
    pub info: String,
    /// Of what somebody should look at soon. Default: amber.
    pub warning: String,
    /// Of what somebody must look at now. Default: red.
    pub critical: String,
    /// Of the message that all is well again. Default: green.
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
