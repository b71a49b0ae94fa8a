//! Which datagrams of a boot were taken already.
//!
//! Senders send the same bytes over both address families, so a counter is
//! taken once for what it says, and once on each connection as a sign of life.

use annunciator_protocol::{Family, Reject};
use serde::{Deserialize, Serialize};

/// How many counters are remembered: as far behind the newest a datagram may
/// come and still be taken once.
const REMEMBERED: usize = 16;

/// Where a datagram stands among those that were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Newer than all others.
    Newest,
    /// Overtaken by others.
    Late,
    /// Taken before, by another connection.
    Copy,
}

/// A counter, and by which families it came: IPv4 is 1, IPv6 is 2.
type Entry = (u64, u8);

/// The greatest counters that were taken, in ascending order. Counters may
/// leave gaps of any size, so this is a list and no bitmap.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Taken(Vec<Entry>);

fn bit(family: Family) -> u8 {
    match family {
        Family::V4 => 1,
        Family::V6 => 2,
    }
}

impl Taken {
    /// Only what is newer than this will be taken.
    pub(super) fn after(counter: u64) -> Self {
        Self(vec![(counter, u8::MAX)])
    }

    pub(super) fn newest(&self) -> Option<u64> {
        self.0.last().map(|(counter, _)| *counter)
    }

    /// Takes a counter, or says why not. While few are remembered, what is
    /// older than all of them is refused too: nobody knows whether it was
    /// taken.
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
        if self.0.len() < REMEMBERED {
            // Exact: this stands in the memory of every host.
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
                prop_assert!(taken.0.len() <= REMEMBERED && taken.0.is_sorted());
            }
        }
    }
}
