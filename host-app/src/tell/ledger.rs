//! Who was told what: decides whom a notice goes to.
//!
//! A problem goes to the channels that the configuration names at that time;
//! its end goes to those that were told the problem, and to nobody else.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use super::{
    telling::{Message, Part, Telling, TellingState},
    words,
};
use crate::machine::{Connection, Notice, What};

/// Where messages go, by the configuration of the moment.
pub trait Routes {
    /// The channels of a host.
    fn of_host(&self, host: &str) -> Vec<Arc<str>>;
    /// The default channels.
    fn defaults(&self) -> Vec<Arc<str>>;
}

/// What is known of an incident on a channel, to be written with what changed
/// it. When it is neither open nor told there is nothing to remember.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerChange {
    /// The incident.
    pub incident: Arc<str>,
    /// The channel.
    pub channel: Arc<str>,
    /// Whether its end is to be told to the channel.
    pub open: bool,
    /// Whether the problem was told to it, and its end was not yet.
    pub told: bool,
}

/// The open incidents, and the channels that know of them or are about to.
#[derive(Debug, Default)]
pub struct Ledger {
    /// By incident, the channels that its end goes to.
    open: HashMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// What was told, by incident and channel.
    told: HashSet<(Arc<str>, Arc<str>)>,
    last_id: u64,
}

impl Ledger {
    /// Goes on from what was written: the open incidents, and the greatest
    /// number of a telling.
    #[must_use]
    pub fn restored(open: impl IntoIterator<Item = LedgerChange>, last_id: u64) -> Self {
        let mut ledger = Self {
            last_id,
            ..Self::default()
        };
        for change in open {
            if change.told {
                let key = (Arc::clone(&change.incident), Arc::clone(&change.channel));
                ledger.told.insert(key);
            }
            if change.open {
                let channels = ledger.open.entry(change.incident).or_default();
                channels.insert(change.channel);
            }
        }
        ledger
    }

    /// Whom a notice goes to, and with which words.
    pub fn plan(
        &mut self,
        notice: &Notice,
        routes: &impl Routes,
        changes: &mut Vec<LedgerChange>,
    ) -> Vec<Telling> {
        let messages = match &notice.what {
            What::ManyOverdue(members) => self.group(true, members, notice, routes),
            What::ManyBack(members) => self.group(false, members, notice, routes),
            what => {
                let message = Arc::new(words::message(what, notice.at));
                self.audience(&message, routes)
                    .into_iter()
                    .map(|channel| (channel, Arc::clone(&message)))
                    .collect()
            }
        };
        if messages.is_empty() && !matches!(notice.what, What::Back(_) | What::ManyBack(_)) {
            let text = &words::message(&notice.what, notice.at).body;
            tracing::warn!(text = %text, "no channel is configured for this: nobody is told");
        }
        let tellings: Vec<Telling> = messages
            .into_iter()
            .map(|(channel, message)| self.telling(channel, message))
            .collect();
        for telling in &tellings {
            self.book(telling, changes);
        }
        tellings
    }

    /// A message for exactly these channels.
    pub fn telling(&mut self, channel: Arc<str>, message: Arc<Message>) -> Telling {
        self.last_id += 1;
        Telling {
            id: self.last_id,
            channel,
            message,
            state: TellingState::Pending,
            again: 0,
            detail: String::new(),
        }
    }

    fn audience(&self, message: &Message, routes: &impl Routes) -> Vec<Arc<str>> {
        match (&*message.incidents, message.part, &message.host) {
            ([incident], Part::Recovery, _) => {
                let open = self.open.get(incident);
                open.into_iter().flatten().cloned().collect()
            }
            (_, _, Some(host)) => routes.of_host(host),
            (_, _, None) => routes.defaults(),
        }
    }

