//! Mass silence: an event that hits many hosts at once is notified once.
//!
//! Every "overdue" and "is back" is held for a bounded time. Then all held events are
//! released: as one notice if they are many, otherwise one by one. No held event is ever
//! dropped.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    family::LinkFamily,
    notice::{Connection, Lapse, Occurrence},
    settings::Mass,
    time::{Moment, Tick},
};

/// How much longer a growing group may be held than a single event.
const MAX_WAIT_FACTOR: u32 = 3;

/// A held event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its number, in chronological order.
    pub number: u64,
    /// When it happened.
    pub at: Moment,
    /// The host.
    pub host: Arc<str>,
    /// The event.
    pub what: Occurrence,
}

/// All held events, oldest first.
#[derive(Debug, Default)]
pub(super) struct Hold {
    waiting: VecDeque<Held>,
    hosts: HashSet<Arc<str>>,
    last_number: u64,
}

impl Hold {
    pub(super) fn restored(mut waiting: Vec<Held>) -> Self {
        waiting.sort_by_key(|held| held.number);
        Self {
            last_number: waiting.last().map_or(0, |held| held.number),
            hosts: waiting.iter().map(|held| Arc::clone(&held.host)).collect(),
            waiting: waiting.into(),
        }
    }

    /// Returns whether an event of this host is held.
    pub(super) fn has(&self, host: &str) -> bool {
        self.hosts.contains(host)
    }

    /// Holds an event and returns the record to write.
    pub(super) fn push(&mut self, host: Arc<str>, what: Occurrence, at: Moment) -> Held {
        self.last_number += 1;
        let held = Held {
            number: self.last_number,
            at,
            host,
            what,
        };
        self.hosts.insert(Arc::clone(&held.host));
        self.waiting.push_back(held.clone());
        held
    }

    /// Returns all held events.
    pub(super) fn waiting(&self) -> Vec<Held> {
        self.waiting.iter().cloned().collect()
    }

    /// Returns when the events are released unless more arrive.
    pub(super) fn due(&self, mass: &Mass) -> Option<Tick> {
        let (first, last) = (self.waiting.front()?.at.tick, self.waiting.back()?.at.tick);
        let soonest = first + mass.within;
        if self.waiting.len() < mass.hosts {
            return Some(soonest);
        }
        // A group that still grows is worth waiting for, within limits.
        Some((last + mass.within).clamp(soonest, first + mass.within * MAX_WAIT_FACTOR))
    }

    /// Releases the events: returns what to notify, and the number up to which no event is
    /// held any more. The events of one host keep their order, except that its connections,
    /// which fall silent at about the same time, may be grouped.
    pub(super) fn release(&mut self, mass: &Mass) -> (Vec<(Occurrence, Moment)>, u64) {
        let mut rounds: Vec<Vec<Held>> = Vec::new();
        let mut next: HashMap<Arc<str>, Turns> = HashMap::new();
        self.hosts.clear();
        for held in self.waiting.drain(..) {
            let turns = next.entry(Arc::clone(&held.host)).or_default();
            let round = turns.take(&held.what);
            rounds.resize_with(rounds.len().max(round + 1), Vec::new);
            rounds[round].push(held);
        }
        let mut notified = Vec::new();
        for round in rounds {
            let (mut overdue, mut back) = (Vec::new(), Vec::new());
            let mut others = Vec::new();
            for held in round {
                match &held.what {
                    Occurrence::Overdue(of) => overdue.push((of.clone(), held)),
                    Occurrence::Lapsed {
                        of,
                        lapse: Lapse::Missed { .. } | Lapse::Unfinished { .. },
                    } => overdue.push((of.clone(), held)),
                    Occurrence::Back(of) => back.push((of.clone(), held)),
                    _ => others.push((held.what, held.at)),
                }
            }
            notified.extend(together(overdue, mass, Occurrence::ManyOverdue));
            notified.extend(together(back, mass, Occurrence::ManyBack));
            notified.extend(others);
        }
        (notified, self.last_number)
    }
}

/// Assigns each event of a host to a round: the first event of each connection, then the
/// second, and so on.
#[derive(Debug, Default)]
struct Turns {
    v4: usize,
    v6: usize,
    ping: usize,
}

impl Turns {
    fn take(&mut self, what: &Occurrence) -> usize {
        let family = match what {
            Occurrence::Overdue(of)
            | Occurrence::Back(of)
            | Occurrence::Removed(of)
            | Occurrence::Lapsed { of, .. } => of.family,
            // About the host as a whole: after everything before it.
            _ => {
                let round = self.v4.max(self.v6).max(self.ping);
                *self = Self {
                    v4: round + 1,
                    v6: round + 1,
                    ping: round + 1,
                };
                return round;
            }
        };
        let turn = match family {
            LinkFamily::V4 => &mut self.v4,
            LinkFamily::V6 => &mut self.v6,
            LinkFamily::Ping => &mut self.ping,
        };
        *turn += 1;
        *turn - 1
    }
}

