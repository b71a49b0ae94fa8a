//! Names that hosts use of a section's keys: each should be one of them.

use std::collections::HashSet;

use super::{
    content::present,
    problem::{Findings, Problem},
    section::Section,
    suggest,
    tree::{Entry, Node, Scalar, Value},
};

/// The keys of one section, and the key of hosts that names them.
pub(super) struct Names<'a> {
    host_key: &'a str,
    section: &'a str,
    known: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    /// Those of every section that is there.
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

    /// Warns when a host's field names what is not there.
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
        let Value::Scalar(kind, name) = &node.value else {
            return;
        };
        if *kind == Scalar::Null || self.known.contains(&**name) {
            return;
        }
        let section = self.section;
        let problem = Problem::warning(format!(
            "there is no `{}` in {section}",
            name.escape_debug()
        ));
        let known = self.known.iter().copied();
        let help = suggest::help(name, "names there", known);
        findings.at(node.id, problem.field(at).help(help));
    }
}
