//! Flap damping: something that changes again and again is notified once, and once more
//! when it is steady.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{settings::Flap, time::Tick};

/// What to do about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damping {
    /// Notify people of the change.
    Notify,
    /// Notify people that it changes too often: this many times within this duration.
    Flapping(usize, Duration),
    /// Nothing: people were notified that it changes too often.
    Quiet,
}

/// A damper that counts the changes of one thing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Damper {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<Tick>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flapping_since: Option<Tick>,
}

impl Damper {
    /// Records a change.
    pub(super) fn change(&mut self, now: Tick, flap: &Flap) -> Damping {
        self.changes.retain(|at| now.since(*at) < flap.within);
        // The newest changes are enough: a thing that flaps for days must not take ever
        // more memory.
        let excess = (self.changes.len() + 1).saturating_sub(flap.changes.max(1));
        self.changes.drain(..excess);
        self.changes.push(now);
        if self.flapping_since.is_some() {
            return Damping::Quiet;
        }
        if self.changes.len() < flap.changes {
            return Damping::Notify;
        }
        self.flapping_since = Some(now);
        let first = self.changes.first().copied().unwrap_or(now);
        Damping::Flapping(self.changes.len(), now.since(first))
    }

    pub(super) fn is_flapping(&self) -> bool {
        self.flapping_since.is_some()
    }

    /// Returns when it is steady unless it changes again; `None` if it is steady.
    pub(super) fn steady_at(&self, flap: &Flap) -> Option<Tick> {
        self.flapping_since?;
        let last = self.changes.last().copied().unwrap_or_default();
        Some(last + flap.steady_after)
    }

    /// Ends the flapping and forgets all changes.
    pub(super) fn settle(&mut self) {
        *self = Self::default();
    }

    /// Returns whether no change is remembered.
    pub(super) fn is_idle(&self) -> bool {
        self.changes.is_empty() && self.flapping_since.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAP: Flap = Flap {
        changes: 3,
        within: Duration::from_millis(100),
        steady_after: Duration::from_millis(50),
    };

    #[test]
    fn rare_changes_are_all_reported() {
        let mut damper = Damper::default();
        for at in [0, 50, 100, 160, 200, 270] {
            assert_eq!(damper.change(Tick(at), &FLAP), Damping::Notify, "{at}");
        }
    }

    #[test]
    fn frequent_changes_are_reported_once() {
        let mut damper = Damper::default();
        let verdicts = [0, 10, 20, 30, 40].map(|at| damper.change(Tick(at), &FLAP));
        let entered = Damping::Flapping(3, Duration::from_millis(20));
        assert_eq!(
            verdicts,
            [
                Damping::Notify,
                Damping::Notify,
                entered,
                Damping::Quiet,
                Damping::Quiet
            ]
        );
        assert_eq!(damper.steady_at(&FLAP), Some(Tick(90)));
        damper.settle();
        assert_eq!(damper.steady_at(&FLAP), None);
        assert_eq!(damper.change(Tick(95), &FLAP), Damping::Notify);
    }

    #[test]
    fn flapping_for_ever_takes_no_more_memory() {
        let mut damper = Damper::default();
        (0..10_000).for_each(|at| {
            damper.change(Tick(at), &FLAP);
        });
        assert!(damper.changes.len() <= FLAP.changes);
    }
}
