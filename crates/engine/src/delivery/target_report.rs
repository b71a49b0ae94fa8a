//! The result for one target of a channel, as the provider returned it.
//!
//! Trusts nothing that a provider returns: unknown codes, empty or very long texts and control
//! characters all result in a report that can be printed.

use std::{fmt, time::Duration};

use annunciator_core::{code, outcome::OutcomeV1};
use annunciator_store::Attempt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    event::{Proof, code::proof},
    line::printable,
};

const MAX_NOTES: usize = 20;
/// The name of a target that the provider does not name.
pub(super) const ALL_TARGETS: &str = "all targets";

/// The outcome of a delivery to one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The remote accepted it.
    Delivered,
    /// Not delivered; the same attempt may succeed later.
    Retry,
    /// Not delivered, and a further attempt cannot succeed until somebody changes something.
    Permanent,
    /// The message was or may have been sent, but no answer was read. Outcomes that only a later
    /// version of the engine knows are read as this.
    #[serde(other)]
    Unknown,
}

/// In words, such as "not delivered for now".
impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Delivered => "delivered",
            Self::Retry => "not delivered for now",
            Self::Permanent => "not delivered",
            Self::Unknown => "unknown whether it was delivered",
        })
    }
}

/// Whose fault a failure is: who has to act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Fault {
    /// The operator, in the configuration.
    Config,
    /// The sender: the remote rejects this particular message.
    Message,
    /// This particular recipient.
    Recipient,
    /// The network between this host and the remote.
    Network,
    /// The remote service.
    Remote,
    /// The plugin.
    Plugin,
    /// This program.
    Host,
    /// Nobody in particular, or a party that only a later version of the engine knows.
    #[serde(other)]
    None,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "nobody",
            Self::Config => "configuration",
            Self::Message => "message",
            Self::Recipient => "recipient",
            Self::Network => "network",
            Self::Remote => "remote service",
            Self::Plugin => "plugin",
            Self::Host => "this program",
        })
    }
}

/// The result for one target of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TargetReport {
    /// The name of the target: a recipient, a device or a room.
    pub target: String,
    /// The outcome.
    pub class: Class,
    /// Whose fault a failure was.
    pub fault: Fault,
    /// How much the delivery proves; `None` if it was not delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The remote's identifier of the message.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remote_id: String,
    /// The remote's code, such as `550 5.1.1`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// What happened, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// How long the remote asked to wait before the next attempt (`Retry-After`).
    #[serde(
        default,
        rename = "retry_after_ms",
        serialize_with = "milliseconds",
        deserialize_with = "from_milliseconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub retry_after: Option<Duration>,
    /// Further remarks, for example that a text was truncated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn milliseconds<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration
        .map(|duration| duration.as_millis())
        .serialize(serializer)
}

fn from_milliseconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let milliseconds = Option::<u64>::deserialize(deserializer)?;
    Ok(milliseconds.map(Duration::from_millis))
}

impl TargetReport {
    /// Returns the results of the targets from the record of an attempt. Results that cannot be
    /// read are left out.
    #[must_use]
    pub fn of_attempt(attempt: &Attempt) -> Vec<Self> {
        let targets: Vec<serde_json::Value> =
            serde_json::from_str(&attempt.outcome).unwrap_or_default();
        let targets = targets.into_iter();
        targets
            .filter_map(|target| serde_json::from_value(target).ok())
            .collect()
    }
}

impl fmt::Display for TargetReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.target, self.class)?;
        if !self.code.is_empty() {
            write!(f, " ({})", self.code)?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

/// Returns the report of one target.
pub(super) fn classify(raw: OutcomeV1) -> TargetReport {
    let known = match raw.class {
        code::OutcomeClass::DELIVERED => Some(Class::Delivered),
        code::OutcomeClass::RETRY => Some(Class::Retry),
        code::OutcomeClass::PERMANENT => Some(Class::Permanent),
        code::OutcomeClass::UNKNOWN => Some(Class::Unknown),
        _ => None,
    };
    let class = known.unwrap_or(Class::Unknown);
    let mut detail = printable(&raw.detail);
    if known.is_none() {
        let text = if detail.is_empty() {
            String::new()
        } else {
            format!(" ({detail})")
        };
        detail = format!(
            "the plugin answered with the unknown outcome {}{text}",
            raw.class.0
        );
    } else if detail.is_empty() && class != Class::Delivered {
        "the plugin gave no reason".clone_into(&mut detail);
    }
    let fault = match known {
        None => Fault::Plugin,
        Some(Class::Delivered) => Fault::None,
        Some(_) => fault(raw.fault),
    };
    TargetReport {
        target: match printable(&raw.target) {
            empty if empty.is_empty() => ALL_TARGETS.to_owned(),
            target => target,
        },
        class,
        fault,
        proof: (class == Class::Delivered).then(|| proof(raw.proof)),
        remote_id: printable(&raw.remote_id),
        code: printable(&raw.code),
        detail,
        hint: printable(&raw.hint),
        retry_after: u64::try_from(raw.retry_after_ms)
            .ok()
            .map(Duration::from_millis),
        notes: raw
            .notes
            .iter()
            .take(MAX_NOTES)
            .map(|note| printable(note))
            .collect(),
    }
}

pub(super) fn fault(raw: code::Fault) -> Fault {
    match raw {
        code::Fault::CONFIG => Fault::Config,
        code::Fault::MESSAGE => Fault::Message,
        code::Fault::RECIPIENT => Fault::Recipient,
        code::Fault::NETWORK => Fault::Network,
        code::Fault::REMOTE => Fault::Remote,
        code::Fault::HOST => Fault::Host,
        code::Fault::NONE => Fault::None,
        _ => Fault::Plugin,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::attempt::outcome, *};

    #[test]
    fn what_a_later_version_recorded_of_a_target_is_read() {
        let attempt = Attempt {
            began_ms: 0,
            ended_ms: 1,
            outcome: r#"[{"target":"a","class":"permanent","fault":"weather","x":1},
                {"target":"b","class":"awful","fault":"none"}]"#
                .to_owned(),
        };
        let read = TargetReport::of_attempt(&attempt);
        let read: Vec<_> = read
            .iter()
            .map(|target| (&*target.target, target.class, target.fault))
            .collect();
        let expected = [
            ("a", Class::Permanent, Fault::None),
            ("b", Class::Unknown, Fault::None),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn an_outcome_from_the_future_is_unknown_and_names_the_plugin() {
        let report = classify(outcome(
            code::OutcomeClass(99),
            code::Fault(99),
            String::new(),
        ));
        assert_eq!(
            (report.class, report.fault),
            (Class::Unknown, Fault::Plugin)
        );
        assert!(report.detail.contains("99"), "{}", report.detail);
    }

    #[test]
    fn nothing_a_remote_says_disturbs_a_line() {
        let text = format!("550 no\r\n\u{1b}[31m\u{202e}{}", "x".repeat(5000));
        let report = classify(outcome(
            code::OutcomeClass::PERMANENT,
            code::Fault::REMOTE,
            text,
        ));
        assert!(!report.detail.contains(char::is_control));
        assert!(!report.detail.contains('\u{202e}'));
        assert!(report.detail.chars().count() < 1100);
    }

    #[test]
    fn a_failure_without_a_reason_says_so() {
        let report = classify(outcome(
            code::OutcomeClass::RETRY,
            code::Fault::NETWORK,
            " ".to_owned(),
        ));
        assert_eq!(report.detail, "the plugin gave no reason");
        assert_eq!(report.target, "all targets");
    }
}
