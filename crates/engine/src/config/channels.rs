//! Reads the channel definitions, each by the schema of its plugin.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use annunciator_core::{code::ProblemLevel, outcome::ProblemV1};
use secrecy::SecretString;
use serde_json::Value as Json;

use super::{
    disabled,
    model::{ChannelConfig, ChannelIndex},
    options::{ChannelOptions, Inherited, Isolation},
    partial,
    path::FieldPath,
    place::place,
    problem::{Findings, Problem},
    redact::{hide, hide_wrong, quoted, redacted},
    schema::{Reader, required},
    suggest,
    top_level::DELIVERY,
    tree::{Entry, Node, NodeId, Scalar, Value},
};
use crate::line::printable;
use crate::{
    plugin::{PluginError, Proofs},
    runtime::{Catalog, LoadedType, TypeError},
};

/// The keys of a definition that the engine itself reads, and not the plugin.
const TYPE: &str = "type";
const OPTIONS: &str = DELIVERY;
/// The maximum length of a channel's name, which is used in logs and reports.
pub(super) const MAX_NAME_LENGTH: usize = 128;

/// The maximum number of unusable plugin files that are named if a channel type is missing.
const MAX_REJECTED: usize = 5;

/// The channels of a file, in the order of the file, and their numbers by name. Also the names of
/// channels that could not be used, so that a list that names one of them is not reported as naming
/// an unknown channel.
#[derive(Default)]
pub(crate) struct Channels {
    pub(crate) list: Vec<Arc<ChannelConfig>>,
    pub(crate) by_name: HashMap<Arc<str>, ChannelIndex>,
    pub(crate) broken: HashSet<Box<str>>,
}

/// The source of channel types.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plugins<'a> {
    pub(crate) catalog: &'a Catalog,
    /// Whether channels may run their plugin in processes of its own.
    pub(crate) may_isolate: bool,
}

/// Reads a mapping of names to definitions. A channel inherits the delivery options that it does
/// not set.
pub(crate) fn read(
    node: &Node,
    inherited: &Inherited,
    plugins: Plugins<'_>,
    findings: &mut Findings,
) -> Channels {
    let mut channels = Channels::default();
    match &node.value {
        Value::Map(entries) => {
            // The place of each channel's type, in the order of the list.
            let mut types = Vec::new();
            for entry in entries {
                let subject = format!("channel {}", entry.key);
                let read = |findings: &mut Findings| channel(entry, inherited, plugins, findings);
                match findings.about(&subject, read) {
                    Some(channel) => {
                        let of_type = entry.node.entry(TYPE);
                        types.push(of_type.map_or(entry.key_id, |field| field.node.id));
                        let index = ChannelIndex::try_from(channels.list.len());
                        channels.by_name.insert(
                            Arc::clone(&channel.name),
                            index.unwrap_or(ChannelIndex::MAX),
                        );
                        channels.list.push(Arc::new(channel));
                    }
                    None => drop(channels.broken.insert(entry.key.clone())),
                }
            }
            let read = channels.list.iter().map(|channel| &**channel);
            disabled::report(types.into_iter().zip(read), findings);
        }
        _ if node.is_null() => {}
        _ => {
            hide(node, false, findings);
            let found = node.noun();
            let problem = Problem::error(format!(
                "expected a mapping of names to channels, found {found}"
            ));
            findings.at(node.id, problem.field("notification_channels"));
        }
    }
    channels
}

