//! Reads definitions of channels by themselves, for tools that examine plugins.

use std::path::Path;

use serde_json::Value as Json;

use super::{
    problem::{Level, Problem, Problems},
    reference::replace_references,
    schema::Reader,
    source::{ReadError, begin, text_of, tree_of},
    top_level::{CHANNELS, DELIVERY},
    tree::Value,
};
use crate::plugin::ChannelType;

/// Reads the settings of one definition by a schema. References are not resolved; `secret` replaces
/// their values.
pub(crate) fn read_definition(schema: &Json, text: &str, secret: &str) -> Result<Json, Problems> {
    let path = Path::new("definition");
    let (mut root, mut findings) = begin(tree_of(path, text, &[])?, &[]);
    replace_references(&mut root, secret);
    let mut settings = Json::Null;
    match &root.value {
        Value::Map(entries) => {
            let mut reader = Reader::new(schema, &mut findings);
            settings = Json::Object(reader.settings(root.id, entries, &["type", DELIVERY]));
        }
        _ => findings.whole(Problem::error("expected a mapping of settings")),
    }
    let problems = findings.into_problems(path, text);
    if problems.count(Level::Error) > 0 {
        return Err(problems);
    }
    Ok(settings)
}

/// Reads the settings of a file's channels that are of these types, by type.
pub(crate) fn read_channels(
    path: &Path,
    types: &[ChannelType],
) -> Result<Vec<(String, Json)>, ReadError> {
    let (text, _) = text_of(path)?;
    let wrong = |problems| ReadError::Problems(Box::new(problems));
    let (root, mut findings) = begin(tree_of(path, &text, &[]).map_err(wrong)?, &[]);
    let mut read = Vec::new();
    let channels = root.entry(CHANNELS).map(|entry| &entry.node.value);
    let Some(Value::Map(channels)) = channels else {
        return Ok(read);
    };
    for channel in channels {
        let Value::Map(entries) = &channel.node.value else {
            continue;
        };
        let named = channel.node.entry("type").map(|named| &named.node.value);
        let of_type = |about: &&ChannelType| matches!(named, Some(Value::Scalar(_, name)) if **name == *about.name);
        let Some(about) = types.iter().find(of_type) else {
            continue;
        };
        let subject = format!("channel {}", channel.key);
        let settings = findings.about(&subject, |findings| {
            let mut reader = Reader::new(&about.schema, findings);
            reader.settings(channel.key_id, entries, &["type", DELIVERY])
        });
        read.push((about.name.clone(), Json::Object(settings)));
    }
    let problems = findings.into_problems(path, &text);
    if problems.count(Level::Error) > 0 {
        return Err(wrong(problems));
    }
    Ok(read)
}
