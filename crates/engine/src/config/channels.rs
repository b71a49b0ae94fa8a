//! Reads the channel definitions, each by the schema of its plugin.

use std::{collections::HashMap, sync::Arc, time::Duration};

use annunciator_core::{code::ProblemLevel, outcome::ProblemV1};
use secrecy::SecretString;
use serde_json::Value as Json;

use super::{
    model::{ChannelConfig, ChannelIndex, ChannelOptions},
    problem::{Findings, Problem},
    redact::redacted,
    schema::{Reader, hide},
    suggest,
    tree::{Entry, Node, NodeId, Scalar, Value},
};
use crate::plugin::{Catalog, LoadedType, PluginError, TypeError};

/// The keys of a definition that are the engine's and not the plugin's.
const TYPE: &str = "type";
const OPTIONS: &str = "delivery";
/// A channel's name is used in logs and reports; no longer than this.
const LONGEST_NAME: usize = 128;

/// The channels of a file, in its order, and their numbers by name. Also the
/// names of those that were not usable, so that whoever names one of them is
/// not told that it doesn't exist.
#[derive(Default)]
pub(crate) struct Channels {
    pub(crate) list: Vec<Arc<ChannelConfig>>,
    pub(crate) by_name: HashMap<Arc<str>, ChannelIndex>,
    pub(crate) broken: Vec<Box<str>>,
}

/// Reads a mapping of names to definitions.
pub(crate) fn read(node: &Node, catalog: &Catalog, findings: &mut Findings) -> Channels {
    let mut channels = Channels::default();
    match &node.value {
        Value::Map(entries) => {
            for entry in entries {
                let subject = format!("channel {}", entry.key);
                match findings.about(&subject, |findings| channel(entry, catalog, findings)) {
                    Some(channel) => {
                        let index = ChannelIndex::try_from(channels.list.len());
                        channels.by_name.insert(
                            Arc::clone(&channel.name),
                            index.unwrap_or(ChannelIndex::MAX),
                        );
                        channels.list.push(Arc::new(channel));
                    }
                    None => channels.broken.push(entry.key.clone()),
                }
            }
        }
        _ if node.is_null() => {}
        _ => findings.at(
            node.id,
            Problem::error(format!(
                "expected a mapping of names to channels, found {}",
                node.noun()
            ))
            .field("notification_channels"),
        ),
    }
    channels
}

fn channel(entry: &Entry, catalog: &Catalog, findings: &mut Findings) -> Option<ChannelConfig> {
    let node = &entry.node;
    let name = &*entry.key;
    if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        let problem = Problem::error("this cannot be the name of a channel").help(format!(
            "use 1 to {LONGEST_NAME} printable characters, such as email_ops"
        ));
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
        // Nobody knows which of its fields are secret.
        fields
            .iter()
            .filter(|field| ![TYPE, OPTIONS].contains(&&*field.key))
            .for_each(|field| hide(&field.node, false, findings));
    };
    let Some((type_id, channel_type)) = type_of(entry, findings) else {
        unread(findings);
        return None;
    };
    let options = node
        .entry(OPTIONS)
        .map_or_else(ChannelOptions::default, |options| {
            read_options(options, findings)
        });
    let loaded = match catalog.load(channel_type) {
        Ok(loaded) => loaded,
        Err(TypeError::Unknown) => {
            unread(findings);
            let problem = Problem::error(format!("unknown channel type `{channel_type}`"))
                .help(unknown_type(channel_type, catalog))
                .field(TYPE);
            findings.at(type_id, problem);
            return None;
        }
        Err(TypeError::Unusable(error)) => {
            unread(findings);
            return disabled(name, channel_type, type_id, options, error, findings);
        }
    };
    let before = findings.len();
    let settings = Reader::new(&loaded.about.schema, findings).settings(
        entry.key_id,
        fields,
        &[TYPE, OPTIONS],
    );
    let shown = redacted(&Json::Object(settings.clone()), &loaded.about.schema);
    let text = Json::Object(settings).to_string();
    if findings.len() == before {
        match loaded.validate(&text) {
            Ok(problems) => problems
                .into_iter()
                .for_each(|raw| said_by_plugin(raw, entry, findings)),
            Err(error) => {
                return disabled(
                    name,
                    channel_type,
                    type_id,
                    options,
                    Arc::new(error),
                    findings,
                );
            }
        }
    }
    Some(ready(name, channel_type, shown, text, options, Ok(loaded)))
}

