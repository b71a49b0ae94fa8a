//! The circumstances of a message: its incident, its time, its attributes, and its
//! idempotency key.

use std::time::{Duration, SystemTime};

use annunciator::{Kind, Notification};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The latest time that can be written in every date format: the end of the year 9999, in
/// milliseconds since the Unix epoch.
pub(crate) const MAX_TIME_MS: i64 = 253_402_300_799_999;
/// Returns whether a time, in milliseconds since the Unix epoch, can be written in every date format.
pub(crate) fn is_written(ms: i64) -> bool {
    (0..=MAX_TIME_MS).contains(&ms)
}

/// The maximum length of a key, in bytes: that of the engine.
pub const MAX_KEY_LENGTH: usize = 512;
/// The maximum length of an incident's name, and of an attribute's name or value, in bytes.
/// The engine would truncate longer ones.
pub const MAX_TEXT_LENGTH: usize = 4096;
/// The maximum number of attributes: more would not reach a channel.
pub const MAX_ATTRIBUTES: usize = 64;

/// The position of a message in its incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// It reports a problem.
    Problem,
    /// It reports that the problem persists.
    Reminder,
    /// It reports the end of the problem.
    Recovery,
}

/// The circumstances of a message. None is set by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Circumstances {
    /// The position of the message in its incident.
    pub kind: Option<EventKind>,
    /// The incident that the message belongs to.
    pub incident: Option<String>,
    /// The idempotency key: messages with the same key are delivered once.
    pub key: Option<String>,
    /// Further facts, by name.
    pub attributes: Vec<(String, String)>,
    /// When the event happened, in milliseconds since the Unix epoch.
    pub occurred_at_ms: Option<i64>,
}

impl Circumstances {
    /// Returns whether none is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether the message reports the end of a problem.
    #[must_use]
    pub fn is_recovery(&self) -> bool {
        self.kind == Some(EventKind::Recovery)
    }

    /// Checks whether all circumstances can be delivered.
    ///
    /// # Errors
    /// Returns a sentence about what is wrong and how to correct it.
    pub fn check(&self) -> Result<(), String> {
        if let Some(incident) = &self.incident {
            check_incident(incident)?;
        }
        if let Some(key) = &self.key {
            check_key(key)?;
        }
        if matches!(self.kind, Some(EventKind::Recovery | EventKind::Reminder))
            && self.incident.is_none()
        {
            return Err("a recovery or a reminder needs --incident: the name under which the problem was reported".to_owned());
        }
        if !self.occurred_at_ms.is_none_or(is_written) {
            return Err("the time must be between 1970 and 9999".to_owned());
        }
        if self.attributes.len() > MAX_ATTRIBUTES {
            return Err(format!(
                "a message can have at most {MAX_ATTRIBUTES} attributes"
            ));
        }
        for (at, (name, value)) in self.attributes.iter().enumerate() {
            check_attribute(name, value)?;
            if self
                .attributes
                .iter()
                .take(at)
                .any(|(other, _)| other == name)
            {
                return Err(format!(
                    "the attribute `{}` is given twice",
                    name.escape_debug()
                ));
            }
        }
        Ok(())
    }

    /// Adds the circumstances to a notification.
    pub fn of(&self, notification: Notification) -> Notification {
        let mut notification = match self.kind {
            None => notification,
            Some(EventKind::Problem | EventKind::Reminder) => notification.kind(Kind::Problem),
            Some(EventKind::Recovery) => notification.kind(Kind::Recovery),
        };
        if let Some(incident) = &self.incident {
            notification = notification.incident(incident);
        }
        if let Some(key) = &self.key {
            notification = notification.key(key);
        }
        if let Some(ms) = self.occurred_at_ms {
            let since = Duration::from_millis(u64::try_from(ms).unwrap_or_default());
            let at = SystemTime::UNIX_EPOCH.checked_add(since);
            notification = notification.occurred_at(at.unwrap_or(SystemTime::UNIX_EPOCH));
        }
        let attributes = self.attributes.iter();
        attributes.fold(notification, |notification, (name, value)| {
            notification.attribute(name, value)
        })
    }
}

/// Checks the name of an incident.
///
/// # Errors
/// Returns a sentence about what is wrong.
pub fn check_incident(incident: &str) -> Result<(), String> {
    if incident.trim().is_empty() {
        return Err(
            "write the same name for a problem and its recovery, such as web-01/disk".to_owned(),
        );
    }
    bounded("the name of an incident", incident, MAX_TEXT_LENGTH)
}

/// Checks an idempotency key.
///
/// # Errors
/// Returns a sentence about what is wrong.
pub fn check_key(key: &str) -> Result<(), String> {
    if key.is_empty() {
        return Err(
            "write the same text for the same intent, such as backup/2026-11-22".to_owned(),
        );
    }
    bounded("a key", key, MAX_KEY_LENGTH)
}

/// Checks the name and the value of an attribute.
///
/// # Errors
/// Returns a sentence about what is wrong.
pub fn check_attribute(name: &str, value: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("write NAME=VALUE, such as path=/var".to_owned());
    }
    bounded("the name of an attribute", name, MAX_TEXT_LENGTH)?;
    bounded("the value of an attribute", value, MAX_TEXT_LENGTH)
}

fn bounded(what: &str, text: &str, most: usize) -> Result<(), String> {
    if text.len() > most {
        return Err(format!(
            "{what} can have at most {most} bytes, and this has {}",
            text.len()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(count: usize) -> Circumstances {
        let attributes = (0..count).map(|number| (format!("a{number}"), String::new()));
        Circumstances {
            attributes: attributes.collect(),
            ..Circumstances::default()
        }
    }

    #[test]
    fn what_the_engine_would_cut_is_refused() {
        let long = |length: usize| Some("x".repeat(length));
        let with_key = |key| Circumstances {
            key,
            ..Circumstances::default()
        };
        let of = |incident| Circumstances {
            incident,
            ..Circumstances::default()
        };
        let at = |ms| Circumstances {
            occurred_at_ms: Some(ms),
            ..Circumstances::default()
        };
        for (circumstances, is_sound) in [
            (at(-1), false),
            (at(0), true),
            (at(MAX_TIME_MS), true),
            (at(MAX_TIME_MS + 1), false),
            (Circumstances::default(), true),
            (attributes(MAX_ATTRIBUTES), true),
            (attributes(MAX_ATTRIBUTES + 1), false),
            (with_key(long(MAX_KEY_LENGTH)), true),
            (with_key(long(MAX_KEY_LENGTH + 1)), false),
            (with_key(long(0)), false),
            (of(long(MAX_TEXT_LENGTH)), true),
            (of(long(MAX_TEXT_LENGTH + 1)), false),
            (of(Some(" ".to_owned())), false),
        ] {
            assert_eq!(circumstances.check().is_ok(), is_sound, "{circumstances:?}");
        }
    }

    #[test]
    fn any_moment_can_be_printed() {
        for ms in [i64::MIN, -1, 0, 1, i64::MAX] {
            let circumstances = Circumstances {
                occurred_at_ms: Some(ms),
                ..Circumstances::default()
            };
            let _ = circumstances.of(Notification::new("x"));
        }
    }
}
