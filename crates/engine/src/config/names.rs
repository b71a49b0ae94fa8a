//! Checks names across sections: hosts may name keys of a section, and sections may name hosts. An
//! unknown name is a warning and never an error, because it may be defined later.

use std::collections::HashSet;

use super::{
    content::present,
    path::FieldPath,
    problem::{Findings, Problem},
    redact::quoted,
    section::Section,
    suggest,
    tree::{Entry, Node, Scalar, Value},
};

const HOSTS: &str = "hosts";

/// The keys of one section, and the key of hosts that names them.
pub(super) struct Names<'a> {
    host_key: &'a str,
    section: &'a str,
    known: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    /// Returns the keys of every section that exists.
    pub(super) fn of(sections: &'a [Section], root: &'a Node) -> Vec<Self> {
        let mut all = Vec::new();
        for section in sections {
            let Some(Value::Map(entries)) = present(section, root).map(|entry| &entry.node.value)
            else {
                continue;
            };
            all.extend(section.named_by.iter().map(|host_key| Self {
                host_key,
                section: &section.name,
                known: entries.iter().map(|entry| &*entry.key).collect(),
            }));
        }
        all
    }

    /// Warns if a field of a host names a key that does not exist.
    pub(super) fn check(&self, field: &Entry, findings: &mut Findings) {
        if *self.host_key != *field.key {
            return;
        }
        match &field.node.value {
            Value::List(nodes) => nodes
                .iter()
                .enumerate()
                .for_each(|(i, node)| self.name(node, &format!("{}[{i}]", field.key), findings)),
            _ => self.name(&field.node, &field.key, findings),
        }
    }

    fn name(&self, node: &Node, at: &str, findings: &mut Findings) {
        known_name(node, at, self.section, &self.known, findings);
    }
}

/// Warns if sections name hosts that are not in the file.
pub(super) fn check_hosts(sections: &[Section], root: &Node, findings: &mut Findings) {
    let hosts = root.entry(HOSTS).map(|entry| &entry.node.value);
    let Some(Value::Map(entries)) = hosts else {
        return;
    };
    let known: HashSet<&str> = entries.iter().map(|entry| &*entry.key).collect();
    for section in sections {
        let Some(entry) = present(section, root) else {
            continue;
        };
        for path in &section.host_lists {
            let at = FieldPath::of(&section.name);
            descend(&entry.node, path, &at, &known, findings);
        }
    }
}

/// Follows a path to the names at its end.
fn descend(
    node: &Node,
    path: &[String],
    at: &FieldPath,
    known: &HashSet<&str>,
    findings: &mut Findings,
) {
    match (path, &node.value) {
        ([], Value::List(names)) => {
            for (i, name) in names.iter().enumerate() {
                let at = String::from(at.index(i));
                known_name(name, &at, HOSTS, known, findings);
            }
        }
        ([each, rest @ ..], Value::List(nodes)) if each == "*" => {
            for (i, node) in nodes.iter().enumerate() {
                descend(node, rest, &at.index(i), known, findings);
            }
        }
        ([key, rest @ ..], _) => {
            if let Some(entry) = node.entry(key) {
                descend(&entry.node, rest, &at.key(key), known, findings);
            }
        }
        ([], _) => known_name(node, &String::from(at.clone()), HOSTS, known, findings),
    }
}

fn known_name(
    node: &Node,
    at: &str,
    section: &str,
    known: &HashSet<&str>,
    findings: &mut Findings,
) {
    let Value::Scalar(kind, name) = &node.value else {
        return;
    };
    if *kind == Scalar::Null || known.contains(&**name) {
        return;
    }
    let problem = Problem::warning(format!("there is no {} in {section}", quoted(name)));
    let problem = match findings.may_suggest() {
        true => problem.help(suggest::help(name, "names there", known.iter().copied())),
        false => problem,
    };
    findings.at(node.id, problem.field(at));
}
