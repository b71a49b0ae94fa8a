//! Decides who is notified of an event.
//!
//! A notification of a problem goes to the channels and groups that the configuration names
//! at that time. The notification of its end goes to the same ones and to nobody else.
//! Whether they received the first is for the engine's store of deliveries to judge.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use annunciator::Kind;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Uuid;

use super::{
    message::{Message, OutboundMessage},
    open::{Grouping, IncidentChange, Open},
    words,
};
use crate::machine::{Connection, Moment, Notice, Occurrence, SuppressedNotice};

/// The current routes: names of channels and groups as the configuration has them.
pub trait Routes {
    /// Returns the route of a host.
    fn of_host(&self, host: &str) -> Vec<Arc<str>>;
    /// Returns the default route.
    fn defaults(&self) -> Vec<Arc<str>>;
}

/// Makes the address at which somebody takes over an incident, who has got a message of it.
#[derive(Clone)]
pub struct AcknowledgeLink(Arc<MakeLink>);

/// Makes an address of an incident and the time of its message, in milliseconds since the Unix
/// epoch.
type MakeLink = dyn Fn(&str, i64) -> Option<String> + Send + Sync;

impl AcknowledgeLink {
    /// Makes addresses by calling this with an incident and the time of its message, in
    /// milliseconds since the Unix epoch. `None` is an incident that has no address.
    pub fn new(make: impl Fn(&str, i64) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }
}

impl fmt::Debug for AcknowledgeLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcknowledgeLink").finish_non_exhaustive()
    }
}

/// The open problems, and who was notified of each.
#[derive(Debug)]
pub struct IncidentLog {
    open: Open,
    last_id: u64,
    /// The address of the pages that messages link to.
    pages: Option<Box<str>>,
    /// Where somebody takes over who has got a message.
    acknowledging: Option<AcknowledgeLink>,
    /// Identifies this run in message keys: the next run may use the same numbers again if
    /// they could not be written.
    run: Uuid,
}

/// The characters that stand for themselves in a link: unreserved ones, see
/// <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Returns the address of the page about a message: its incident's, its host's, or the first.
fn link(pages: &str, message: &Message) -> String {
    let part = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    match (&message.incident, &message.host) {
        (Some(incident), _) => format!("{pages}/deliveries?incident={}", part(incident)),
        (None, Some(host)) => format!("{pages}/hosts/{}", part(host)),
        (None, None) => format!("{pages}/"),
    }
}

/// How the end of several problems is reported.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    /// One by one: whoever was not notified of a problem is not notified of its end.
    Each,
    /// As the end of all problems that were reported together.
    Whole(Arc<str>),
    /// In one message.
    Rest,
}

impl IncidentLog {
    /// Continues from the stored incidents and the greatest number of an outbound message.
    #[must_use]
    pub fn restored(open: impl IntoIterator<Item = IncidentChange>, last_id: u64) -> Self {
        let mut incidents = Self {
            open: Open::default(),
            last_id,
            pages: None,
            acknowledging: None,
            run: Uuid::new_v4(),
        };
        open.into_iter()
            .for_each(|change| incidents.open.apply(change));
        incidents
    }

    /// Has messages link to the pages at an address.
    #[must_use]
    pub fn linking_to(mut self, pages: Option<&str>) -> Self {
        self.pages = pages.map(Box::from);
        self
    }

    /// Has messages of problems link to where somebody takes them over.
    #[must_use]
    pub fn acknowledged_at(mut self, link: Option<AcknowledgeLink>) -> Self {
        self.acknowledging = link;
        self
    }

    /// Returns the messages for a notice, each with its channels and groups.
    pub fn plan(
        &mut self,
        notice: &Notice,
        routes: &impl Routes,
        changes: &mut Vec<IncidentChange>,
    ) -> Vec<OutboundMessage> {
        let outbound = match &notice.what {
            Occurrence::ManyOverdue(members) => {
                self.many_overdue(members, notice.at, routes, changes)
            }
            Occurrence::ManyBack(members) => self.many_back(members, notice.at, changes),
            what => self.one(words::message(what, notice.at), routes, changes),
        };
        if outbound.is_empty()
            && !matches!(notice.what, Occurrence::Back(_) | Occurrence::ManyBack(_))
        {
            let text = &words::message(&notice.what, notice.at).body;
            tracing::warn!(text = %text, "no channel is configured for this: nobody is notified");
        }
        outbound
    }

