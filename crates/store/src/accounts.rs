//! The accounts: everything that was accepted is somewhere.

use std::collections::BTreeMap;

use serde::Serialize;

use super::delivery::State;

/// Counts of deliveries.
///
/// What was accepted is counted when it is accepted; the states are counted
/// one by one when somebody asks. They must agree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Accounts {
    /// Deliveries that were accepted, ever.
    pub accepted: u64,
    /// Those that are there, by state; every state has an entry.
    pub states: BTreeMap<State, u64>,
    /// Those that ended and were deleted, by the state in which they ended.
    pub pruned: BTreeMap<State, u64>,
    /// How often one was tried again because its holder was gone: as many
    /// messages may have arrived twice.
    pub reclaims: u64,
    /// Settlements that were refused, since somebody else held the delivery.
    pub stale: u64,
}

impl Accounts {
    /// In this state, those that were deleted included.
    #[must_use]
    pub fn of(&self, state: State) -> u64 {
        let count = |states: &BTreeMap<State, u64>| states.get(&state).copied().unwrap_or(0);
        count(&self.states) + count(&self.pruned)
    }

    /// Accepted, and in no state: above zero, deliveries were lost; below,
    /// some exist that nobody accepted.
    #[must_use]
    pub fn difference(&self) -> i128 {
        let sum: u64 = State::ALL.into_iter().map(|state| self.of(state)).sum();
        i128::from(self.accepted) - i128::from(sum)
    }
}