fn channel(
    entry: &Entry,
    inherited: &Inherited,
    plugins: Plugins<'_>,
    findings: &mut Findings,
) -> Option<ChannelConfig> {
    let node = &entry.node;
    let name = &*entry.key;
    if name.is_empty() || name.len() > MAX_NAME_LENGTH || name.chars().any(char::is_control) {
        let problem = Problem::error("this cannot be the name of a channel").help(format!(
            "use 1 to {MAX_NAME_LENGTH} printable characters, such as email_ops"
        ));
        hide(node, false, findings);
        findings.at(entry.key_id, problem);
        return None;
    }
    let Value::Map(fields) = &node.value else {
        hide(node, false, findings);
        let problem = Problem::error(format!(
            "expected the channel's settings, found {}",
            node.noun()
        ))
        .help("write at least `type:` below the name");
        findings.at(
            if node.is_null() {
                entry.key_id
            } else {
                node.id
            },
            problem,
        );
        return None;
    };
    let unread = |findings: &mut Findings| {
        // Without a schema, it is unknown which of its fields are secret.
        fields
            .iter()
            .filter(|field| ![TYPE, OPTIONS].contains(&&*field.key))
            .for_each(|field| {
                findings.secret(field.key_id, false);
                hide(&field.node, false, findings);
            });
    };
    let Some((type_id, channel_type)) = type_of(entry, findings) else {
        hide(node, false, findings);
        return None;
    };
    let options = node
        .entry(OPTIONS)
        .map(|options| inherited.overlaid(options, findings));
    let definition = Definition {
        name,
        channel_type,
        options: options.unwrap_or_else(|| inherited.options().clone()),
    };
    let loaded = match definition.options.isolation {
        Isolation::None => plugins.catalog.load(channel_type),
        Isolation::Process if plugins.may_isolate => plugins.catalog.load_isolated(channel_type),
        Isolation::Process => Err(TypeError::NoWorker),
    };
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(TypeError::NoWorker) => {
            unread(findings);
            let said = node
                .entry(OPTIONS)
                .and_then(|options| options.node.entry("isolation"));
            let problem =
                Problem::error("this program cannot run plugins in processes of their own")
                    .help("write `isolation: none`, or have the program offer a worker")
                    .field(format!("{OPTIONS}.isolation"));
            findings.at(said.map_or(type_id, |said| said.node.id), problem);
            return None;
        }
        Err(TypeError::Unknown) => {
            unread(findings);
            let problem = Problem::error(format!("unknown channel type {}", quoted(channel_type)))
                .help(unknown_type(channel_type, plugins.catalog))
                .field(TYPE);
            findings.at(type_id, problem);
            return None;
        }
        Err(TypeError::Unusable(error)) => {
            unread(findings);
            return Some(definition.disabled(error));
        }
    };
    let before = findings.len();
    let schema = &loaded.about.schema;
    let settings = Reader::new(schema, findings).settings(entry.key_id, fields, &[TYPE, OPTIONS]);
    let shown = redacted(&Json::Object(settings.clone()), schema);
    let whole = required(schema).all(|field| settings.contains_key(field));
    let text = Json::Object(settings.clone()).to_string();
    let mut proofs = Proofs::default();
    if whole {
        match loaded.judge(&text) {
            Ok(verdict) => {
                proofs = verdict.proofs();
                let problems = verdict.problems;
                // One problem for each field is enough; others are its consequences.
                let new = problems
                    .into_iter()
                    .filter(|raw| !findings.speaks_of(&raw.path, before));
                for raw in new.collect::<Vec<_>>() {
                    add_plugin_problem(&raw, entry, findings);
                }
            }
            Err(error) => {
                findings.look_for_files();
                return Some(definition.disabled(Arc::new(error)));
            }
        }
    } else {
        for raw in partial::errors(&loaded, &settings) {
            if !findings.speaks_of(&raw.path, before) {
                add_plugin_problem(&raw, entry, findings);
            }
        }
    }
    Some(ChannelConfig {
        proofs,
        has_files: findings.look_for_files(),
        ..definition.into_config(shown, text, Ok(loaded))
    })
}

/// The part of a channel that the engine itself reads.
struct Definition<'a> {
    name: &'a str,
    channel_type: &'a str,
    options: ChannelOptions,
}

impl Definition<'_> {
    fn into_config(
        self,
        shown: Json,
        settings: String,
        provider: Result<Arc<LoadedType>, Arc<PluginError>>,
    ) -> ChannelConfig {
        ChannelConfig {
            name: self.name.into(),
            channel_type: self.channel_type.into(),
            shown,
            settings: SecretString::from(settings),
            options: self.options,
            proofs: Proofs::default(),
            has_files: true,
            provider,
        }
    }

    /// Returns a channel whose plugin exists but cannot be used: the channel is kept, and is
    /// disabled.
    fn disabled(self, error: Arc<PluginError>) -> ChannelConfig {
        self.into_config(Json::Null, String::new(), Err(error))
    }
}

fn type_of<'a>(entry: &'a Entry, findings: &mut Findings) -> Option<(NodeId, &'a str)> {
    let Some(found) = entry.node.entry(TYPE) else {
        let problem = Problem::error("this field is missing")
            .help("type: says which kind of channel it is, such as email")
            .field(TYPE);
        findings.at(entry.key_id, problem);
        return None;
    };
    match &found.node.value {
        Value::Scalar(kind, text) if *kind != Scalar::Null => Some((found.node.id, text)),
        _ => {
            let problem =
                Problem::error(format!("expected text, found {}", found.node.noun())).field(TYPE);
            findings.at(found.node.id, problem);
            None
        }
    }
}

fn unknown_type(channel_type: &str, catalog: &Catalog) -> String {
    let known: Vec<&str> = catalog.channel_types().collect();
    let mut help = if known.is_empty() {
        "no plugin was found: name their folder in plugins.dirs, or put them beside the program"
            .to_owned()
    } else {
        format!("the types are: {}", known.join(", "))
    };
    if let Some(found) = suggest::closest(channel_type, known.iter().copied()) {
        help = format!("did you mean `{found}`? {help}");
    }
    // One of these plugins may have offered the type.
    for error in catalog.rejected().iter().take(MAX_REJECTED) {
        help = format!("{help}; {error}");
    }
    help
}

/// Adds a problem that the plugin reports about its settings, at the field that it names.
fn add_plugin_problem(raw: &ProblemV1, entry: &Entry, findings: &mut Findings) {
    let path = raw.path.split(['.', '[']).filter(|part| !part.is_empty());
    let path = path.map(|part| part.trim_end_matches(']'));
    let place = place(entry, FieldPath::default(), path);
    let clean = hide_wrong(place.node, findings);
    let message = match clean(printable(&raw.message)) {
        empty if empty.is_empty() => "the plugin refuses this without a reason".to_owned(),
        text => text,
    };
    let problem = if raw.level == ProblemLevel::WARNING {
        Problem::warning(message)
    } else {
        Problem::error(message)
    };
    let problem = problem.field(printable(&raw.path));
    let problem = if raw.help.is_empty() {
        problem
    } else {
        problem.help(clean(printable(&raw.help)))
    };
    findings.at(place.id, problem);
}
