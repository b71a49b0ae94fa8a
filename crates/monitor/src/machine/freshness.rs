//! Which datagrams of a boot were accepted already.
//!
//! Senders send the same bytes over both address families. A counter is therefore accepted
//! once for its content, and once on each connection as a sign of life.

use annunciator_protocol::{Family, Reject};
use serde::{Deserialize, Serialize};

/// The number of counters that are remembered: a datagram with a lower counter than all of
/// them is refused.
const MAX_COUNTERS: usize = 16;

/// The position of a datagram among those that were accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// It is newer than all others.
    Newest,
    /// It was overtaken by others.
    Late,
    /// It was accepted before, on another connection.
    Copy,
}

/// A counter and the families on which it arrived: IPv4 is bit 1, IPv6 is bit 2.
type TakenCounter = (u64, u8);

/// The greatest accepted counters, in ascending order. It is a list instead of a bitmap
/// because counters may have gaps of any size.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Taken(Vec<TakenCounter>);

fn bit(family: Family) -> u8 {
    match family {
        Family::V4 => 1,
        Family::V6 => 2,
    }
}

impl Taken {
    /// Creates a record that accepts only counters greater than this one.
    pub(super) fn after(counter: u64) -> Self {
        Self(vec![(counter, u8::MAX)])
    }

    pub(super) fn newest(&self) -> Option<u64> {
        self.0.last().map(|(counter, _)| *counter)
    }

    /// Accepts a counter, or returns why it is refused. As long as few counters are
    /// remembered, one that is older than all of them is refused, too, since it may have
    /// been accepted before.
    pub(super) fn take(&mut self, counter: u64, family: Family) -> Result<Order, Reject> {
        let place = match self
            .0
            .binary_search_by_key(&counter, |(counter, _)| *counter)
        {
            Ok(place) => {
                let by = &mut self.0[place].1;
                if *by & bit(family) != 0 {
                    return Err(Reject::Repeated);
                }
                *by |= bit(family);
                return Ok(Order::Copy);
            }
            Err(0) if !self.0.is_empty() => return Err(Reject::Replayed),
            Err(place) => place,
        };
        let order = if place == self.0.len() {
            Order::Newest
        } else {
            Order::Late
        };
        let entry = (counter, bit(family));
        if self.0.len() < MAX_COUNTERS {
            // Exactly one more: every host has such a list in memory.
            self.0.reserve_exact(1);
            self.0.insert(place, entry);
        } else {
            self.0[..place].rotate_left(1);
            self.0[place - 1] = entry;
        }
        Ok(order)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const V4: Family = Family::V4;

    #[test]
    fn a_repetition_is_taken_once() {
        let mut taken = Taken::default();
        assert_eq!(taken.take(7, V4), Ok(Order::Newest));
        assert_eq!(taken.take(7, V4), Err(Reject::Repeated));
    }

    #[test]
    fn a_copy_by_the_other_family_is_known_as_such() {
        let mut taken = Taken::default();
        assert_eq!(taken.take(7, V4), Ok(Order::Newest));
        assert_eq!(taken.take(7, Family::V6), Ok(Order::Copy));
        assert_eq!(taken.take(7, Family::V6), Err(Reject::Repeated));
        let mut taken = Taken::after(7);
        assert_eq!(taken.take(7, Family::V6), Err(Reject::Repeated));
    }

    #[test]
    fn datagrams_that_overtook_each_other_are_all_taken() {
        let mut taken = Taken::after(1);
        assert_eq!(taken.take(5, V4), Ok(Order::Newest));
        assert_eq!(taken.take(3, V4), Ok(Order::Late));
        assert_eq!(taken.take(4, V4), Ok(Order::Late));
        assert_eq!(taken.take(3, V4), Err(Reject::Repeated));
        assert_eq!(taken.take(0, V4), Err(Reject::Replayed));
    }

    #[test]
    fn what_is_too_far_behind_is_a_replay() {
        let mut taken = Taken::default();
        (10..30).for_each(|counter| {
            taken.take(counter, V4).unwrap();
        });
        assert_eq!(taken.take(13, V4), Err(Reject::Replayed));
        assert_eq!(taken.take(14, V4), Err(Reject::Repeated));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(annunciator_testkit::effort::rounds(1_000, 10_000)))]
        #[test]
        fn nothing_is_ever_taken_twice(counters in prop::collection::vec(0..60_u64, 0..200)) {
            let (mut taken, mut seen) = (Taken::default(), std::collections::BTreeSet::new());
            for counter in counters {
                let order = taken.take(counter, V4);
                if let Ok(order) = order {
                    let newest = seen.last().is_none_or(|last| counter > *last);
                    prop_assert_eq!(order == Order::Newest, newest);
                    prop_assert!(seen.insert(counter), "{} was taken twice", counter);
                }
                prop_assert!(taken.0.len() <= MAX_COUNTERS && taken.0.is_sorted());
            }
        }
    }
}
