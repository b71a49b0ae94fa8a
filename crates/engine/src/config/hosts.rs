//! Reads the hosts and the default channels.

use std::{collections::HashSet, sync::Arc};

use super::{
    channels::Channels,
    extras::Extras,
    host_table::HostTable,
    load::LoadOptions,
    model::{ChannelIndex, HostConfig},
    names::Names,
    problem::{Findings, Problem},
    suggest,
    tree::{Entry, Node, Scalar, Value},
};

/// The keys of a host that the specification knows.
pub(crate) const HOST_KEYS: [&str; 4] = ["threshold_config", "watch", CHANNELS, "dyndns"];
const CHANNELS: &str = "notification_channels";
/// The key of the default channels.
pub(crate) const DEFAULTS: &str = "default_notification_channels";

/// Reads hosts and lists of channels. Equal lists are kept once.
pub(crate) struct Hosts<'a> {
    channels: &'a Channels,
    known_keys: &'a [String],
    extras: Option<Extras<'a>>,
    names_of: Vec<Names<'a>>,
    lists: HashSet<Arc<[ChannelIndex]>>,
    names: HashSet<Arc<str>>,
}

impl<'a> Hosts<'a> {
    /// `root` is the whole file, whose sections have what hosts name.
    pub(crate) fn new(channels: &'a Channels, options: &'a LoadOptions, root: &'a Node) -> Self {
        Self {
            channels,
            known_keys: &options.known_host_keys,
            extras: options.host_keys.as_ref().map(Extras::new),
            names_of: Names::of(&options.sections, root),
            lists: HashSet::new(),
            names: HashSet::new(),
        }
    }

    /// The list of default channels.
    pub(crate) fn defaults(
        &mut self,
        entry: &Entry,
        findings: &mut Findings,
    ) -> Arc<[ChannelIndex]> {
        self.list(
            entry,
            DEFAULTS,
            "leave the key away to have no defaults",
            findings,
        )
        .unwrap_or_default()
    }

    /// All hosts.
    pub(crate) fn read(&mut self, node: &Node, findings: &mut Findings) -> HostTable {
        let Value::Map(entries) = &node.value else {
            if !node.is_null() {
                let problem = Problem::error(format!(
                    "expected a mapping of names to hosts, found {}",
                    node.noun()
                ));
                findings.at(node.id, problem.field("hosts"));
            }
            return HostTable::default();
        };
        HostTable::new(entries.iter().map(|entry| {
            let before = findings.len();
            let host = self.host(entry, findings);
            if findings.len() > before {
                findings.name_since(before, &format!("host {}", entry.key));
            }
            (&*entry.key, host)
        }))
    }

    fn host(&mut self, entry: &Entry, findings: &mut Findings) -> HostConfig {
        let mut host = HostConfig::default();
        let fields = match &entry.node.value {
            Value::Map(fields) => fields,
            _ if entry.node.is_null() => return host,
            _ => {
                let problem = Problem::error(format!(
                    "expected the host's settings, found {}",
                    entry.node.noun()
                ));
                findings.at(entry.node.id, problem);
                return host;
            }
        };
        let mut declared: Vec<&Entry> = Vec::new();
        for field in fields {
            for names in &self.names_of {
                names.check(field, findings);
            }
            let wrong = |wanted: &str| {
                Problem::error(format!("expected {wanted}, found {}", field.node.noun()))
                    .field(&*field.key)
            };
            match (&*field.key, &field.node.value) {
                (CHANNELS, _) => {
                    host.channels = self.list(
                        field,
                        CHANNELS,
                        "leave the key away to use the default channels",
                        findings,
                    );
                }
                ("watch", Value::Scalar(Scalar::Bool, text)) => {
                    host.watch = text.eq_ignore_ascii_case("true")
                }
                ("watch", _) => findings.at(
                    field.node.id,
                    wrong("true or false").help("write true or false"),
                ),
                ("threshold_config", Value::Scalar(kind, text)) if *kind != Scalar::Null => {
                    host.threshold_config = Some(self.interned(text));
                }
                ("threshold_config", _) => findings.at(
                    field.node.id,
                    wrong("the name of a threshold configuration"),
                ),
                ("dyndns", Value::Scalar(_, text)) => host.dyndns = Some(text.clone()),
                ("dyndns", _) => findings.at(field.node.id, wrong("true or false")),
                (key, _) if self.declares(key) => declared.push(field),
                (key, _) if self.known_keys.iter().any(|known| known == key) => {}
                (key, _) => findings.at(field.key_id, self.unknown(key)),
            }
        }
        if let Some(extras) = self.extras.as_mut().filter(|_| !declared.is_empty()) {
            host.extra = extras.read(entry, &declared, findings);
        }
        host
    }

