//! What waits to be handed over, and which of it may be next: what concerns
//! one host keeps its order, and what concerns many waits for all before it.
//!
//! A crowd of messages must not take up all memory: of those far behind only the
//! numbers are here, and the rest stands in the state file.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use super::telling::{Lane, Telling};

/// So many messages are in memory as a whole.
const MOST_WHOLE: usize = 10_000;
/// So far it is looked for one that need not wait for others.
const LOOK_AHEAD: usize = 256;

/// One that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) id: u64,
    pub(super) lane: Lane,
    /// As a whole, or it is in the state file.
    pub(super) telling: Option<Telling>,
    /// People were told already, as far as they could be; only the record of
    /// it is missing.
    pub(super) told: bool,
}

/// Those that wait, and those that are being handed over.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    whole: usize,
    busy: HashSet<Arc<str>>,
    under_way: usize,
    /// One that concerns many is under way.
    alone: bool,
}

impl Queue {
    /// Adds one at the end.
    pub(super) fn push(&mut self, telling: Telling, told: bool) {
        let (id, lane) = (telling.id, telling.lane());
        let telling = (self.whole < MOST_WHOLE).then_some(telling);
        self.whole += usize::from(telling.is_some());
        self.waiting.push_back(Waiting {
            id,
            lane,
            telling,
            told,
        });
    }

    /// How many have not been handed over.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.under_way
    }

    /// How many are being handed over.
    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Takes the first that need not wait for another; [`ended`](Self::ended)
    /// is called with its lane.
    pub(super) fn take(&mut self) -> Option<Waiting> {
        let place = self.first()?;
        let waiting = self.waiting.remove(place)?;
        self.whole -= usize::from(waiting.telling.is_some());
        self.under_way += 1;
        match &waiting.lane {
            Lane::Host(host) => drop(self.busy.insert(Arc::clone(host))),
            Lane::All => self.alone = true,
            Lane::None => {}
        }
        Some(waiting)
    }

    fn first(&self) -> Option<usize> {
        if self.alone {
            return None;
        }
        let mut passed: HashSet<&Arc<str>> = HashSet::new();
        for (place, waiting) in self.waiting.iter().take(LOOK_AHEAD).enumerate() {
            match &waiting.lane {
                Lane::Host(host) if self.busy.contains(host) || passed.contains(host) => {
                    passed.insert(host);
                }
                Lane::All => return (place == 0 && self.under_way == 0).then_some(0),
                Lane::Host(_) | Lane::None => return Some(place),
            }
        }
        None
    }

    /// It was handed over, or will not be for now.
    pub(super) fn ended(&mut self, lane: &Lane) {
        self.under_way -= 1;
        match lane {
            Lane::Host(host) => drop(self.busy.remove(host)),
            Lane::All => self.alone = false,
            Lane::None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tell::telling::Message;

    fn telling(id: u64, host: Option<&str>) -> Telling {
        let message = Message {
            host: host.map(Arc::from),
            ..Message::own_trouble("x", 0)
        };
        Telling {
            id,
            key: format!("k/{id}").into(),
            names: vec![Arc::from("c")],
            message: Arc::new(message),
        }
    }

    fn of_many(id: u64) -> Telling {
        let mut telling = telling(id, None);
        Arc::make_mut(&mut telling.message).part = crate::tell::Part::Problem;
        telling
    }

    fn taken(queue: &mut Queue) -> Vec<Waiting> {
        std::iter::from_fn(|| queue.take()).collect()
    }

    fn ids(waiting: &[Waiting]) -> Vec<u64> {
        waiting.iter().map(|one| one.id).collect()
    }

    #[test]
    fn what_concerns_one_host_keeps_its_order() {
        let mut queue = Queue::default();
        for (id, host) in [(1, "a"), (2, "a"), (3, "b"), (4, "a")] {
            queue.push(telling(id, Some(host)), false);
        }
        let first = taken(&mut queue);
        assert_eq!(ids(&first), [1, 3]);
        queue.ended(&first[1].lane);
        assert!(queue.take().is_none());
        queue.ended(&first[0].lane);
        assert_eq!(ids(&taken(&mut queue)), [2]);
        assert_eq!(queue.len(), 2);
    }

    #[test]
    fn what_concerns_many_waits_for_all_before_it_and_all_behind_wait_for_it() {
        let mut queue = Queue::default();
        queue.push(telling(1, Some("a")), false);
        queue.push(telling(2, None), false);
        queue.push(of_many(3), false);
        queue.push(telling(4, Some("b")), false);
        let first = taken(&mut queue);
        assert_eq!(ids(&first), [1, 2]);
        queue.ended(&first[0].lane);
        assert!(queue.take().is_none());
        queue.ended(&first[1].lane);
        let many = taken(&mut queue);
        assert_eq!(ids(&many), [3]);
        queue.ended(&many[0].lane);
        assert_eq!(ids(&taken(&mut queue)), [4]);
    }

    #[test]
    fn of_a_crowd_only_the_first_are_in_memory() {
        let mut queue = Queue::default();
        let most = MOST_WHOLE as u64;
        for id in 0..most + 5 {
            queue.push(telling(id, Some(&format!("h{id}"))), false);
        }
        let all = taken(&mut queue);
        assert_eq!(all.len(), MOST_WHOLE + 5);
        let whole = all.iter().filter(|one| one.telling.is_some()).count();
        assert_eq!(whole, MOST_WHOLE);
        assert!(all[MOST_WHOLE].telling.is_none());
    }
}
