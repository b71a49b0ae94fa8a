//! Delivery counts, by which every accepted delivery is accounted for.

use std::collections::BTreeMap;

use serde::Serialize;

use super::delivery::State;

/// Delivery counts.
///
/// Accepted deliveries are counted at acceptance, and states are counted one by one when the
/// counts are read. The two must agree: see [`difference`](Self::difference).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Accounts {
    /// Deliveries that were ever accepted.
    pub accepted: u64,
    /// Stored deliveries, by state; every state has an entry.
    pub states: BTreeMap<State, u64>,
    /// Deliveries that ended and were deleted, by the state in which they ended.
    pub pruned: BTreeMap<State, u64>,
    /// Claims of deliveries whose holder was gone: at most this many messages may have arrived
    /// twice.
    pub reclaims: u64,
    /// Settlements that were refused because somebody else held the delivery.
    pub stale: u64,
}

impl Accounts {
    /// Returns the number of deliveries in a state, including deleted ones.
    #[must_use]
    pub fn of(&self, state: State) -> u64 {
        let count = |states: &BTreeMap<State, u64>| states.get(&state).copied().unwrap_or(0);
        count(&self.states) + count(&self.pruned)
    }

    /// Returns the accepted deliveries that are in no state: above zero, deliveries were lost;
    /// below zero, some exist that nobody accepted.
    #[must_use]
    pub fn difference(&self) -> i128 {
        let sum: u64 = State::ALL.into_iter().map(|state| self.of(state)).sum();
        i128::from(self.accepted) - i128::from(sum)
    }
}