    fn declares(&self, key: &str) -> bool {
        self.extras
            .as_ref()
            .is_some_and(|extras| extras.declared().has(key))
    }

    fn unknown(&self, key: &str) -> Problem {
        let declared = self
            .extras
            .iter()
            .flat_map(|extras| extras.declared().keys());
        let known = HOST_KEYS
            .into_iter()
            .chain(self.known_keys.iter().map(String::as_str))
            .chain(declared);
        let problem = Problem::warning("unknown field").field(key);
        match suggest::closest(key, known) {
            Some(found) => problem.help(format!("did you mean `{found}`?")),
            None => problem,
        }
    }

    fn interned(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.names.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.names.insert(Arc::clone(&new));
        new
    }

    /// A list of channel names, each used once.
    fn list(
        &mut self,
        entry: &Entry,
        field: &str,
        when_empty: &str,
        findings: &mut Findings,
    ) -> Option<Arc<[ChannelIndex]>> {
        let nodes = match &entry.node.value {
            Value::List(nodes) => nodes,
            Value::Scalar(Scalar::Text, text) => {
                let problem = Problem::error("expected a list of channel names, found text");
                findings.at(
                    entry.node.id,
                    problem.help(suggest::as_list(text)).field(field),
                );
                return None;
            }
            _ => {
                let problem = Problem::error(format!(
                    "expected a list of channel names, found {}",
                    entry.node.noun()
                ));
                findings.at(entry.node.id, problem.help(when_empty).field(field));
                return None;
            }
        };
        if nodes.is_empty() {
            let problem = Problem::error("the list is empty: nobody would be told");
            findings.at(
                entry.node.id,
                problem
                    .help(format!("name a channel, or {when_empty}"))
                    .field(field),
            );
            return None;
        }
        let mut list: Vec<ChannelIndex> = Vec::with_capacity(nodes.len());
        for (i, node) in nodes.iter().enumerate() {
            let at = || format!("{field}[{i}]");
            let Value::Scalar(kind, name) = &node.value else {
                let problem = Problem::error(format!(
                    "expected the name of a channel, found {}",
                    node.noun()
                ));
                findings.at(node.id, problem.field(at()));
                continue;
            };
            match self.channels.by_name.get(&**name) {
                Some(index) if !list.contains(index) => list.push(*index),
                Some(_) => {}
                None if self.channels.broken.contains(name) => {}
                None if *kind == Scalar::Null => {
                    findings.at(node.id, Problem::error("there is no name here").field(at()));
                }
                None => {
                    let known = self.channels.by_name.keys().map(|known| &**known);
                    let problem =
                        Problem::error(format!("there is no channel `{}`", name.escape_debug()))
                            .help(suggest::help(name, "channels", known));
                    findings.at(node.id, problem.field(at()));
                }
            }
        }
        let list: Arc<[ChannelIndex]> = list.into();
        Some(match self.lists.get(&list) {
            Some(known) => Arc::clone(known),
            None => {
                self.lists.insert(Arc::clone(&list));
                list
            }
        })
    }
}
