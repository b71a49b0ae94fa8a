//! The health of the remote, as the results of attempts show it: feeds the circuit breaker
//! and raises or clears the channel's alerts.

use std::{sync::Arc, time::Duration};

use super::{
    attempt_task::AttemptTask,
    circuit_breaker::{Health, Transition},
    outbox::Outbox,
    report::{Class, Fault, TargetReport},
};
use crate::alerts::{ChannelProblem, Subject};

/// The shortest pause asked for by a remote (`Retry-After`) that counts as an exhausted
/// quota, of which people are notified.
const MIN_QUOTA_DELAY: Duration = Duration::from_secs(3600);

impl AttemptTask {
    /// Updates the circuit breaker and the channel's alerts with the results of an attempt.
    pub(super) fn update_health(&self, outbox: &Outbox, targets: &[TargetReport], is_probe: bool) {
        let now_ms = outbox.clock.steady_ms();
        let Some(health) = health(targets) else {
            if is_probe {
                self.channel.breaker.postpone_probe(now_ms);
            }
            return;
        };
        let name = &self.channel.config.name;
        let subject = |problem| Subject::Channel(Arc::clone(name), problem);
        let worst = || targets.iter().max_by_key(|target| target.retry_after);
        let last = worst().map_or_else(String::new, ToString::to_string);
        match self.channel.breaker.update(health, is_probe, now_ms) {
            Some(Transition::Opened) => {
                let sentence = format!(
                    "Channel {name} is out of order: nothing gets through any more. What is for it waits, and is tried again now and then. The last that was heard is: {last}."
                );
                outbox
                    .alerts
                    .raise(subject(ChannelProblem::OutOfOrder), sentence);
            }
            Some(Transition::Closed) => outbox.alerts.clear(&subject(ChannelProblem::OutOfOrder)),
            None => {}
        }
        let asked = targets.iter().filter_map(|target| target.retry_after).max();
        if let Some(pause) = asked.filter(|pause| *pause >= MIN_QUOTA_DELAY) {
            let pause = humantime::format_duration(Duration::from_secs(pause.as_secs()));
            let sentence = format!(
                "Channel {name} takes nothing for {pause}: {last}. What is for it waits until then, or its time to live passes."
            );
            outbox
                .alerts
                .raise(subject(ChannelProblem::Quota), sentence);
        } else if targets
            .iter()
            .any(|target| target.class == Class::Delivered)
        {
            outbox.alerts.clear(&subject(ChannelProblem::Quota));
        }
    }
}

/// Returns what an attempt says about the remote: it works if it accepted anything, or
/// refused this very message or recipient. `None` where only the plugin or this program
/// failed.
fn health(targets: &[TargetReport]) -> Option<Health> {
    let in_person = |target: &TargetReport| {
        target.class == Class::Delivered
            || matches!(target.fault, Fault::Message | Fault::Recipient)
    };
    if targets.iter().any(in_person) {
        return Some(Health::Healthy);
    }
    let of_the_remote = |target: &TargetReport| {
        let faults = [Fault::Network, Fault::Remote, Fault::Config];
        faults.contains(&target.fault)
    };
    targets
        .iter()
        .any(of_the_remote)
        .then_some(Health::Unhealthy)
}