/// Groups events: one notice for each, or one for all if they are many. The time of a group
/// is that of its first event.
fn together(
    round: Vec<(Connection, Held)>,
    mass: &Mass,
    many: fn(Vec<Connection>) -> Occurrence,
) -> Vec<(Occurrence, Moment)> {
    let hosts: BTreeSet<&str> = round.iter().map(|(of, _)| &*of.host).collect();
    match round.first() {
        Some((_, first)) if hosts.len() >= mass.hosts.max(2) => {
            let at = first.at;
            let members = round.into_iter().map(|(of, _)| of).collect();
            vec![(many(members), at)]
        }
        _ => round
            .into_iter()
            .map(|(_, held)| (held.what, held.at))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MASS: Mass = Mass {
        hosts: 3,
        within: Duration::from_millis(10),
    };

    fn connection(host: &str) -> Connection {
        Connection {
            host: Arc::from(host),
            family: LinkFamily::V4,
        }
    }

    fn hold(events: &[(&str, bool, u64)]) -> Hold {
        let mut hold = Hold::default();
        for (host, overdue, tick) in events {
            let at = Moment {
                tick: Tick(*tick),
                wall_ms: 0,
            };
            let what = if *overdue {
                Occurrence::Overdue
            } else {
                Occurrence::Back
            };
            hold.push(Arc::from(*host), what(connection(host)), at);
        }
        hold
    }

    fn notified(mut hold: Hold) -> Vec<Occurrence> {
        let (notified, _) = hold.release(&MASS);
        assert_eq!(hold.due(&MASS), None);
        notified.into_iter().map(|(what, _)| what).collect()
    }

    #[test]
    fn few_are_reported_each_for_itself_and_in_order() {
        let hold = hold(&[("a", true, 0), ("b", true, 1), ("a", false, 2)]);
        let [a, b, back] = [Occurrence::Overdue, Occurrence::Overdue, Occurrence::Back];
        assert_eq!(
            notified(hold),
            [
                a(connection("a")),
                b(connection("b")),
                back(connection("a"))
            ]
        );
    }

    #[test]
    fn many_are_one_message() {
        let hold = hold(&[
            ("a", true, 0),
            ("b", true, 1),
            ("c", true, 8),
            ("b", false, 9),
        ]);
        let all = ["a", "b", "c"].map(connection).to_vec();
        assert_eq!(
            notified(hold),
            [
                Occurrence::ManyOverdue(all),
                Occurrence::Back(connection("b"))
            ]
        );
    }

    #[test]
    fn jobs_that_do_not_come_are_part_of_a_crowd_and_those_that_fail_are_not() {
        let mut hold = hold(&[("a", true, 0), ("b", true, 1)]);
        let lapsed = |host: &str, lapse| Occurrence::Lapsed {
            of: Connection {
                family: LinkFamily::Ping,
                ..connection(host)
            },
            lapse,
        };
        let missed = Lapse::Missed { run: "then".into() };
        let failed = lapsed("d", Lapse::Failed { status: None });
        for (host, what) in [("c", lapsed("c", missed)), ("d", failed.clone())] {
            hold.push(Arc::from(host), what, Moment::default());
        }
        let [many, other] = &notified(hold)[..] else {
            panic!("more than two notices");
        };
        let Occurrence::ManyOverdue(members) = many else {
            panic!("{many:?}");
        };
        let families: Vec<&str> = members.iter().map(|of| of.family.name()).collect();
        assert_eq!(families, ["IPv4", "IPv4", "ping"]);
        assert_eq!(*other, failed);
    }

    #[test]
    fn a_host_on_two_connections_is_no_crowd() {
        let hold = hold(&[
            ("a", true, 0),
            ("a", true, 1),
            ("b", true, 1),
            ("b", true, 1),
        ]);
        assert_eq!(notified(hold).len(), 4);
    }

    #[test]
    fn a_crowd_that_is_back_at_once_is_reported_as_it_happened() {
        let hosts = ["a", "b", "c"];
        let events = [true, false].map(|overdue| hosts.map(|host| (host, overdue, 1)));
        let all = hosts.map(connection).to_vec();
        assert_eq!(
            notified(hold(events.as_flattened())),
            [
                Occurrence::ManyOverdue(all.clone()),
                Occurrence::ManyBack(all)
            ]
        );
        // The order within each host does not depend on the others.
        let hold = hold(&[
            ("a", false, 0),
            ("b", true, 1),
            ("b", false, 2),
            ("c", false, 2),
        ]);
        assert_eq!(notified(hold)[0], Occurrence::Overdue(connection("b")));
    }

    #[test]
    fn a_growing_crowd_waits_but_not_for_ever() {
        let mut events = vec![("a", true, 0), ("b", true, 5), ("c", true, 9)];
        assert_eq!(hold(&events).due(&MASS), Some(Tick(19)));
        events.push(("d", true, 40));
        assert_eq!(hold(&events).due(&MASS), Some(Tick(30)));
    }
}
