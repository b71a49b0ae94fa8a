//! The priority of a message, which decides how loud it is: <https://pushover.net/api#priority>.

use std::borrow::Cow;
use std::fmt;

use annunciator_sdk::{Kind, Notification, Severity};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// A priority, which the settings name by its number or its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Priority(i8);

impl Priority {
    /// The priority of a message that is repeated until somebody acknowledges it.
    pub const EMERGENCY: Self = Self(2);

    const NAMES: [(&str, i8); 5] = [
        ("lowest", -2),
        ("low", -1),
        ("normal", 0),
        ("high", 1),
        ("emergency", 2),
    ];

    /// Returns the service's number for the priority, from -2 to 2.
    #[must_use]
    pub fn number(self) -> i8 {
        self.0
    }

    fn from_number(number: i64) -> Option<Self> {
        let number = i8::try_from(number).ok()?;
        (-2..=2).contains(&number).then_some(Self(number))
    }

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let named = Self::NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text));
        match named {
            Some((_, number)) => Some(Self(*number)),
            None => text.parse().ok().and_then(Self::from_number),
        }
    }
}

impl<'de> Deserialize<'de> for Priority {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrName)
    }
}

struct NumberOrName;

impl Visitor<'_> for NumberOrName {
    type Value = Priority;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number from -2 to 2, or lowest, low, normal, high, emergency")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Priority, E> {
        Priority::from_text(text)
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Priority, E> {
        Priority::from_number(number)
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Priority, E> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl JsonSchema for Priority {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Priority".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // The type is text, so that `-1` and `low` are read alike.
        json_schema!({
            "type": "string",
            "enum": [
                "lowest", "low", "normal", "high", "emergency",
                "-2", "-1", "0", "1", "2"
            ],
        })
    }
}

/// The priorities of notifications, by their severity.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Priorities {
    /// The priority of `info`, which is good to know. Default: -1, without sound.
    pub info: Priority,
    /// The priority of `warning`, which somebody should look at soon. Default: 0.
    pub warning: Priority,
    /// The priority of `critical`, which somebody must look at now. Default: 1, which ignores the
    /// user's quiet hours.
    pub critical: Priority,
    /// The priority of a recovery, the message that a problem is over. Default: by its severity.
    pub recovery: Option<Priority>,
}

impl Default for Priorities {
    fn default() -> Self {
        Self {
            info: Priority(-1),
            warning: Priority(0),
            critical: Priority(1),
            recovery: None,
        }
    }
}

impl Priorities {
    /// Returns the priority of a notification.
    #[must_use]
    pub fn of(&self, notification: &Notification) -> Priority {
        if let (Kind::Recovery, Some(priority)) = (notification.kind(), self.recovery) {
            return priority;
        }
        self.of_severity(notification.severity())
    }

    /// Returns the priority of a message or a problem of this severity.
    #[must_use]
    pub fn of_severity(&self, severity: Severity) -> Priority {
        match severity {
            Severity::Info => self.info,
            Severity::Warning => self.warning,
            Severity::Critical => self.critical,
        }
    }

    /// Returns whether any notification can be an emergency.
    #[must_use]
    pub fn any_emergency(&self) -> bool {
        [self.info, self.warning, self.critical]
            .into_iter()
            .chain(self.recovery)
            .any(|priority| priority == Priority::EMERGENCY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_priority_is_a_number_a_word_or_a_quoted_number_it_is_read() {
        for (text, number) in [
            ("-2", -2),
            ("\"-1\"", -1),
            ("\"High\"", 1),
            ("2", 2),
            ("\"normal\"", 0),
        ] {
            let priority: Priority = serde_json::from_str(text).unwrap();
            assert_eq!(priority.number(), number, "{text}");
        }
        for text in ["3", "-3", "\"loud\"", "true", "1.5"] {
            let error = serde_json::from_str::<Priority>(text).unwrap_err();
            assert!(error.to_string().contains("from -2 to 2"), "{error}");
        }
    }
}
