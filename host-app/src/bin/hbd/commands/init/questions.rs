//! What a channel of each type needs to know.

use crate::arguments::ChannelKind;

/// The values of settings, with the question that each answers, if it is a known one.
pub(super) type Settings = Vec<(String, String, Option<Question>)>;

/// What a setting's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// A text.
    Text,
    /// A text that nobody else may see.
    Secret,
    /// Several texts, with commas between.
    List,
}

/// When a setting is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Always,
    Never,
    /// If another setting has a value.
    With(&'static str),
}

/// A question about a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    /// The setting.
    pub(super) key: &'static str,
    /// What is asked.
    pub(super) text: &'static str,
    /// What the answer is.
    pub(super) value: Value,
    need: Need,
}

impl Question {
    const fn new(key: &'static str, text: &'static str) -> Self {
        Self {
            key,
            text,
            value: Value::Text,
            need: Need::Always,
        }
    }

    const fn secret(mut self) -> Self {
        self.value = Value::Secret;
        self
    }

    const fn list(mut self) -> Self {
        self.value = Value::List;
        self
    }

    const fn optional(mut self) -> Self {
        self.need = Need::Never;
        self
    }

    const fn with(mut self, other: &'static str) -> Self {
        self.need = Need::With(other);
        self
    }

    /// Returns whether the setting needs a value, after what is known.
    pub(super) fn is_needed(&self, known: &Settings) -> bool {
        match self.need {
            Need::Always => true,
            Need::Never => false,
            Need::With(other) => known.iter().any(|(key, ..)| key == other),
        }
    }

    /// Returns whether the question matters, after what is known.
    pub(super) fn matters(&self, known: &Settings) -> bool {
        self.need == Need::Never || self.is_needed(known)
    }
}

/// Returns the questions about a channel type, in order.
pub(super) fn of(kind: ChannelKind) -> &'static [Question] {
    match kind {
        ChannelKind::Email => &EMAIL,
        ChannelKind::Pushover => &PUSHOVER,
        ChannelKind::Signal => &SIGNAL,
        ChannelKind::Mattermost => &MATTERMOST,
        ChannelKind::Webhook => &WEBHOOK,
        ChannelKind::Exec => &EXEC,
    }
}

const EMAIL: [Question; 5] = [
    Question::new("smtp_server", "SMTP server, such as smtp.example.org"),
    Question::new("sender", "Sender, such as hbd@example.org"),
    Question::new("recipients", "Recipients, with commas between").list(),
    Question::new("smtp_user", "User at the server (empty for none)").optional(),
    Question::new("smtp_password", "Password of this user")
        .secret()
        .with("smtp_user"),
];
const PUSHOVER: [Question; 2] = [
    Question::new("token", "Token of your application at Pushover").secret(),
    Question::new("user", "Key of the user or the group").secret(),
];
const SIGNAL: [Question; 2] = [
    Question::new(
        "user",
        "Number of the account of signal-cli, such as +12025551234",
    ),
    Question::new("recipient", "Number of the recipient"),
];
const MATTERMOST: [Question; 3] = [
    Question::new("host", "Server, such as mattermost.example.org"),
    Question::new(
        "token",
        "Key of the incoming webhook: what stands behind /hooks/",
    )
    .secret(),
    Question::new("channel", "Channel, such as devops-alerts"),
];
const WEBHOOK: [Question; 1] =
    [Question::new("url", "Address to which messages are sent").secret()];
const EXEC: [Question; 2] = [
    Question::new("program", "Program, from /"),
    Question::new(
        "arguments",
        "Its arguments, with commas between (empty for none)",
    )
    .list()
    .optional(),
];