    /// Returns the record of a notice that a silence suppressed. Nobody is notified of it,
    /// nor of its end.
    pub fn suppress(
        &mut self,
        suppressed: &SuppressedNotice,
        routes: &impl Routes,
    ) -> Option<OutboundMessage> {
        let Notice { what, at } = &suppressed.notice;
        let message = words::message(what, *at);
        let names = routes.of_host(message.host.as_deref()?);
        let message = Message {
            suppressed: Some(suppressed.rule.as_str().into()),
            ..message
        };
        (!names.is_empty()).then(|| self.outbound(names, message))
    }

    /// Creates a message for exactly these channels and groups.
    pub fn outbound(&mut self, names: Vec<Arc<str>>, mut message: Message) -> OutboundMessage {
        let (id, key) = self.number();
        let pages = self.pages.as_deref();
        message.url = pages.map(|pages| link(pages, &message).into());
        if let (Kind::Problem, Some(incident), Some(link)) =
            (message.kind, &message.incident, &self.acknowledging)
        {
            message.acknowledge_url = (link.0)(incident, message.occurred_ms).map(Into::into);
        }
        OutboundMessage {
            id,
            key,
            names,
            message: Arc::new(message),
        }
    }

    fn number(&mut self) -> (u64, Arc<str>) {
        self.last_id += 1;
        let key = format!("hbd/{}/{}", self.run.simple(), self.last_id);
        (self.last_id, key.into())
    }

    /// Plans a notice about one host, or about none.
    fn one(
        &mut self,
        message: Message,
        routes: &impl Routes,
        changes: &mut Vec<IncidentChange>,
    ) -> Vec<OutboundMessage> {
        match (message.kind, message.incident.clone()) {
            (Kind::Recovery, Some(incident)) => self.end_of_one(message, &incident, changes),
            (kind, incident) => {
                let names = match &message.host {
                    Some(host) => routes.of_host(host),
                    None => routes.defaults(),
                };
                if names.is_empty() {
                    return Vec::new();
                }
                if let (Kind::Problem, Some(incident)) = (kind, &incident) {
                    for name in &names {
                        self.problem(incident, name, Grouping::Alone, changes);
                    }
                }
                vec![self.outbound(names, message)]
            }
        }
    }

    fn end_of_one(
        &mut self,
        message: Message,
        incident: &Arc<str>,
        changes: &mut Vec<IncidentChange>,
    ) -> Vec<OutboundMessage> {
        let names = self.open.names(incident);
        let names = names.map(|(name, grouping)| (Arc::clone(name), *grouping == Grouping::Alone));
        let (alone, other): (Vec<_>, Vec<_>) = names.partition(|(_, own)| *own);
        let mut outbound = Vec::new();
        for (names, own) in [(alone, true), (other, false)] {
            let names: Vec<_> = names.into_iter().map(|(name, _)| name).collect();
            for name in &names {
                self.open.set(incident, name, None, changes);
            }
            let message = message.clone();
            match (names.is_empty(), own) {
                (true, _) => {}
                (false, true) => outbound.push(self.outbound(names, message)),
                (false, false) => outbound.push(self.in_any_case(names, message)),
            }
        }
        outbound
    }

    /// Notifies each channel or group of the hosts that are routed to it.
    fn many_overdue(
        &mut self,
        members: &[Connection],
        at: Moment,
        routes: &impl Routes,
        changes: &mut Vec<IncidentChange>,
    ) -> Vec<OutboundMessage> {
        let mut by_name: BTreeMap<Arc<str>, BTreeSet<&Connection>> = BTreeMap::new();
        for member in members {
            for name in routes.of_host(&member.host) {
                by_name.entry(name).or_default().insert(member);
            }
        }
        let by_name = by_name.into_iter();
        let mut outbound = Vec::new();
        for (of, names) in alike(by_name.map(|(name, of)| (of, name))) {
            let of: Vec<Connection> = of.into_iter().cloned().collect();
            let (id, key) = self.number();
            let (message, grouping) = if let [one] = of.as_slice() {
                (
                    words::message(&Occurrence::Overdue(one.clone()), at),
                    Grouping::Alone,
                )
            } else {
                let together = together(&key);
                let message = words::group(true, &of, at);
                (
                    Message {
                        incident: Some(Arc::clone(&together)),
                        ..message
                    },
                    Grouping::Together(together),
                )
            };
            for name in &names {
                for member in &of {
                    let incident = words::heartbeat_incident(member);
                    self.problem(&incident, name, grouping.clone(), changes);
                }
            }
            outbound.push(OutboundMessage {
                id,
                key,
                names,
                message: Arc::new(message),
            });
        }
        outbound
    }

