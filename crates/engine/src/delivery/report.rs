//! The report of a notification: a bool for each channel, and the results of each target.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use annunciator_core::{code, outcome::OutcomeV1};
use annunciator_store::{AcceptedDelivery, State, Step};
use serde::{Serialize, Serializer};

use super::target_report::{ALL_TARGETS, Class, Fault, TargetReport, classify, fault};
use crate::{config::ChannelConfig, event::Rendered, line::printable};

/// Targets beyond this many are left out of a report, which says how many.
const MAX_TARGETS: usize = 10_000;

/// The reason why a channel has no provider.
#[derive(Debug, Clone)]
pub(crate) struct Disabled {
    pub(crate) fault: code::Fault,
    pub(crate) detail: String,
    pub(crate) hint: String,
}

impl Disabled {
    /// Returns the reason in one sentence.
    pub(crate) fn sentence(&self) -> String {
        format!("the channel is disabled: {}", self.detail)
    }
}

/// A step of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepReport {
    /// The name of the group.
    pub group: String,
    /// The number of the step, from 1.
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

/// The result of a notification on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChannelReport {
    /// The name of the channel.
    #[serde(skip)]
    pub channel: String,
    /// The type of the channel.
    #[serde(rename = "type")]
    pub channel_type: String,
    /// Whether every target was delivered.
    pub delivered: bool,
    /// The state of the delivery so far.
    pub state: State,
    /// The step of its group, if it is one; a single step may be enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<StepReport>,
    /// The number of attempts that were made.
    pub attempts: u32,
    /// The time from acceptance to the outcome.
    #[serde(rename = "duration_ms", serialize_with = "duration_milliseconds")]
    pub duration: Duration,
    /// The result for each target.
    pub targets: Vec<TargetReport>,
}

fn duration_milliseconds<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.as_millis().serialize(serializer)
}

impl ChannelReport {
    /// Returns the results of the targets that were not delivered.
    pub fn failures(&self) -> impl Iterator<Item = &TargetReport> {
        self.targets
            .iter()
            .filter(|target| target.class != Class::Delivered)
    }

    /// Returns the report of an attempt that began at `start`, from the provider's outcome for each
    /// target.
    pub(super) fn of_outcomes(
        config: &ChannelConfig,
        rendered: &Rendered,
        outcomes: Vec<OutcomeV1>,
        start: Instant,
    ) -> Self {
        let total = outcomes.len();
        let all_delivered = outcomes
            .iter()
            .all(|outcome| outcome.class == code::OutcomeClass::DELIVERED);
        let mut targets: Vec<_> = outcomes
            .into_iter()
            .take(MAX_TARGETS)
            .map(classify)
            .collect();
        if let (Some(note), Some(first)) = (&rendered.note, targets.first_mut()) {
            first.notes.push(note.clone());
        }
        if let (Some(first), true) = (targets.first_mut(), total > MAX_TARGETS) {
            first.notes.push(format!(
                "{} more outcomes are not shown",
                total - MAX_TARGETS
            ));
        }
        let unknown = targets.iter().any(|target| target.class == Class::Unknown);
        Self {
            channel: config.name().to_owned(),
            channel_type: config.channel_type().to_owned(),
            delivered: all_delivered,
            state: match all_delivered {
                true => State::Delivered,
                false if unknown => State::Unknown,
                false => State::Failed,
            },
            step: None,
            attempts: 1,
            duration: start.elapsed(),
            targets,
        }
    }

    /// Returns the report of a delivery in this state for which no attempt was made.
    pub(super) fn without_attempt(channel: &str, channel_type: &str, state: State) -> Self {
        let (class, detail) = match state {
            State::Pending => (Class::Retry, "it waits to be delivered"),
            State::InFlight => (
                Class::Unknown,
                "the engine was shut down before an answer came",
            ),
            State::Superseded => (Class::Permanent, "it need not be sent any more"),
            State::Suppressed => (Class::Permanent, "a rule suppresses it"),
            State::Expired => (Class::Permanent, "its time to live has passed"),
            State::Unknown => (Class::Unknown, "it was sent before, without an answer"),
            State::Delivered | State::Failed => (Class::Permanent, "it has ended"),
        };
        let target = TargetReport {
            target: ALL_TARGETS.to_owned(),
            class,
            fault: Fault::None,
            proof: None,
            remote_id: String::new(),
            code: String::new(),
            detail: detail.to_owned(),
            hint: String::new(),
            retry_after: None,
            notes: Vec::new(),
        };
        Self {
            channel: channel.to_owned(),
            channel_type: channel_type.to_owned(),
            delivered: false,
            state,
            step: None,
            attempts: 0,
            duration: Duration::ZERO,
            targets: vec![target],
        }
    }

