//! The sources of a configuration after their checks.

use std::{collections::BTreeMap, time::Duration};

use annunciator::{Config, SectionProblem};
use serde::Deserialize as _;
use serde_json::Value as Json;

use super::{
    file::{INGEST, IngestFile, SourceFile, wrong},
    trial,
};
use crate::{
    expression::Expression,
    formats::Format,
    limits::quoted,
    mapping::{Mapping, SCOPE},
    source::Source,
};

/// The maximum length of a source's name, which is part of addresses, incidents and keys.
const MAX_NAME_LENGTH: usize = 64;
/// The minimum and the maximum of `remind_every`: a shorter one is no reminder but noise, and
/// nobody waits a year to be reminded.
const REMIND_EVERY: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(366 * 24 * 3600);

/// The sources of a configuration, by their names.
#[derive(Debug, Default)]
pub struct Sources(BTreeMap<String, Source>);

impl Sources {
    /// Returns the sources of a configuration, which must have been loaded with
    /// [`declare`](crate::declare). There are none if the file has no section `ingest`.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        config
            .section(INGEST)
            .map(|json| read(json).0)
            .unwrap_or_default()
    }

    /// Returns the source of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Source> {
        self.0.get(name)
    }

    /// Returns all sources in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.values()
    }
}

/// Reads a section that is valid for its schema. Returns the sources, and what a schema
/// cannot find.
pub(super) fn read(json: &Json) -> (Sources, Vec<SectionProblem>) {
    let mut problems = Vec::new();
    let files = IngestFile::deserialize(json).unwrap_or_else(|error| {
        problems.push(SectionProblem::error([""; 0], error.to_string()));
        IngestFile::default()
    });
    let mut sources = BTreeMap::new();
    for (name, file) in &files {
        let before = problems.len();
        let source = source(name, file, &mut problems);
        if problems.len() == before {
            trial::run(&source, file, &mut problems);
        }
        sources.insert(name.clone(), source);
    }
    (Sources(sources), problems)
}

fn source(name: &str, file: &SourceFile, problems: &mut Vec<SectionProblem>) -> Source {
    let path = |key: &str| vec![name.to_owned(), key.to_owned()];
    if !is_name(name) {
        let sentence = format!("{} cannot be a part of an address", quoted(name));
        let help = "use letters, digits, `-`, `_` and `.`, at most 64 of them";
        problems.push(wrong(vec![name.to_owned()], sentence, help));
    }
    if file.format != Format::Template {
        if file.each.is_some() {
            let help = "leave it out: this format knows its items";
            let sentence = "only the format `template` is taken apart";
            problems.push(wrong(path("each"), sentence, help));
        }
    } else if file.title.is_none() && file.text.is_none() {
        let help = "add `text`, such as `text: item.message`";
        let sentence = "no event would have a text";
        problems.push(wrong(vec![name.to_owned()], sentence, help));
    }
    if file.expect.is_some() && file.example.is_none() {
        let help = "add `example`: a payload";
        problems.push(wrong(path("expect"), "there is no example", help));
    }
    if file.channels.as_ref().is_some_and(Vec::is_empty) {
        let help = "name channels, or leave the key out for those of the host";
        problems.push(wrong(path("channels"), "nobody would be notified", help));
    }
    if file.attributes.contains_key("url") {
        let path = [path("attributes"), vec!["url".to_owned()]].concat();
        let sentence = "the link has a key of its own";
        problems.push(wrong(path, sentence, "write `url` beside `attributes`"));
    }
    let mut compiled = |path: Vec<String>, text: Option<&str>| {
        let found = text.map(expression);
        found.and_then(|found| {
            found
                .map_err(|(sentence, help)| problems.push(wrong(path, sentence, &help)))
                .ok()
        })
    };
    let fields = file.expressions().into_iter();
    let fields = fields.filter_map(|(field, text)| {
        let compiled = compiled(path(field.name()), text)?;
        Some((field, compiled))
    });
    let fields = fields.collect();
    let attributes = file.attributes.iter().filter_map(|(attribute, text)| {
        let path = [path("attributes"), vec![attribute.clone()]].concat();
        Some((attribute.clone(), compiled(path, Some(text))?))
    });
    let mapping = Mapping {
        fields,
        attributes: attributes.collect(),
        each: compiled(path("each"), file.each.as_deref()),
        when: compiled(path("when"), file.when.as_deref()),
    };
    Source {
        name: name.to_owned(),
        format: file.format,
        mapping,
        channels: file.channels.clone().unwrap_or_default(),
        remind_every: remind_every(name, file, problems),
    }
}

/// Returns whether a name may be a part of an address as it is.
fn is_name(name: &str) -> bool {
    let is_known = |one: u8| one.is_ascii_alphanumeric() || b"-_.".contains(&one);
    (1..=MAX_NAME_LENGTH).contains(&name.len())
        && name.bytes().all(is_known)
        && !name.starts_with('.')
}

/// Compiles an expression, or returns what is wrong with it and what would be right.
fn expression(text: &str) -> Result<Expression, (String, String)> {
    if text.trim().is_empty() {
        let help = "write an expression such as `item.name`, or leave the key out";
        return Err(("there is no expression".to_owned(), help.to_owned()));
    }
    let help = "write an expression such as `item.name`, and a text in quotes of its own, \
                such as '\"critical\"'";
    let compiled = Expression::compile(text).map_err(|sentence| (sentence, help.to_owned()))?;
    match compiled.unknown_names(&SCOPE).first() {
        None => Ok(compiled),
        Some(name) => {
            let sentence = format!("there is no {} here", quoted(name));
            let known = SCOPE.map(|name| format!("`{name}`")).join(", ");
            Err((sentence, format!("use {known}, or write a text in quotes")))
        }
    }
}

fn remind_every(
    name: &str,
    file: &SourceFile,
    problems: &mut Vec<SectionProblem>,
) -> Option<Duration> {
    let Some(text) = file.remind_every.as_deref() else {
        return file.format.remind_every();
    };
    let mut problem = |sentence: String, help: &str| {
        let path = vec![name.to_owned(), "remind_every".to_owned()];
        problems.push(wrong(path, sentence, help));
        None
    };
    if !file.format.has_reminders() {
        let sentence = "this format has no reminders".to_owned();
        return problem(sentence, "leave it out");
    }
    if text == "off" {
        return None;
    }
    match humantime::parse_duration(text) {
        Ok(period) if REMIND_EVERY.contains(&period) => Some(period),
        Ok(_) => problem(
            format!("{} is too short or too long", quoted(text)),
            "write a time between 1m and a year, or `off`",
        ),
        Err(_) => problem(
            format!("{} is not a duration", quoted(text)),
            "write a number with its unit, such as 4h, or `off`",
        ),
    }
}

/// Finds the names of channels that there are not.
pub(super) fn channels(json: &Json, config: &Config) -> Vec<SectionProblem> {
    let mut problems = Vec::new();
    let files = IngestFile::deserialize(json).unwrap_or_default();
    for (name, file) in &files {
        let channels = file.channels.iter().flatten().enumerate();
        for (index, channel) in channels {
            if config.channel(channel).is_some() || config.group(channel).is_some() {
                continue;
            }
            let path = vec![name.clone(), "channels".to_owned(), index.to_string()];
            let sentence = format!("there is no channel {}", quoted(channel));
            let help = match config.closest(channel) {
                Some(found) => format!("did you mean `{found}`?"),
                None => "name a channel or a group of this file".to_owned(),
            };
            problems.push(wrong(path, sentence, &help));
        }
    }
    problems
}
