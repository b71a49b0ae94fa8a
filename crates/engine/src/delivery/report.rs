//! The report of a notification: a bool per channel, with the results of each target behind it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use crate::event::Proof;
use annunciator_store::{Attempt, State, Step};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The result of a delivery to one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The remote took it.
    Delivered,
    /// Not delivered; the same attempt may well succeed later.
    Retry,
    /// Not delivered, and never will be until somebody changes something.
    Permanent,
    /// It was sent, or perhaps was, and no answer was read.
    Unknown,
}

/// Whose fault a failure is: who has to do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Fault {
    /// Nobody in particular.
    None,
    /// The operator, in the configuration.
    Config,
    /// The sender: the remote does not take this very message.
    Message,
    /// This one recipient.
    Recipient,
    /// The network between here and the remote.
    Network,
    /// The remote service.
    Remote,
    /// The plugin.
    Plugin,
    /// This program.
    Host,
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
    /// The target: a recipient, a device, a room.
    pub target: String,
    /// What became of it.
    pub class: Class,
    /// Whose fault a failure was.
    pub fault: Fault,
    /// How much a delivery proves; nothing when it was not delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The remote's own name for what it took.
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
    /// Further notes, such as that a text was cut.
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
    /// Reads what the targets answered from the record of an attempt; those that cannot
    /// be read are left out.
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
        write!(f, "{}: ", self.target)?;
        match self.class {
            Class::Delivered => write!(f, "delivered")?,
            Class::Retry => write!(f, "not delivered for now")?,
            Class::Permanent => write!(f, "not delivered")?,
            Class::Unknown => write!(f, "unknown whether it was delivered")?,
        }
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

/// Which step of which group a channel was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepReport {
    /// The group.
    pub group: String,
    /// Its number: 1 for the first.
    pub number: u32,
}

impl StepReport {
    pub(super) fn of(step: &Step) -> Self {
        Self {
            group: step.group.to_string(),
            number: step.number,
        }
    }
}

/// The report of a notification on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChannelReport {
    /// The channel's name.
    #[serde(skip)]
    pub channel: String,
    /// The channel's type.
    #[serde(rename = "type")]
    pub channel_type: String,
    /// Whether every target was delivered.
    pub delivered: bool,
    /// Its state so far.
    pub state: State,
    /// Where it is a step of a group, of which one may be enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<StepReport>,
    /// How many attempts were made.
    pub attempts: u32,
    /// How long it took.
    #[serde(rename = "duration_ms", serialize_with = "duration_milliseconds")]
    pub duration: Duration,
    /// What each target answered.
    pub targets: Vec<TargetReport>,
}

fn duration_milliseconds<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.as_millis().serialize(serializer)
}

impl ChannelReport {
    /// Returns the targets that were not delivered.
    pub fn failures(&self) -> impl Iterator<Item = &TargetReport> {
        self.targets
            .iter()
            .filter(|target| target.class != Class::Delivered)
    }
}

/// The report of a notification: one result per channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    results: BTreeMap<String, bool>,
    channels: BTreeMap<String, ChannelReport>,
}

impl Report {
    pub(crate) fn new(reports: impl IntoIterator<Item = ChannelReport>) -> Self {
        let channels: BTreeMap<_, _> = reports
            .into_iter()
            .map(|report| (report.channel.clone(), report))
            .collect();
        let results = channels
            .iter()
            .map(|(name, report)| (name.clone(), report.delivered))
            .collect();
        Self { results, channels }
    }

    /// Returns a bool per channel: whether every target of it was delivered.
    #[must_use]
    pub fn results(&self) -> &BTreeMap<String, bool> {
        &self.results
    }

    /// Returns the reports behind the bools, by channel.
    #[must_use]
    pub fn channels(&self) -> &BTreeMap<String, ChannelReport> {
        &self.channels
    }

    /// Returns whether every channel was delivered, and of each group one; `false` where there
    /// was no channel.
    #[must_use]
    pub fn all_delivered(&self) -> bool {
        let group = |report: &ChannelReport| report.step.as_ref().map(|step| step.group.clone());
        let delivered_groups = self.channels.values().filter(|report| report.delivered);
        let delivered_groups: BTreeSet<String> = delivered_groups.filter_map(group).collect();
        let enough = |report: &ChannelReport| {
            report.delivered || group(report).is_some_and(|group| delivered_groups.contains(&group))
        };
        !self.is_empty() && self.channels.values().all(enough)
    }

    /// Returns whether there was no channel to notify.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.results.is_empty()
    }
}
