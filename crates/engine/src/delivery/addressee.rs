//! The channels that a notification is for, and when the turn of each begins.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use annunciator_store::Step;

use super::channel::Held;

/// A channel that is told, and when.
#[derive(Debug, Clone)]
pub(crate) struct Addressee {
    pub(crate) channel: Held,
    /// Where it is a step of a group.
    pub(crate) turn: Option<Turn>,
}

/// The turn of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) step: Step,
    /// How long after the first one.
    pub(crate) after: Duration,
}

/// A step on a channel that is disabled cannot be enough for now: the turn of the
/// next comes at once, and of those behind it sooner by as much. Takes turns in their
/// order, each with whether its channel is disabled.
pub(crate) fn pass_over_disabled<'t>(turns: impl Iterator<Item = (bool, &'t mut Turn)>) {
    // By group: how much sooner, and when the step before would have begun if it
    // was on a channel that is disabled.
    let mut groups: BTreeMap<Arc<str>, (Duration, Option<Duration>)> = BTreeMap::new();
    for (is_disabled, turn) in turns {
        let (sooner, before) = groups.entry(Arc::clone(&turn.step.group)).or_default();
        let after = turn.after;
        *sooner += before.map_or(Duration::ZERO, |before| after.saturating_sub(before));
        *before = is_disabled.then_some(after);
        turn.after = after.saturating_sub(*sooner);
    }
}
