//! What an attempt says of the remote, besides what became of the message.

use std::{sync::Arc, time::Duration};

use super::{
    breaker::{Sign, Turn},
    claimed::Claimed,
    outbox::Outbox,
    report::{Class, Fault, TargetReport},
};
use crate::alerts::{Ailment, Subject};

/// A remote that asks for a longer pause has used up a quota, which people
/// should know.
const LONG: Duration = Duration::from_secs(3600);

impl Claimed {
    /// Takes note of what an attempt says of the remote.
    pub(super) fn watch(&self, outbox: &Outbox, targets: &[TargetReport], is_probe: bool) {
        let now_ms = outbox.clock.steady_ms();
        let Some(sign) = sign(targets) else {
            if is_probe {
                self.channel.breaker.put_off(now_ms);
            }
            return;
        };
        let name = &self.channel.config.name;
        let subject = |ailment| Subject::Channel(Arc::clone(name), ailment);
        let worst = || targets.iter().max_by_key(|target| target.retry_after);
        let last = worst().map_or_else(String::new, ToString::to_string);
        match self.channel.breaker.note(sign, is_probe, now_ms) {
            Some(Turn::OutOfOrder) => {
                let sentence = format!(
                    "Channel {name} is out of order: nothing gets through any more. What is for it waits, and is tried again now and then. The last that was heard is: {last}."
                );
                outbox
                    .troubles
                    .raise(subject(Ailment::OutOfOrder), sentence);
            }
            Some(Turn::Back) => outbox.troubles.clear(&subject(Ailment::OutOfOrder)),
            None => {}
        }
        let asked = targets.iter().filter_map(|target| target.retry_after).max();
        if let Some(pause) = asked.filter(|pause| *pause >= LONG) {
            let pause = humantime::format_duration(Duration::from_secs(pause.as_secs()));
            let sentence = format!(
                "Channel {name} takes nothing for {pause}: {last}. What is for it waits until then, or its time to live passes."
            );
            outbox.troubles.raise(subject(Ailment::Quota), sentence);
        } else if targets
            .iter()
            .any(|target| target.class == Class::Delivered)
        {
            outbox.troubles.clear(&subject(Ailment::Quota));
        }
    }
}

/// What an attempt says of the remote: it works where it took anything, or
/// refused this very message or recipient. What the plugin or this program does
/// says nothing of it.
fn sign(targets: &[TargetReport]) -> Option<Sign> {
    let in_person = |target: &TargetReport| {
        target.class == Class::Delivered
            || matches!(target.fault, Fault::Message | Fault::Recipient)
    };
    if targets.iter().any(in_person) {
        return Some(Sign::Works);
    }
    let of_the_remote = |target: &TargetReport| {
        let faults = [Fault::Network, Fault::Remote, Fault::Config];
        faults.contains(&target.fault)
    };
    targets.iter().any(of_the_remote).then_some(Sign::Fails)
}
