//! Reads the groups of channels. Groups may name each other, but not in a circle.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value as Json;

use super::{
    channels::{Channels, MAX_NAME_LENGTH},
    group::{GroupConfig, GroupIndex, Named},
    model::ChannelIndex,
    naming::{Flattening, Name, Naming, too_many},
    options::{FORMATS, GROUP_BUT_STEPS, GroupOptions},
    problem::{Findings, Problem},
    redact::hide,
    schema::Reader,
    top_level::GROUPS as KEY,
    tree::{Entry, Node, NodeId, Value},
    unprovable,
};

const FIRST_OF: &str = "first_of";
/// The maximum nesting of groups. Deeper ones would be hard to understand, and it bounds the
/// recursion.
const MAX_DEPTH: usize = 16;

/// The groups of a file, in the order of the file, and their numbers by name. Also the names of
/// groups that could not be used.
#[derive(Default)]
pub(crate) struct Groups {
    pub(crate) list: Vec<GroupConfig>,
    pub(crate) by_name: HashMap<Arc<str>, GroupIndex>,
    pub(crate) broken: HashSet<Box<str>>,
}

/// Reads a mapping of names to groups.
pub(crate) fn read(node: &Node, channels: &Channels, findings: &mut Findings) -> Groups {
    let mut groups = Groups::default();
    let Value::Map(entries) = &node.value else {
        if !node.is_null() {
            let problem = format!(
                "expected a mapping of names to groups, found {}",
                node.noun()
            );
            findings.at(node.id, Problem::error(problem).field(KEY));
        }
        return groups;
    };
    // All names are read first, because each group may name all others.
    let mut sound: Vec<&Entry> = Vec::new();
    for entry in entries {
        match unfit(entry, channels) {
            Some(problem) => {
                let subject = format!("group {}", entry.key);
                findings.about(&subject, |findings| findings.at(entry.key_id, problem));
                groups.broken.insert(entry.key.clone());
            }
            None => {
                let index = GroupIndex::try_from(sound.len()).unwrap_or(GroupIndex::MAX);
                groups.by_name.insert((&*entry.key).into(), index);
                sound.push(entry);
            }
        }
    }
    let mut names: Vec<Vec<Name<'_>>> = Vec::with_capacity(sound.len());
    for entry in &sound {
        let subject = format!("group {}", entry.key);
        let naming = Naming {
            channels,
            groups: &groups,
        };
        let (group, named) = findings.about(&subject, |findings| group(entry, naming, findings));
        groups.list.push(group);
        names.push(named);
    }
    let before = findings.errors();
    circles(&groups.list, &names, findings);
    if findings.errors() > before {
        return groups;
    }
    let mut flattening = Flattening::default();
    let mut all: Vec<Arc<[ChannelIndex]>> = Vec::with_capacity(groups.list.len());
    for (group, entry) in groups.list.iter().zip(&sound) {
        let Some(channels) = flattening.channels(&group.first_of, &groups.list) else {
            let problem = too_many().field(FIRST_OF);
            findings.about(&format!("group {}", group.name), |findings| {
                findings.at(entry.key_id, problem);
            });
            return groups;
        };
        all.push(channels.into());
    }
    for (group, flat) in groups.list.iter_mut().zip(all) {
        group.channels = flat;
    }
    unprovable::check(&groups.list, &sound, channels, findings);
    groups
}

/// Returns why an entry cannot be a group, whatever it contains.
fn unfit(entry: &Entry, channels: &Channels) -> Option<Problem> {
    let name = &*entry.key;
    if name.is_empty() || name.len() > MAX_NAME_LENGTH || name.chars().any(char::is_control) {
        let help = format!("use 1 to {MAX_NAME_LENGTH} printable characters, such as oncall");
        return Some(Problem::error("this cannot be the name of a group").help(help));
    }
    let is_channel = channels.by_name.contains_key(name) || channels.broken.contains(&entry.key);
    is_channel.then(|| {
        Problem::error("a channel has the same name")
            .help("give the group another name: lists name groups and channels alike")
    })
}

