//! Reports of deliveries without an attempt of this engine: those that wait, that ended
//! without an attempt, or that ended earlier or in another process.

use std::time::Duration;

use annunciator_store::{AcceptedDelivery, State};

use super::{
    channel::Disabled,
    classify::{self, ALL_TARGETS},
    report::{ChannelReport, Class, Fault, StepReport, TargetReport},
};
use crate::line::printable;

impl ChannelReport {
    /// Returns the report of a delivery in this state for which no attempt was made.
    pub(super) fn without_attempt(channel: &str, channel_type: &str, state: State) -> Self {
        let (class, detail) = match state {
            State::Pending => (Class::Retry, "it waits to be delivered"),
            State::InFlight => (
                Class::Unknown,
                "the engine was shut down before an answer came",
            ),
            State::Superseded => (Class::Permanent, "it need not be sent any more"),
            State::Suppressed => (Class::Permanent, "a rule keeps it back"),
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

    /// Returns the report of a delivery that waits until its channel is repaired.
    /// `is_shared`: other processes deliver from the same store, and may be able to use it.
    pub(super) fn disabled(
        channel: &str,
        channel_type: &str,
        disabled: &Disabled,
        is_shared: bool,
    ) -> Self {
        let mut report = Self::without_attempt(channel, channel_type, State::Pending);
        if let Some(all) = report.targets.first_mut() {
            all.fault = classify::fault(disabled.fault);
            all.detail = printable(&disabled.sentence());
            all.hint = printable(&disabled.hint);
        }
        report.add_reason(if is_shared {
            "it waits until that is mended, or another process that delivers from the same store can use the channel, or its time to live has passed"
        } else {
            "it waits until that is mended, or its time to live has passed"
        });
        report
    }

    /// Returns the report of a delivery that was accepted before under the same key.
    pub(crate) fn accepted_before(channel_type: &str, placed: &AcceptedDelivery) -> Self {
        let mut report = Self::from_record(channel_type, placed);
        report.add_reason("its key was accepted before: this is what became of that");
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

    /// Returns the report of what the store has recorded.
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