    /// Returns the same report while one more attempt is under way.
    pub(super) fn with_attempt_under_way(mut self) -> Self {
        self.state = State::InFlight;
        self.attempts += 1;
        let is_open = |target: &&mut TargetReport| target.class == Class::Retry;
        for target in self.targets.iter_mut().filter(is_open) {
            target.class = Class::Unknown;
            target.fault = Fault::None;
            target.detail = "an attempt is under way, and no answer has come yet".to_owned();
            target.hint = String::new();
        }
        self
    }

    /// Returns the report of a delivery that waits until its channel is repaired. `is_shared`:
    /// other processes deliver from the same store, and may be able to use the channel.
    pub(super) fn disabled(
        channel: &str,
        channel_type: &str,
        disabled: &Disabled,
        is_shared: bool,
    ) -> Self {
        let mut report = Self::without_attempt(channel, channel_type, State::Pending);
        if let Some(all) = report.targets.first_mut() {
            all.fault = fault(disabled.fault);
            all.detail = printable(&disabled.sentence());
            all.hint = printable(&disabled.hint);
        }
        report.add_reason(if is_shared {
            "it waits until that is fixed, or another process that delivers from the same store can use the channel, or its time to live has passed"
        } else {
            "it waits until that is fixed, or its time to live has passed"
        });
        report
    }

    /// Returns the report of a delivery that was accepted earlier under the same key.
    pub(crate) fn accepted_before(channel_type: &str, placed: &AcceptedDelivery) -> Self {
        let mut report = Self::from_record(channel_type, placed);
        report.add_reason("this key was used before; this is that message's outcome");
        report
    }

    /// Returns the report of a delivery that ended in another process after `attempts`.
    pub(super) fn from_other_process(
        channel_type: &str,
        placed: &AcceptedDelivery,
        attempts: u32,
    ) -> Self {
        let mut report = Self::from_record(channel_type, placed);
        report.attempts = attempts;
        report
            .add_reason("another process delivers from the same store: its record has the answers");
        report
    }

    /// Returns the report of a recorded delivery.
    fn from_record(channel_type: &str, placed: &AcceptedDelivery) -> Self {
        let mut report = Self::without_attempt(&placed.channel, channel_type, placed.state);
        report.delivered = placed.state == State::Delivered;
        report.step = placed.step.as_ref().map(StepReport::of);
        report.add_reason(&placed.why);
        if let Some(all) = report.targets.first_mut().filter(|_| report.delivered) {
            all.class = Class::Delivered;
            all.proof = placed.proof;
            all.detail.clear();
        }
        report
    }

    /// Marks the report superseded: open targets are not attempted any more.
    pub(super) fn mark_superseded(&mut self, why: &str) {
        self.state = State::Superseded;
        let open = self.targets.iter_mut();
        for target in open.filter(|target| target.class == Class::Retry) {
            target.class = Class::Permanent;
        }
        self.add_reason(why);
    }

    /// Adds a reason to the first target's notes, unless it is empty.
    pub(super) fn add_reason(&mut self, why: &str) {
        if let Some(first) = self.targets.first_mut().filter(|_| !why.is_empty()) {
            first.notes.push(why.to_owned());
        }
    }
}

/// The report of a notification: one result for each channel.
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

    /// Returns for each channel whether every target of it was delivered, by the channel's name.
    #[must_use]
    pub fn results(&self) -> &BTreeMap<String, bool> {
        &self.results
    }

    /// Returns the full result for each channel, by the channel's name.
    #[must_use]
    pub fn channels(&self) -> &BTreeMap<String, ChannelReport> {
        &self.channels
    }

    /// Returns whether every channel was delivered, where one channel of each group is enough.
    /// Returns `false` if there was no channel.
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
