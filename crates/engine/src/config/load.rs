//! Loads a file as a checked configuration, and reports every problem at once.

use std::path::Path;

use super::{
    channels::{self, Channels, Plugins},
    content,
    group::ResolvedNames,
    groups::{self, Groups},
    hosts::Hosts,
    locate::{Located, Span},
    model::Config,
    names,
    naming::Naming,
    options::{self, Inherited, StorePlace},
    plugins::{self, PluginSearch},
    problem::{Findings, Level, Problem, Problems},
    reach,
    read::parse,
    redact::hide,
    section::Section,
    source::{ReadError, begin, text_of, tree_of},
    top_level::{CHANNELS, DEFAULTS, GROUPS, HOSTS, KEYS, LoadOptions},
    tree::{Entry, Node, NodeId, Scalar, Tree, Value},
    unsupported,
};
use crate::{
    plugin::{Sha256, typed},
    runtime::Catalog,
};

/// A file that was read as YAML. Its settings for plugins are read first, and the rest is checked
/// with those plugins.
pub(crate) struct Document<'a> {
    path: &'a Path,
    text: String,
    mode: u32,
    root: Node,
    findings: Findings,
    options: &'a LoadOptions,
}

impl<'a> Document<'a> {
    /// # Errors
    /// [`ReadError`] when the file cannot be read or is not YAML.
    pub(crate) fn read(path: &'a Path, options: &'a LoadOptions) -> Result<Self, ReadError> {
        let (text, mode) = text_of(path)?;
        let tree = tree_of(path, &text, &options.sections);
        let tree = tree.map_err(|problems| ReadError::Problems(Box::new(problems)))?;
        let (root, findings) = begin(tree, &options.sections);
        Ok(Self {
            path,
            text,
            mode,
            root,
            findings,
            options,
        })
    }

    /// Returns where plugins are searched.
    pub(crate) fn plugins(&mut self) -> PluginSearch {
        plugins::search(self.path, &self.root, self.options, &mut self.findings)
    }

    /// Checks and resolves the whole file with the plugins that were found. The returned problems
    /// are warnings.
    ///
    /// # Errors
    /// Every problem, if at least one is an error.
    pub(crate) fn check(self, catalog: &Catalog) -> Result<(Config, Problems), Problems> {
        let mut findings = self.findings;
        let mut config = checked(self.root, catalog, self.options, &mut findings);
        config.source = Some(Sha256::of(self.text.as_bytes()));
        permissions(self.path, self.mode, &mut findings);
        for error in catalog.rejected() {
            findings.whole(Problem {
                is_of_file: !error.is_of_caller(),
                ..Problem::warning(error.to_string())
            });
        }
        for sentence in catalog.warnings() {
            findings.whole(Problem::warning(sentence));
        }
        let warnings = unless_wrong(findings.into_problems(self.path, &self.text))?;
        Ok((config, warnings))
    }
}

/// Returns the text of a key of a section. Works with a file that is otherwise invalid.
pub(crate) fn peek(path: &Path, section: &str, key: &str) -> Result<Option<String>, ReadError> {
    let (text, _) = text_of(path)?;
    let Tree { root, .. } =
        tree_of(path, &text, &[]).map_err(|problems| ReadError::Problems(Box::new(problems)))?;
    let entry = root
        .entry(section)
        .and_then(|section| section.node.entry(key));
    Ok(match entry.map(|entry| &entry.node.value) {
        Some(Value::Scalar(kind, text)) if *kind != Scalar::Null => Some(text.to_string()),
        _ => None,
    })
}

/// Returns the place of the value of a key of a section. Works with a file that is otherwise
/// invalid.
pub(crate) fn place_of(path: &Path, section: &str, key: &str) -> Option<Span> {
    let (text, _) = text_of(path).ok()?;
    let root = parse(&text).ok()?.root;
    let entry = root.entry(section)?.node.entry(key)?;
    Located::of(&text).span(entry.node.id)
}

/// Returns where a file and the options have plugins searched. Works with a file that is invalid or
/// missing.
pub(crate) fn search_plugins(path: &Path, options: &LoadOptions) -> PluginSearch {
    let root = text_of(path).ok().and_then(|(text, _)| parse(&text).ok());
    let mut ignored = Findings::default();
    let nothing = Node {
        id: NodeId(0),
        value: Value::List(Vec::new()),
    };
    let root = root.map_or(nothing, |tree| tree.root);
    plugins::search(path, &root, options, &mut ignored)
}

/// Checks a text with plugins that were found before.
pub(crate) fn check_text(
    catalog: &Catalog,
    text: &str,
    options: &LoadOptions,
) -> Result<(Config, Problems), Problems> {
    let path = Path::new("configuration");
    let (root, mut findings) = begin(tree_of(path, text, &options.sections)?, &options.sections);
    let config = checked(root, catalog, options, &mut findings);
    let warnings = unless_wrong(findings.into_problems(path, text))?;
    Ok((config, warnings))
}

