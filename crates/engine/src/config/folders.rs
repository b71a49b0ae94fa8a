//! Reads where plugins are: `plugins.dirs`, besides what the caller names.

use std::path::Path;

use super::{
    load::LoadOptions,
    problem::{Findings, Problem},
    suggest,
    tree::{Node, Scalar, Value},
};
use crate::plugin::{PluginDir, default_dirs};

/// The key below which the folders stand.
pub(super) const KEY: &str = "plugins";

/// The folders that the file and the caller name; else the default ones.
pub(super) fn read(root: &Node, options: &LoadOptions, findings: &mut Findings) -> Vec<PluginDir> {
    let mut dirs = options.plugin_dirs.clone();
    if let Some(section) = root.entry(KEY) {
        let fields = match &section.node.value {
            Value::Map(fields) => fields.as_slice(),
            _ => {
                let problem =
                    Problem::error(format!("expected a mapping, found {}", section.node.noun()));
                findings.at(section.node.id, problem.field(KEY));
                &[]
            }
        };
        for field in fields {
            if &*field.key == "dirs" {
                named_dirs(&field.node, &mut dirs, findings);
            } else {
                let problem =
                    Problem::warning("unknown field").field(format!("{KEY}.{}", field.key));
                findings.at(
                    field.key_id,
                    problem.help(suggest::help(&field.key, "fields", ["dirs"])),
                );
            }
        }
    }
    if dirs.is_empty() {
        default_dirs()
    } else {
        dirs
    }
}

fn named_dirs(node: &Node, dirs: &mut Vec<PluginDir>, findings: &mut Findings) {
    let field = format!("{KEY}.dirs");
    let Value::List(nodes) = &node.value else {
        let problem = Problem::error(format!("expected a list of folders, found {}", node.noun()));
        findings.at(node.id, problem.field(field));
        return;
    };
    for (i, node) in nodes.iter().enumerate() {
        match &node.value {
            Value::Scalar(Scalar::Text, path) if Path::new(&**path).is_absolute() => {
                dirs.push(PluginDir::named(&**path));
            }
            _ => {
                let problem = Problem::error("expected the absolute path of a folder");
                findings.at(
                    node.id,
                    problem
                        .help("write the whole path, from /")
                        .field(format!("{field}[{i}]")),
                );
            }
        }
    }
}