fn group<'n>(
    entry: &'n Entry,
    naming: Naming<'_>,
    findings: &mut Findings,
) -> (GroupConfig, Vec<Name<'n>>) {
    let mut options = GroupOptions::default();
    let mut names = Vec::new();
    match &entry.node.value {
        Value::Map(fields) => {
            let mut reader = Reader::of_options(&GROUP_BUT_STEPS, &FORMATS, findings);
            let read = reader.settings(entry.key_id, fields, &[]);
            // Values that cannot be read were reported before.
            options = serde_json::from_value(Json::Object(read)).unwrap_or_default();
            if let Some(steps) = entry.node.entry(FIRST_OF) {
                let read = naming.read(steps, FIRST_OF, "remove the group", findings);
                names = read.unwrap_or_default();
            }
        }
        _ => {
            hide(&entry.node, false, findings);
            let problem = format!("expected the group's steps, found {}", entry.node.noun());
            let id = if entry.node.is_null() {
                entry.key_id
            } else {
                entry.node.id
            };
            let help = "write at least `first_of:`, such as {first_of: [pager, mail]}";
            findings.at(id, Problem::error(problem).help(help));
        }
    }
    let group = GroupConfig {
        name: (&*entry.key).into(),
        first_of: names.iter().map(|name| name.named).collect(),
        steps: names.iter().map(|name| name.text.into()).collect(),
        until: options.until,
        step_after: options.step_after,
        channels: Arc::default(),
    };
    (group, names)
}

/// Reports groups that name themselves, and those nested too deep.
fn circles(groups: &[GroupConfig], names: &[Vec<Name<'_>>], findings: &mut Findings) {
    let mut walk = Walk {
        groups,
        names,
        depths: vec![None; groups.len()],
        way: Vec::new(),
        too_deep: false,
    };
    for group in 0..groups.len() {
        walk.down(group, findings);
    }
}

/// A walk from groups to the groups that they name.
struct Walk<'a> {
    groups: &'a [GroupConfig],
    names: &'a [Vec<Name<'a>>],
    /// The depths of the groups that were visited. A group that names no groups has 1.
    depths: Vec<Option<usize>>,
    way: Vec<usize>,
    too_deep: bool,
}

impl Walk<'_> {
    /// Returns the depth of a group.
    fn down(&mut self, group: usize, findings: &mut Findings) -> usize {
        if let Some(depth) = self.depths.get(group).copied().flatten() {
            return depth;
        }
        self.way.push(group);
        let (names, mut depth) = (self.names, 1);
        for (i, name) in names.get(group).into_iter().flatten().enumerate() {
            let Named::Group(next) = name.named else {
                continue;
            };
            let next = usize::try_from(next).unwrap_or(usize::MAX);
            if let Some(at) = self.way.iter().position(|passed| *passed == next) {
                self.wrong(group, i, name.id, self.circle(at), findings);
                continue;
            }
            let below = match self.way.len() {
                MAX_DEPTH.. => MAX_DEPTH,
                _ => self.down(next, findings),
            };
            depth = depth.max(1 + below);
            if depth > MAX_DEPTH && !self.too_deep {
                self.too_deep = true;
                let sentence = format!("the groups are nested more than {MAX_DEPTH} deep");
                let problem = Problem::error(sentence).help("name the channels themselves");
                self.wrong(group, i, name.id, problem, findings);
            }
        }
        self.way.pop();
        if let Some(known) = self.depths.get_mut(group) {
            *known = Some(depth);
        }
        depth
    }

    fn circle(&self, at: usize) -> Problem {
        let names: Vec<&str> = self
            .way
            .iter()
            .skip(at)
            .chain(self.way.get(at))
            .filter_map(|group| self.groups.get(*group))
            .map(GroupConfig::name)
            .collect();
        let sentence = match names.as_slice() {
            [_, _] => "the group names itself".to_owned(),
            names => format!("this leads back to itself: {}", names.join(" -> ")),
        };
        Problem::error(sentence).help("remove one of the names")
    }

    fn wrong(
        &self,
        group: usize,
        item: usize,
        id: NodeId,
        problem: Problem,
        findings: &mut Findings,
    ) {
        let name = self.groups.get(group).map_or("", GroupConfig::name);
        let problem = problem.field(format!("{FIRST_OF}[{item}]"));
        findings.about(&format!("group {name}"), |findings| {
            findings.at(id, problem)
        });
    }
}