    /// Each channel is told of those that concern it.
    fn group(
        &self,
        overdue: bool,
        members: &[Connection],
        notice: &Notice,
        routes: &impl Routes,
    ) -> Vec<(Arc<str>, Arc<Message>)> {
        let mut by_channel: BTreeMap<Arc<str>, Vec<Connection>> = BTreeMap::new();
        for member in members {
            let channels = if overdue {
                routes.of_host(&member.host)
            } else {
                let open = self.open.get(&words::heartbeat_incident(member));
                open.into_iter().flatten().cloned().collect()
            };
            for channel in channels {
                by_channel.entry(channel).or_default().push(member.clone());
            }
        }
        by_channel
            .into_iter()
            .map(|(channel, members)| {
                let one = match (members.as_slice(), overdue) {
                    ([one], true) => Some(What::Overdue(one.clone())),
                    ([one], false) => Some(What::Back(one.clone())),
                    _ => None,
                };
                let message = one.map_or_else(
                    || words::group(overdue, &members, notice.at),
                    |what| words::message(&what, notice.at),
                );
                (channel, Arc::new(message))
            })
            .collect()
    }

    fn book(&mut self, telling: &Telling, changes: &mut Vec<LedgerChange>) {
        for incident in &telling.message.incidents {
            match telling.message.part {
                Part::Message => continue,
                Part::Problem => {
                    let channels = self.open.entry(Arc::clone(incident)).or_default();
                    if !channels.insert(Arc::clone(&telling.channel)) {
                        continue;
                    }
                }
                Part::Recovery => {
                    if let Some(channels) = self.open.get_mut(incident) {
                        channels.remove(&telling.channel);
                        if channels.is_empty() {
                            self.open.remove(incident);
                        }
                    }
                }
            }
            changes.push(self.entry(incident, &telling.channel));
        }
    }

    fn entry(&self, incident: &Arc<str>, channel: &Arc<str>) -> LedgerChange {
        let open = self.open.get(incident);
        let key = (Arc::clone(incident), Arc::clone(channel));
        LedgerChange {
            open: open.is_some_and(|channels| channels.contains(channel)),
            told: self.told.contains(&key),
            incident: key.0,
            channel: key.1,
        }
    }

    /// Whether a telling still makes sense: the end of a problem does for
    /// those only who were told the problem.
    #[must_use]
    pub fn makes_sense(&self, telling: &Telling) -> bool {
        let message = &telling.message;
        message.part != Part::Recovery
            || message.incidents.is_empty()
            || message.incidents.iter().any(|incident| {
                let key = (Arc::clone(incident), Arc::clone(&telling.channel));
                self.told.contains(&key)
            })
    }

