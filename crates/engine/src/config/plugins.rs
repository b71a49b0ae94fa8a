//! Reads the key `plugins`: the folders of plugins besides those that the caller names, and the
//! policy that decides which plugins may be loaded.

use std::path::{Path, PathBuf};

use super::{
    problem::{Findings, Problem},
    redact::hide,
    suggest,
    top_level::{LoadOptions, PLUGINS as KEY},
    tree::{Entry, Node, Scalar, Value},
};
use crate::plugin::{Lock, LockMode, PluginDir, Policy, Trust, default_dirs};

const FIELDS: [&str; 4] = ["dirs", "lock", "lock_file", "trust"];
/// The default name of the lock file, which is next to the configuration.
const LOCK_FILE: &str = "plugins.lock";

/// Where plugins are searched, and which of them may be loaded.
#[derive(Debug)]
pub(crate) struct PluginSearch {
    pub(crate) dirs: Vec<PluginDir>,
    pub(crate) policy: Policy,
}

/// Returns the folders that the file and the caller name, or otherwise the default folders. `path`
/// is the path of the configuration file.
pub(super) fn search(
    path: &Path,
    root: &Node,
    options: &LoadOptions,
    findings: &mut Findings,
) -> PluginSearch {
    let mut dirs = options.plugin_dirs.clone();
    let mut policy = Policy {
        lock_file: path.with_file_name(LOCK_FILE),
        ..Policy::default()
    };
    if let Some(section) = root.entry(KEY) {
        match &section.node.value {
            Value::Map(fields) => {
                fields
                    .iter()
                    .for_each(|field| read(field, &mut dirs, &mut policy, findings));
                read_lock(path, section, &mut policy, findings);
            }
            _ => {
                hide(&section.node, false, findings);
                let problem =
                    Problem::error(format!("expected a mapping, found {}", section.node.noun()));
                findings.at(section.node.id, problem.field(KEY));
            }
        }
    }
    if dirs.is_empty() {
        dirs = default_dirs();
    }
    PluginSearch { dirs, policy }
}

/// Returns the lock file that this section names, or the one next to the configuration.
fn lock_file(path: &Path, section: &Node) -> PathBuf {
    match section.entry("lock_file").map(|entry| &entry.node.value) {
        Some(Value::Scalar(Scalar::Text, named)) => PathBuf::from(&**named),
        _ => path.with_file_name(LOCK_FILE),
    }
}

fn read(field: &Entry, dirs: &mut Vec<PluginDir>, policy: &mut Policy, findings: &mut Findings) {
    let node = &field.node;
    match &*field.key {
        "dirs" => named_dirs(node, dirs, findings),
        "trust" => {
            let words = [("strict", Trust::Strict), ("warn", Trust::Warn)];
            policy.trust = word(field, words, findings).unwrap_or_default();
        }
        "lock" => {
            let words = [
                ("off", LockMode::Off),
                ("warn", LockMode::Warn),
                ("require", LockMode::Require),
            ];
            policy.lock_mode = word(field, words, findings).unwrap_or(LockMode::Require);
        }
        "lock_file" => match &node.value {
            Value::Scalar(Scalar::Text, path) if Path::new(&**path).is_absolute() => {}
            _ => {
                let problem = Problem::error("expected the absolute path of a file")
                    .help("write the absolute path, from /");
                findings.at(node.id, problem.field(format!("{KEY}.lock_file")));
            }
        },
        other => {
            hide(&field.node, false, findings);
            let problem = Problem::warning("unknown field").field(format!("{KEY}.{other}"));
            findings.at(
                field.key_id,
                problem.help(suggest::help(other, "fields", FIELDS)),
            );
        }
    }
}

/// Reads one of a few words.
fn word<T, const N: usize>(
    field: &Entry,
    words: [(&str, T); N],
    findings: &mut Findings,
) -> Option<T> {
    let known = words.each_ref().map(|(word, _)| *word);
    // YAML reads `off` as a boolean.
    let said = match &field.node.value {
        Value::Scalar(Scalar::Bool, text) if matches!(&**text, "off" | "false") => "off",
        Value::Scalar(_, text) => &**text,
        _ => "",
    };
    let found = words.into_iter().find(|(word, _)| *word == said);
    if found.is_none() {
        let problem = Problem::error(format!("expected one of: {}", known.join(", ")));
        findings.at(field.node.id, problem.field(format!("{KEY}.{}", field.key)));
    }
    found.map(|(_, value)| value)
}

fn read_lock(path: &Path, section: &Entry, policy: &mut Policy, findings: &mut Findings) {
    policy.lock_file = lock_file(path, &section.node);
    if policy.lock_mode == LockMode::Off {
        return;
    }
    match Lock::read(&policy.lock_file) {
        Ok(lock) => policy.lock = Some(lock),
        Err(error) => {
            let node = section
                .node
                .entry("lock")
                .map_or(&section.node, |lock| &lock.node);
            let message = error.to_string();
            let problem = if policy.lock_mode == LockMode::Require {
                policy.lock = Some(Lock::empty(&policy.lock_file));
                Problem::error(message)
            } else {
                Problem::warning(message)
            };
            findings.at(node.id, problem.field(format!("{KEY}.lock")));
        }
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
                        .help("write the absolute path, from /")
                        .field(format!("{field}[{i}]")),
                );
            }
        }
    }
}
