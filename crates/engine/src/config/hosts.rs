//! Reads the hosts and the default channels.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    extras::Extras,
    group::{Named, ResolvedNames},
    host_table::HostTable,
    model::HostConfig,
    names::Names,
    naming::{Flattening, Naming, too_many},
    problem::{Findings, Problem},
    redact::{hide, named},
    suggest,
    top_level::{DEFAULTS, LoadOptions},
    tree::{Entry, Node, Scalar, Value},
};

/// The keys of a host that the specification defines.
pub(crate) const HOST_KEYS: [&str; 4] = ["threshold_config", "watch", CHANNELS, "dyndns"];
const CHANNELS: &str = "notification_channels";

/// Reads hosts and lists of channels. Equal lists are stored once.
pub(crate) struct Hosts<'a> {
    naming: Naming<'a>,
    known_keys: &'a [String],
    extras: Option<Extras<'a>>,
    names_of: Vec<Names<'a>>,
    routes: HashMap<Box<[Named]>, Arc<ResolvedNames>>,
    flattening: Flattening,
    is_too_much: bool,
    names: HashSet<Arc<str>>,
}

impl<'a> Hosts<'a> {
    /// Creates a reader. `root` is the whole file, whose sections define what hosts name.
    pub(crate) fn new(naming: Naming<'a>, options: &'a LoadOptions, root: &'a Node) -> Self {
        Self {
            naming,
            known_keys: &options.known_host_keys,
            extras: options.host_keys.as_ref().map(Extras::new),
            names_of: Names::of(&options.sections, root),
            routes: HashMap::new(),
            flattening: Flattening::default(),
            is_too_much: false,
            names: HashSet::new(),
        }
    }

    /// Reads the list of default channels.
    pub(crate) fn defaults(&mut self, entry: &Entry, findings: &mut Findings) -> ResolvedNames {
        let when_empty = "omit the key to have no defaults";
        let route = self.list(entry, DEFAULTS, when_empty, findings);
        route.as_deref().cloned().unwrap_or_default()
    }

    /// Reads all hosts.
    pub(crate) fn read(&mut self, node: &Node, findings: &mut Findings) -> HostTable {
        let Value::Map(entries) = &node.value else {
            if !node.is_null() {
                hide(node, false, findings);
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
            if entry.key.is_empty() {
                let problem = Problem::error("a host without a name");
                findings.at(
                    entry.key_id,
                    problem.help("write the name in front of the colon"),
                );
            }
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
                hide(&entry.node, false, findings);
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
                        "omit the key to use the default channels",
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
                (key, _) => {
                    // Only the program that reads it, if any, knows which parts are secret.
                    hide(&field.node, false, findings);
                    if self.known_keys.iter().all(|known| known != key) {
                        findings.at(field.key_id, self.unknown(key));
                    }
                }
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
        let problem = Problem::warning("unknown field").field(named(key));
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

    /// Reads a list of names of channels and groups, each used once.
    fn list(
        &mut self,
        entry: &Entry,
        field: &str,
        when_empty: &str,
        findings: &mut Findings,
    ) -> Option<Arc<ResolvedNames>> {
        let names = self.naming.read(entry, field, when_empty, findings)?;
        let mut seen = HashSet::with_capacity(names.len());
        let named = names.iter().map(|name| name.named);
        let named: Box<[Named]> = named.filter(|one| seen.insert(*one)).collect();
        if let Some(known) = self.routes.get(&named) {
            return Some(Arc::clone(known));
        }
        let groups = &self.naming.groups.list;
        let channels = self.flattening.channels(&named, groups);
        let channels = channels.unwrap_or_else(|| {
            if !std::mem::replace(&mut self.is_too_much, true) {
                findings.at(entry.node.id, too_many().field(field));
            }
            Vec::new()
        });
        let has_groups = named.iter().any(|one| matches!(one, Named::Group(_)));
        let route = Arc::new(ResolvedNames {
            channels: channels.into(),
            named: has_groups.then(|| named.clone()),
        });
        self.routes.insert(named, Arc::clone(&route));
        Some(route)
    }
}
