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
    open::{Ending, IncidentChange, Open, Reported},
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
        if outbound.is_empty() {
            let message = words::message(&notice.what, notice.at);
            // The end of a problem concerns those who were notified of the problem.
            if message.kind != Kind::Recovery {
                tracing::warn!(text = %message.body, "no channel is configured for this: nobody is notified");
            }
        }
        outbound
    }

    /// Returns the records of a notice of which nobody is notified: of a problem that a silence
    /// suppressed, and of its end, which ends the incident. The end of a problem of which nothing
    /// was recorded has none.
    pub fn suppress(
        &mut self,
        suppressed: &SuppressedNotice,
        routes: &impl Routes,
        changes: &mut Vec<IncidentChange>,
    ) -> Vec<OutboundMessage> {
        let Notice { what, at } = &suppressed.notice;
        let message = words::message(what, *at);
        if let (Kind::Recovery, Some(incident)) = (message.kind, message.incident.clone()) {
            return self.end_of_one(&message, incident, changes);
        }
        let Some(names) = message.host.as_deref().map(|host| routes.of_host(host)) else {
            return Vec::new();
        };
        if names.is_empty() {
            return Vec::new();
        }
        if let (Kind::Problem, Some(incident)) = (message.kind, &message.incident) {
            for name in &names {
                self.open
                    .add(incident, name, Reported::suppressed(), changes);
            }
        }
        let message = Message {
            suppressed: suppressed.rule.as_deref().map(Into::into),
            ..message
        };
        vec![self.outbound(names, message)]
    }

    /// Returns the incidents under which a connection's problem was reported together with
    /// others.
    #[must_use]
    pub fn together(&self, of: &Connection) -> BTreeSet<Arc<str>> {
        self.open.together(&words::heartbeat_incident(of))
    }

    /// Creates a message for exactly these channels and groups.
    pub fn outbound(&mut self, names: Vec<Arc<str>>, message: Message) -> OutboundMessage {
        let number = self.number();
        self.numbered(number, names, message)
    }

    /// The same, with a number that was given out.
    fn numbered(
        &self,
        (id, key): (u64, Arc<str>),
        names: Vec<Arc<str>>,
        mut message: Message,
    ) -> OutboundMessage {
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
            (Kind::Recovery, Some(incident)) => self.end_of_one(&message, incident, changes),
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
                        self.open.add(incident, name, Reported::alone(), changes);
                    }
                }
                vec![self.outbound(names, message)]
            }
        }
    }

    fn end_of_one(
        &mut self,
        message: &Message,
        incident: Arc<str>,
        changes: &mut Vec<IncidentChange>,
    ) -> Vec<OutboundMessage> {
        let endings = self.open.end(&[incident], changes).into_iter();
        alike(endings.map(|(_, name, ending)| (ending, name)))
            .into_iter()
            .map(|(ending, names)| self.end(ending, names, message.clone()))
            .collect()
    }

    /// Plans the message of an end.
    fn end(&mut self, ending: Ending, names: Vec<Arc<str>>, message: Message) -> OutboundMessage {
        let number = self.number();
        let incident = match ending {
            Ending::Own => message.incident.clone(),
            Ending::Whole(together) => Some(together),
            // An incident of its own, which is reported whatever became of the problem.
            Ending::Rest => Some(together(&number.1)),
        };
        let message = Message {
            incident,
            ..message
        };
        self.numbered(number, names, message)
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
            let number = self.number();
            let (message, reported) = if let [one] = of.as_slice() {
                (
                    words::message(&Occurrence::Overdue(one.clone()), at),
                    Reported::alone(),
                )
            } else {
                let together = together(&number.1);
                let message = words::group(true, &of, at);
                (
                    Message {
                        incident: Some(Arc::clone(&together)),
                        ..message
                    },
                    Reported::together(together),
                )
            };
            for name in &names {
                for member in &of {
                    let incident = words::heartbeat_incident(member);
                    self.open.add(&incident, name, reported.clone(), changes);
                }
            }
            outbound.push(self.numbered(number, names, message));
        }
        outbound
    }

    fn many_back(
        &mut self,
        members: &[Connection],
        at: Moment,
        changes: &mut Vec<IncidentChange>,
    ) -> Vec<OutboundMessage> {
        let incidents: Vec<Arc<str>> = members.iter().map(words::heartbeat_incident).collect();
        let mut found: BTreeMap<(Arc<str>, Ending), BTreeSet<&Connection>> = BTreeMap::new();
        for (place, name, ending) in self.open.end(&incidents, changes) {
            found
                .entry((name, ending))
                .or_default()
                .extend(members.get(place));
        }
        let mut messages: Vec<(Ending, BTreeSet<&Connection>, Arc<str>)> = Vec::new();
        for ((name, ending), of) in found {
            if ending == Ending::Own {
                let each = of.into_iter().map(|one| BTreeSet::from([one]));
                messages.extend(each.map(|one| (Ending::Own, one, Arc::clone(&name))));
            } else {
                messages.push((ending, of, name));
            }
        }
        let messages = messages.into_iter();
        alike(messages.map(|(ending, of, name)| ((ending, of), name)))
            .into_iter()
            .map(|((ending, of), names)| {
                let of: Vec<Connection> = of.into_iter().cloned().collect();
                let message = match of.as_slice() {
                    [one] => words::message(&Occurrence::Back(one.clone()), at),
                    _ => words::group(false, &of, at),
                };
                self.end(ending, names, message)
            })
            .collect()
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
