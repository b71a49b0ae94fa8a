//! The messages that wait to be forwarded, and which of them may be next: what concerns
//! one host keeps its order, and what concerns many waits for all before it.
//!
//! A crowd of messages must not take up all memory: of those far behind only the
//! numbers are here, and the rest stands in the state file.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use crate::incidents::{Lane, OutboundMessage};

/// So many messages are in memory as a whole.
const MAX_IN_MEMORY: usize = 10_000;
/// So far it is looked for one that need not wait for others.
const LOOK_AHEAD: usize = 256;

/// One that waits.
#[derive(Debug)]
pub(super) struct QueuedMessage {
    pub(super) id: u64,
    pub(super) lane: Lane,
    /// As a whole, or it is in the state file.
    pub(super) outbound: Option<OutboundMessage>,
    /// People were notified already, as far as they could be; only the record of
    /// it is missing.
    pub(super) notified: bool,
}

/// The messages that wait, and those being forwarded.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<QueuedMessage>,
    in_memory: usize,
    busy: HashSet<Arc<str>>,
    under_way: usize,
    /// One that concerns many is under way.
    exclusive: bool,
}

impl Queue {
    /// Adds one at the end.
    pub(super) fn push(&mut self, outbound: OutboundMessage, notified: bool) {
        let (id, lane) = (outbound.id, outbound.lane());
        let outbound = (self.in_memory < MAX_IN_MEMORY).then_some(outbound);
        self.in_memory += usize::from(outbound.is_some());
        self.waiting.push_back(QueuedMessage {
            id,
            lane,
            outbound,
            notified,
        });
    }

    /// Returns how many messages have not been forwarded.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.under_way
    }

    /// Returns how many messages are being forwarded.
    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Takes the first that need not wait for another; [`ended`](Self::ended)
    /// is called with its lane.
    pub(super) fn take(&mut self) -> Option<QueuedMessage> {
        let place = self.first()?;
        let waiting = self.waiting.remove(place)?;
        self.in_memory -= usize::from(waiting.outbound.is_some());
        self.under_way += 1;
        match &waiting.lane {
            Lane::Host(host) => drop(self.busy.insert(Arc::clone(host))),
            Lane::All => self.exclusive = true,
            Lane::None => {}
        }
        Some(waiting)
    }

    fn first(&self) -> Option<usize> {
        if self.exclusive {
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

    /// Called when a message was forwarded, or will not be for now.
    pub(super) fn ended(&mut self, lane: &Lane) {
        self.under_way -= 1;
        match lane {
            Lane::Host(host) => drop(self.busy.remove(host)),
            Lane::All => self.exclusive = false,
            Lane::None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incidents::Message;

    fn outbound(id: u64, host: Option<&str>) -> OutboundMessage {
        let message = Message {
            host: host.map(Arc::from),
            ..Message::about_monitor("x", 0)
        };
        OutboundMessage {
            id,
            key: format!("k/{id}").into(),
            names: vec![Arc::from("c")],
            message: Arc::new(message),
        }
    }

    fn of_many(id: u64) -> OutboundMessage {
        let mut outbound = outbound(id, None);
        Arc::make_mut(&mut outbound.message).part = crate::incidents::MessageKind::Problem;
        outbound
    }

    fn taken(queue: &mut Queue) -> Vec<QueuedMessage> {
        std::iter::from_fn(|| queue.take()).collect()
    }

    fn ids(waiting: &[QueuedMessage]) -> Vec<u64> {
        waiting.iter().map(|one| one.id).collect()
    }

    #[test]
    fn what_concerns_one_host_keeps_its_order() {
        let mut queue = Queue::default();
        for (id, host) in [(1, "a"), (2, "a"), (3, "b"), (4, "a")] {
            queue.push(outbound(id, Some(host)), false);
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
        queue.push(outbound(1, Some("a")), false);
        queue.push(outbound(2, None), false);
        queue.push(of_many(3), false);
        queue.push(outbound(4, Some("b")), false);
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
        let most = MAX_IN_MEMORY as u64;
        for id in 0..most + 5 {
            queue.push(outbound(id, Some(&format!("h{id}"))), false);
        }
        let all = taken(&mut queue);
        assert_eq!(all.len(), MAX_IN_MEMORY + 5);
        let in_memory = all.iter().filter(|one| one.outbound.is_some()).count();
        assert_eq!(in_memory, MAX_IN_MEMORY);
        assert!(all[MAX_IN_MEMORY].outbound.is_none());
    }
}