fn checked(
    root: Node,
    catalog: &Catalog,
    options: &LoadOptions,
    findings: &mut Findings,
) -> Config {
    let config = read(&root, catalog, options, findings);
    reach::warn_unreached(&root, &config, findings);
    content::check_with(&options.sections, &root, &config, findings);
    config
}

/// Returns the problems, if none of them is an error.
fn unless_wrong(problems: Problems) -> Result<Problems, Problems> {
    match problems.count(Level::Error) {
        0 => Ok(problems),
        _ => Err(problems),
    }
}

/// Checks definitions of channels alone, in the form of `notification_channels`.
pub(crate) fn load_channels(text: &str, catalog: &Catalog) -> Result<Config, Problems> {
    let path = Path::new("channel definitions");
    let (root, mut findings) = begin(tree_of(path, text, &[])?, &[]);
    // Ad-hoc channels are closed after their one message, so they are not worth a process.
    let plugins = Plugins {
        catalog,
        may_isolate: false,
    };
    let channels = channels::read(&root, &Inherited::default(), plugins, &mut findings);
    unless_wrong(findings.into_problems(path, text))?;
    let all = (0..).take(channels.list.len()).collect();
    Ok(Config {
        defaults: ResolvedNames {
            channels: all,
            named: None,
        },
        ..config_of(channels)
    })
}

fn config_of(channels: Channels) -> Config {
    Config {
        channels: channels.list,
        by_name: channels.by_name,
        ..Config::default()
    }
}

fn read(root: &Node, catalog: &Catalog, options: &LoadOptions, findings: &mut Findings) -> Config {
    let Value::Map(entries) = &root.value else {
        if root.is_null() {
            findings.whole(Problem::error("the file is empty"));
            return Config::default();
        }
        let problem = Problem::error(format!(
            "expected a mapping with {CHANNELS} and {HOSTS}, found {}",
            root.noun()
        ));
        hide(root, false, findings);
        findings.whole(problem);
        return Config::default();
    };
    for entry in entries {
        let declared = options.sections.iter().map(|section| &section.name);
        if options.known_keys.iter().any(|known| **known == *entry.key) {
            // Only the program that reads it knows which parts are secret.
            hide(&entry.node, false, findings);
        }
        let mut known = options.known_keys.iter().chain(declared);
        if !KEYS.contains(&&*entry.key) && known.all(|known| **known != *entry.key) {
            hide(&entry.node, false, findings);
            findings.at(
                entry.key_id,
                unsupported::section(&entry.key, root, &options.sections),
            );
        }
    }
    let sections = options
        .sections
        .iter()
        .filter(|section| !KEYS.contains(&section.name.as_str()))
        .filter_map(|section| {
            let content = content::read(section, root, findings)?;
            Some((section.name.as_str().into(), content))
        })
        .collect();
    names::check_hosts(&options.sections, root, findings);
    let (inherited, delivery) = options::read_global(root, options.isolation, findings);
    if delivery.store == StorePlace::NotStored {
        options::check_stored(root, CHANNELS, findings);
    }
    let plugins = Plugins {
        catalog,
        may_isolate: true,
    };
    let channels = root
        .entry(CHANNELS)
        .map_or_else(Channels::default, |entry| {
            channels::read(&entry.node, &inherited, plugins, findings)
        });
    if root.entry(CHANNELS).is_none() {
        let problem =
            Problem::warning("no channel is defined: nobody would be notified").field(CHANNELS);
        findings
            .whole(problem.help(
                "define one, such as `notification_channels: {email_ops: {type: email, …}}`",
            ));
    }
    let groups = root.entry(GROUPS).map_or_else(Groups::default, |entry| {
        groups::read(&entry.node, &channels, findings)
    });
    let naming = Naming {
        channels: &channels,
        groups: &groups,
    };
    let mut reader = Hosts::new(naming, options, root);
    let defaults = root
        .entry(DEFAULTS)
        .filter(|entry| !entry.node.is_null())
        .map(|entry| reader.defaults(entry, findings));
    let hosts = root
        .entry(HOSTS)
        .map(|entry| reader.read(&entry.node, findings));
    let is_read = |entry: &&Entry| {
        let is_declared = |section: &Section| *section.name == *entry.key;
        KEYS.contains(&&*entry.key) || options.sections.iter().any(is_declared)
    };
    let read = entries.iter().filter(is_read);
    unsupported::check(root.entry(HOSTS), read, findings);
    Config {
        defaults: defaults.unwrap_or_default(),
        hosts: hosts.unwrap_or_default(),
        sections,
        delivery,
        groups: groups.list,
        groups_by_name: groups.by_name,
        ..config_of(channels)
    }
}

/// Warns if any user may read a file with secrets.
fn permissions(path: &Path, mode: u32, findings: &mut Findings) {
    let readable_by_others = mode & 0o004 != 0;
    if readable_by_others && findings.has_secrets() {
        let problem = Problem::warning(
            "there are secrets in this file, and every user of this machine may read it",
        );
        findings.whole(problem.help(format!("remove the permission: `chmod o= {}`", typed(path))));
    }
}