fn ready(
    name: &str,
    channel_type: &str,
    shown: Json,
    settings: String,
    options: ChannelOptions,
    provider: Result<Arc<LoadedType>, Arc<PluginError>>,
) -> ChannelConfig {
    ChannelConfig {
        name: name.into(),
        channel_type: channel_type.into(),
        shown,
        settings: SecretString::from(settings),
        options,
        provider,
    }
}

/// The plugin is there and cannot be used: the channel stays, and fails.
fn disabled(
    name: &str,
    channel_type: &str,
    at: NodeId,
    options: ChannelOptions,
    error: Arc<PluginError>,
    findings: &mut Findings,
) -> Option<ChannelConfig> {
    let message = format!("this channel is disabled: {error}");
    let problem = if options.required {
        Problem::error(message)
    } else {
        Problem::warning(message)
    };
    findings.at(at, problem);
    Some(ready(
        name,
        channel_type,
        Json::Null,
        String::new(),
        options,
        Err(error),
    ))
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
    if known.is_empty() {
        return "no plugin was found: name their folder in plugins.dirs, or put them beside the program".to_owned();
    }
    let all = format!("the types are: {}", known.join(", "));
    match suggest::closest(channel_type, known.iter().copied()) {
        Some(found) => format!("did you mean `{found}`? {all}"),
        None => all,
    }
}

/// Takes over what the plugin says about its settings, at the field it means.
fn said_by_plugin(raw: ProblemV1, entry: &Entry, findings: &mut Findings) {
    let message = match raw.message.trim() {
        "" => "the plugin refuses this, without saying why".to_owned(),
        text => text.to_owned(),
    };
    let problem = if raw.level == ProblemLevel::WARNING {
        Problem::warning(message)
    } else {
        Problem::error(message)
    };
    let problem = problem.field(raw.path.as_str());
    let problem = if raw.help.is_empty() {
        problem
    } else {
        problem.help(raw.help.as_str())
    };
    findings.at(place(entry, &raw.path), problem);
}

/// The node that a path such as `recipients[1]` names, or the nearest above.
fn place(entry: &Entry, path: &str) -> NodeId {
    let (mut node, mut id) = (&entry.node, entry.key_id);
    for part in path.split(['.', '[']).filter(|part| !part.is_empty()) {
        let part = part.trim_end_matches(']');
        let next = match &node.value {
            Value::Map(_) => node.entry(part).map(|found| &found.node),
            Value::List(nodes) => part
                .parse::<usize>()
                .ok()
                .and_then(|index| nodes.get(index)),
            Value::Scalar(..) => None,
        };
        let Some(next) = next else { break };
        (node, id) = (next, next.id);
    }
    id
}

fn read_options(entry: &Entry, findings: &mut Findings) -> ChannelOptions {
    let mut options = ChannelOptions::default();
    let Value::Map(fields) = &entry.node.value else {
        let problem = Problem::error(format!("expected a mapping, found {}", entry.node.noun()))
            .field(OPTIONS);
        findings.at(entry.node.id, problem);
        return options;
    };
    for field in fields {
        let path = format!("{OPTIONS}.{}", field.key);
        match (&*field.key, &field.node.value) {
            ("timeout", Value::Scalar(_, text)) => match humantime::parse_duration(text) {
                Ok(timeout) if !timeout.is_zero() => options.timeout = timeout.min(LONGEST_TIMEOUT),
                _ => findings.at(
                    field.node.id,
                    Problem::error(format!("`{text}` is not a time"))
                        .help("write a number and a unit, such as 30s or 2m")
                        .field(path),
                ),
            },
            ("required", Value::Scalar(Scalar::Bool, text)) => {
                options.required = text.eq_ignore_ascii_case("true")
            }
            ("required", _) => findings.at(
                field.node.id,
                Problem::error(format!(
                    "expected true or false, found {}",
                    field.node.noun()
                ))
                .field(path),
            ),
            ("timeout", _) => findings.at(
                field.node.id,
                Problem::error(format!("expected a time, found {}", field.node.noun())).field(path),
            ),
            _ => findings.at(
                field.key_id,
                Problem::error("unknown field")
                    .help(suggest::help(&field.key, "fields", ["timeout", "required"]))
                    .field(path),
            ),
        }
    }
    options
}

/// An attempt that takes longer than this is no attempt.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);