    fn many_back(
        &mut self,
        members: &[Connection],
        at: Moment,
        changes: &mut Vec<IncidentChange>,
    ) -> Vec<OutboundMessage> {
        let mut ends: BTreeMap<(Arc<str>, Ending), BTreeSet<&Connection>> = BTreeMap::new();
        for member in members {
            for (name, grouping) in self.open.names(&words::heartbeat_incident(member)) {
                let ending = match grouping {
                    Grouping::Alone => Ending::Each,
                    Grouping::Together(together) => Ending::Whole(Arc::clone(together)),
                    Grouping::Mixed => Ending::Rest,
                };
                let key = (Arc::clone(name), ending);
                ends.entry(key).or_default().insert(member);
            }
        }
        // A group of which some hosts are still overdue cannot end as a whole.
        let mut found: BTreeMap<(Arc<str>, Ending), BTreeSet<&Connection>> = BTreeMap::new();
        for ((name, ending), of) in ends {
            let ending = match ending {
                Ending::Whole(together) if self.open.count(&together, &name) != of.len() => {
                    Ending::Rest
                }
                ending => ending,
            };
            found.entry((name, ending)).or_default().extend(of);
        }
        for ((name, ending), of) in &found {
            if let Ending::Whole(together) = ending {
                self.open.end_together(together, name, changes);
            }
            for member in of {
                let incident = words::heartbeat_incident(member);
                self.open.set(&incident, name, None, changes);
            }
        }
        let mut messages: Vec<(Ending, BTreeSet<&Connection>, Arc<str>)> = Vec::new();
        for ((name, ending), of) in found {
            if ending == Ending::Each {
                let each = of.into_iter().map(|one| BTreeSet::from([one]));
                messages.extend(each.map(|one| (Ending::Each, one, Arc::clone(&name))));
            } else {
                messages.push((ending, of, name));
            }
        }
        let messages = messages.into_iter();
        alike(messages.map(|(ending, of, name)| ((ending, of), name)))
            .into_iter()
            .map(|((ending, of), names)| self.end_of_many(ending, of, names, at))
            .collect()
    }

    fn end_of_many(
        &mut self,
        ending: Ending,
        of: BTreeSet<&Connection>,
        names: Vec<Arc<str>>,
        at: Moment,
    ) -> OutboundMessage {
        let of: Vec<Connection> = of.into_iter().cloned().collect();
        let message = match of.as_slice() {
            [one] => words::message(&Occurrence::Back(one.clone()), at),
            _ => words::group(false, &of, at),
        };
        match ending {
            Ending::Each => self.outbound(names, message),
            Ending::Whole(together) => {
                let incident = Some(together);
                self.outbound(
                    names,
                    Message {
                        incident,
                        ..message
                    },
                )
            }
            Ending::Rest => self.in_any_case(names, message),
        }
    }

    /// Plans an end whose problem the engine's store cannot match. It is an incident of its
    /// own, and is reported whatever became of the problem.
    fn in_any_case(&mut self, names: Vec<Arc<str>>, message: Message) -> OutboundMessage {
        let (id, key) = self.number();
        let incident = Some(together(&key));
        OutboundMessage {
            id,
            key,
            names,
            message: Arc::new(Message {
                incident,
                ..message
            }),
        }
    }

    /// Plans a problem that may have been reported there already.
    fn problem(
        &mut self,
        incident: &Arc<str>,
        name: &Arc<str>,
        grouping: Grouping,
        changes: &mut Vec<IncidentChange>,
    ) {
        let grouping = match self.open.grouping(incident, name) {
            Some(before) if *before != grouping => Grouping::Mixed,
            _ => grouping,
        };
        self.open.set(incident, name, Some(grouping), changes);
    }
}

/// Groups the recipients of the same message.
fn alike<K: Ord>(pairs: impl Iterator<Item = (K, Arc<str>)>) -> BTreeMap<K, Vec<Arc<str>>> {
    let mut lists: BTreeMap<K, Vec<Arc<str>>> = BTreeMap::new();
    for (key, name) in pairs {
        lists.entry(key).or_default().push(name);
    }
    lists
}

/// Names an incident of many hosts. The incidents of single hosts begin with the host's
/// name, never with a slash.
fn together(key: &str) -> Arc<str> {
    format!("/together/{key}").into()
}
