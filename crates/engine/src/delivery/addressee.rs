//! The addressees of a notification: its channels, and when the step of each begins
//! (escalation).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use annunciator_store::Step;

use super::channel::ChannelGuard;

/// A channel that is notified, and when.
#[derive(Debug, Clone)]
pub(crate) struct Addressee {
    pub(crate) channel: ChannelGuard,
    /// Its step, where it belongs to a group.
    pub(crate) turn: Option<Turn>,
}

/// When a step of a group is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) step: Step,
    /// How long after the first step.
    pub(crate) after: Duration,
}

/// Skips steps on disabled channels, which cannot be enough for now: the next step is due at
/// once, and those behind it earlier by as much. Takes the steps in their order, each with
/// whether its channel is disabled.
pub(crate) fn pass_over_disabled<'t>(turns: impl Iterator<Item = (bool, &'t mut Turn)>) {
    // By group: how much earlier, and when the step before would have begun if its channel
    // is disabled.
    let mut groups: BTreeMap<Arc<str>, (Duration, Option<Duration>)> = BTreeMap::new();
    for (is_disabled, turn) in turns {
        let (sooner, before) = groups.entry(Arc::clone(&turn.step.group)).or_default();
        let after = turn.after;
        *sooner += before.map_or(Duration::ZERO, |before| after.saturating_sub(before));
        *before = is_disabled.then_some(after);
        turn.after = after.saturating_sub(*sooner);
    }
}