    /// Takes note of what came of a telling; `reached` when anybody got it, or
    /// perhaps did.
    pub fn settle(&mut self, telling: &Telling, reached: bool) -> Vec<LedgerChange> {
        let mut changes = Vec::new();
        for incident in &telling.message.incidents {
            let key = (Arc::clone(incident), Arc::clone(&telling.channel));
            match telling.message.part {
                Part::Problem if reached => {
                    self.told.insert(key);
                }
                // Whatever came of it: it is not told twice.
                Part::Recovery => {
                    self.told.remove(&key);
                }
                Part::Problem | Part::Message => continue,
            }
            changes.push(self.entry(incident, &telling.channel));
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{machine::Moment, protocol::Family};

    struct Table(&'static [(&'static str, &'static [&'static str])]);

    impl Routes for Table {
        fn of_host(&self, host: &str) -> Vec<Arc<str>> {
            let found = self.0.iter().find(|(name, _)| *name == host);
            found.map_or_else(Vec::new, |(_, channels)| {
                channels.iter().map(|name| Arc::from(*name)).collect()
            })
        }

        fn defaults(&self) -> Vec<Arc<str>> {
            vec![Arc::from("default")]
        }
    }

    const ROUTES: Table = Table(&[("a", &["x", "y"]), ("b", &["y"]), ("c", &[])]);

    fn of(host: &str) -> Connection {
        Connection {
            host: Arc::from(host),
            family: Family::V4,
        }
    }

    struct Trial {
        ledger: Ledger,
        rows: BTreeMap<(Arc<str>, Arc<str>), LedgerChange>,
    }

    impl Trial {
        fn new() -> Self {
            Self {
                ledger: Ledger::default(),
                rows: BTreeMap::new(),
            }
        }

        fn keep(&mut self, changes: Vec<LedgerChange>) {
            for change in changes {
                let key = (change.incident.clone(), change.channel.clone());
                if change.open || change.told {
                    self.rows.insert(key, change);
                } else {
                    self.rows.remove(&key);
                }
            }
        }

        fn plan(&mut self, what: What) -> Vec<Telling> {
            let notice = Notice {
                what,
                at: Moment::default(),
            };
            let mut changes = Vec::new();
            let tellings = self.ledger.plan(&notice, &ROUTES, &mut changes);
            self.keep(changes);
            tellings
        }

        /// Settles tellings whose channel is not among those that fail.
        fn settle(&mut self, tellings: &[Telling], failing: &[&str]) -> Vec<String> {
            let mut told = Vec::new();
            for telling in tellings {
                let sent = self.ledger.makes_sense(telling);
                let reached = sent && !failing.contains(&&*telling.channel);
                if sent {
                    told.push(format!("{}: {}", telling.channel, telling.message.body));
                }
                let changes = self.ledger.settle(telling, reached);
                self.keep(changes);
            }
            told
        }

        /// Goes on from what was written.
        fn restart(&mut self) {
            self.ledger = Ledger::restored(self.rows.values().cloned(), self.ledger.last_id);
        }
    }

    #[test]
    fn the_end_goes_to_those_who_were_told_the_problem_also_over_a_restart() {
        for restart in [false, true] {
            let mut trial = Trial::new();
            let problem = trial.plan(What::Overdue(of("a")));
            trial.settle(&problem, &["x"]);
            if restart {
                trial.restart();
            }
            let back = trial.plan(What::Back(of("a")));
            assert_eq!(trial.settle(&back, &[]), ["y: a IPv4 is back"]);
            assert!(trial.rows.is_empty(), "{:?}", trial.rows);
            assert!(trial.plan(What::Back(of("a"))).is_empty());
        }
    }

    #[test]
    fn the_end_waits_for_what_came_of_the_problem() {
        let mut trial = Trial::new();
        let problem = trial.plan(What::Overdue(of("a")));
        // Planned before anybody knows what came of the problem.
        let back = trial.plan(What::Back(of("a")));
        assert_eq!(back.len(), 2);
        trial.restart();
        trial.settle(&problem, &["y"]);
        assert_eq!(trial.settle(&back, &[]), ["x: a IPv4 is back"]);
        assert!(trial.rows.is_empty(), "{:?}", trial.rows);
    }

    #[test]
    fn each_channel_is_told_of_the_hosts_that_concern_it() {
        let mut trial = Trial::new();
        let all = ["a", "b", "c"].map(of).to_vec();
        let problem = trial.plan(What::ManyOverdue(all.clone()));
        let told = trial.settle(&problem, &[]);
        assert_eq!(told.len(), 2);
        assert_eq!(told[0], "x: a IPv4 overdue");
        assert!(
            told[1].starts_with("y: 2 overdue at once: a IPv4, b IPv4"),
            "{told:?}"
        );
        let back = trial.plan(What::ManyBack(all));
        assert_eq!(
            trial.settle(&back, &[]),
            ["x: a IPv4 is back", "y: 2 are back: a IPv4, b IPv4"]
        );
        assert!(trial.rows.is_empty());
    }

    #[test]
    fn what_concerns_no_host_goes_to_the_defaults() {
        let mut trial = Trial::new();
        let blind = What::Blind {
            from_ms: 0,
            to_ms: 1,
            rechecked: 1,
            silent: 0,
        };
        assert_eq!(&*trial.plan(blind)[0].channel, "default");
    }

    #[test]
    fn every_telling_has_a_number_of_its_own_also_over_a_restart() {
        let mut trial = Trial::new();
        let mut numbers: Vec<u64> = trial
            .plan(What::Overdue(of("a")))
            .iter()
            .map(|one| one.id)
            .collect();
        trial.restart();
        numbers.extend(trial.plan(What::Overdue(of("b"))).iter().map(|one| one.id));
        assert_eq!(numbers, [1, 2, 3]);
    }
}
