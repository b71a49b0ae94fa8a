//! Merges options in layers: those of a channel override those of all channels, key by key,
//! and a mapping that may also be `none` as a whole.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use super::{
    super::{
        path::FieldPath,
        problem::{Findings, Problem},
        schema::Reader,
        top_level::DELIVERY,
        tree::{Entry, Node, Value},
    },
    channel::{ChannelOptions, Isolation},
    global::DeliveryConfig,
    schema::{CHANNEL, FORMATS, GLOBAL, property},
    sense,
};

/// The options of channels that set none of their own.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Inherited {
    /// The keys that are written, as the schema defines them.
    written: Map<String, Json>,
    options: ChannelOptions,
}

impl Inherited {
    /// Returns the options of a channel without a `delivery:` of its own.
    pub(in super::super) fn options(&self) -> &ChannelOptions {
        &self.options
    }

    /// Returns the options of a channel with a `delivery:` of its own.
    pub(in super::super) fn overlaid(
        &self,
        entry: &Entry,
        findings: &mut Findings,
    ) -> ChannelOptions {
        let written = read(entry, &CHANNEL, findings);
        let mut merged = self.written.clone();
        overlay(&mut merged, &written);
        let mut options = value_of(merged, entry, findings);
        sense::check(&mut options, &written, entry, findings);
        options
    }
}

/// Reads the `delivery:` at the top of a file, if there is one. `isolation` is the embedding
/// program's choice, for a file that sets none.
pub(in super::super) fn read_global(
    root: &Node,
    isolation: Isolation,
    findings: &mut Findings,
) -> (Inherited, DeliveryConfig) {
    let chosen = serde_json::to_value(isolation).unwrap_or_default();
    let mut inherited = Inherited {
        written: Map::from_iter([("isolation".to_owned(), chosen)]),
        options: ChannelOptions {
            isolation,
            ..ChannelOptions::default()
        },
    };
    let entry = root.entry(DELIVERY).filter(|entry| !entry.node.is_null());
    let Some(entry) = entry else {
        return (inherited, DeliveryConfig::default());
    };
    let written = read(entry, &GLOBAL, findings);
    findings.look_for_files();
    overlay(&mut inherited.written, &written);
    inherited.options = value_of(inherited.written.clone(), entry, findings);
    sense::check(&mut inherited.options, &written, entry, findings);
    let config = value_of(written, entry, findings);
    (inherited, config)
}

/// Returns the keys of a mapping, without those that are wrong.
fn read(entry: &Entry, schema: &'static Json, findings: &mut Findings) -> Map<String, Json> {
    let path = FieldPath::of(DELIVERY);
    let mut reader = Reader::of_options(schema, &FORMATS, findings);
    let Value::Map(fields) = &entry.node.value else {
        reader.whole(&entry.node, &path);
        return Map::new();
    };
    let is_known = |field: &Entry| property(schema, &field.key).is_some();
    let is_global = |field: &Entry| !is_known(field) && property(&GLOBAL, &field.key).is_some();
    let own: Vec<&Entry> = fields.iter().filter(|field| !is_global(field)).collect();
    let read = reader.fields_at(entry.node.id, &own, &path);
    for field in fields.iter().filter(|field| is_global(field)) {
        let problem = Problem::error("this holds for all channels")
            .help(format!("move it to a `{DELIVERY}:` at the top of the file"));
        findings.at(field.key_id, problem.field(path.key(&field.key)));
    }
    read
}

/// Replaces the keys of the lower layer with those that are written.
fn overlay(below: &mut Map<String, Json>, written: &Map<String, Json>) {
    for (key, value) in written {
        let by_key = property(&GLOBAL, key).is_some_and(|it| it.get("properties").is_some());
        match (below.get_mut(key), value) {
            (Some(Json::Object(below)), Json::Object(written)) if by_key => {
                below.extend(written.clone());
            }
            _ => drop(below.insert(key.clone(), value.clone())),
        }
    }
}

/// Returns the value of what the reader accepted. A value that cannot be converted would be a bug
/// of the engine.
fn value_of<T: Default + DeserializeOwned>(
    written: Map<String, Json>,
    entry: &Entry,
    findings: &mut Findings,
) -> T {
    serde_json::from_value(Json::Object(written)).unwrap_or_else(|error| {
        let problem = Problem::error(error.to_string()).field(FieldPath::of(DELIVERY));
        findings.at(entry.key_id, problem);
        T::default()
    })
}
