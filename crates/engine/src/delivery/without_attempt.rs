//! Reports of deliveries without an attempt whose outcome this engine has: those that
//! wait, that ended unsent, or that ended before or elsewhere.

use std::time::Duration;

use annunciator_store::{AcceptedDelivery, State};

use super::{
    channel::Disabled,
    classify::{self, ALL_TARGETS},
    report::{ChannelReport, Class, Fault, StepReport, TargetReport},
};
use crate::line::printable;

impl ChannelReport {
    /// One of a delivery that was not tried, or is not tried any more.
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

    /// The same while one more attempt is under way.
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

    /// One of a delivery that waits until its channel is mended.
    /// `is_shared`: others deliver from the same store, and may be able to.
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

    /// One of a delivery that was accepted before, by its key.
    pub(crate) fn accepted_before(channel_type: &str, placed: &AcceptedDelivery) -> Self {
        let mut report = Self::from_record(channel_type, placed);
        report.add_reason("its key was accepted before: this is what became of that");
        report
    }

    /// One of a delivery that ended in another process after so many attempts.
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

    /// One of what a store has.
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

    /// It ended without being sent, or sent again: what was to be tried is not any more.
    pub(super) fn mark_superseded(&mut self, why: &str) {
        self.state = State::Superseded;
        let open = self.targets.iter_mut();
        for target in open.filter(|target| target.class == Class::Retry) {
            target.class = Class::Permanent;
        }
        self.add_reason(why);
    }

    /// Adds why it ended as it did, where the targets don't say.
    pub(super) fn add_reason(&mut self, why: &str) {
        if let Some(first) = self.targets.first_mut().filter(|_| !why.is_empty()) {
            first.notes.push(why.to_owned());
        }
    }
}
