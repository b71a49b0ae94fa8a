//! Reads lists that name channels and groups of channels.

use std::collections::HashSet;

use super::{
    channels::Channels,
    group::{GroupConfig, Named},
    groups::Groups,
    model::ChannelIndex,
    problem::{Findings, Problem},
    redact::quoted,
    suggest,
    tree::{Entry, Node, NodeId, Scalar, Value},
};

/// A name in a list that was found, and its place in the file.
pub(super) struct Name<'a> {
    pub(super) named: Named,
    pub(super) text: &'a str,
    pub(super) id: NodeId,
}

/// Everything that a list may name.
#[derive(Clone, Copy)]
pub(super) struct Naming<'a> {
    pub(super) channels: &'a Channels,
    pub(super) groups: &'a Groups,
}

impl Naming<'_> {
    /// Returns the names of a list, or `None` if the node is not a list or is empty. Leaves out names
    /// that are wrong.
    pub(super) fn read<'n>(
        self,
        entry: &'n Entry,
        field: &str,
        when_empty: &str,
        findings: &mut Findings,
    ) -> Option<Vec<Name<'n>>> {
        let wrong = |findings: &mut Findings, sentence: String, help: String| {
            let problem = Problem::error(sentence).help(help);
            findings.at(entry.node.id, problem.field(field));
            None
        };
        let found = entry.node.noun();
        let expected = format!("expected a list of channel names, found {found}");
        let nodes = match &entry.node.value {
            Value::List(nodes) => nodes,
            Value::Scalar(Scalar::Text, text) => {
                return wrong(findings, expected, suggest::as_list(text));
            }
            _ => return wrong(findings, expected, when_empty.to_owned()),
        };
        if nodes.is_empty() {
            let sentence = "the list is empty: nobody would be notified".to_owned();
            return wrong(
                findings,
                sentence,
                format!("name a channel, or {when_empty}"),
            );
        }
        let mut names = Vec::with_capacity(nodes.len());
        for (i, node) in nodes.iter().enumerate() {
            match self.name(node, findings.may_suggest()) {
                Ok(name) => names.extend(name),
                Err(problem) => findings.at(node.id, problem.field(format!("{field}[{i}]"))),
            }
        }
        Some(names)
    }

    /// Returns what a node names, or `None` if that is defined but cannot be used.
    fn name<'n>(self, node: &'n Node, may_suggest: bool) -> Result<Option<Name<'n>>, Box<Problem>> {
        let Value::Scalar(kind, text) = &node.value else {
            let problem = format!("expected the name of a channel, found {}", node.noun());
            return Err(Box::new(Problem::error(problem)));
        };
        let (channels, groups) = (self.channels, self.groups);
        let channel = channels.by_name.get(&**text).copied().map(Named::Channel);
        let group = || groups.by_name.get(&**text).copied().map(Named::Group);
        if let Some(named) = channel.or_else(group) {
            let id = node.id;
            return Ok(Some(Name { named, text, id }));
        }
        if channels.broken.contains(text) || groups.broken.contains(text) {
            return Ok(None);
        }
        if *kind == Scalar::Null {
            return Err(Box::new(Problem::error("a name is missing here")));
        }
        let (noun, nouns) = match groups.by_name.is_empty() {
            true => ("channel", "channels"),
            false => ("channel or group", "channels and groups"),
        };
        let known = channels.by_name.keys().chain(groups.by_name.keys());
        let problem = Problem::error(format!("there is no {noun} {}", quoted(text)));
        Err(Box::new(match may_suggest {
            true => problem.help(suggest::help(text, nouns, known.map(|name| &**name))),
            false => problem,
        }))
    }
}

/// The maximum number of names that are visited, in all lists of a file that name groups, to find
/// the channels of these lists. With a hundred channels in a group, ten thousand different lists
/// may name it.
const MAX_VISITED: usize = 1_000_000;

/// Finds the channels of lists, as long as the cost is within [`MAX_VISITED`]: groups that name
/// groups, and are named by many hosts, multiply.
pub(super) struct Flattening {
    left: usize,
}

impl Default for Flattening {
    fn default() -> Self {
        Self { left: MAX_VISITED }
    }
}

impl Flattening {
    /// Returns the channels that are named, and those of the groups among the names. Each is
    /// returned once if `named` has no duplicates. Returns `None` if the cost exceeds the bound.
    pub(super) fn channels(
        &mut self,
        named: &[Named],
        groups: &[GroupConfig],
    ) -> Option<Vec<ChannelIndex>> {
        // Most lists name only channels, and each once.
        let is_channel = |one: &Named| match *one {
            Named::Channel(index) => Some(index),
            Named::Group(_) => None,
        };
        if let Some(channels) = named.iter().map(is_channel).collect() {
            return Some(channels);
        }
        let mut channels = Vec::with_capacity(named.len());
        let mut seen = HashSet::new();
        let mut next: Vec<Named> = named.iter().rev().copied().collect();
        while let Some(one) = next.pop() {
            self.left = self.left.checked_sub(1)?;
            if !seen.insert(one) {
                continue;
            }
            match one {
                Named::Channel(index) => channels.push(index),
                Named::Group(index) => {
                    let group = usize::try_from(index).ok().and_then(|at| groups.get(at));
                    next.extend(
                        group
                            .into_iter()
                            .flat_map(|group| group.first_of.iter().rev()),
                    );
                }
            }
        }
        Some(channels)
    }
}

/// Returns the problem of the list at which the bound was exceeded.
pub(super) fn too_many() -> Problem {
    let sentence = "with the groups in them, the lists up to this one name too many channels";
    Problem::error(sentence)
        .help(format!("name fewer groups, or smaller ones: all lists of the file may have {MAX_VISITED} names in them"))
}
