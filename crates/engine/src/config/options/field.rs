//! A field of the engine's own options: where it stands, and the plain values
//! that it may have, which are times, numbers, switches and words.
//!
//! Every way to read a value answers with the value or with what is wrong; `put`
//! says the latter at the field.

use std::{ops::RangeInclusive, time::Duration};

use super::super::{
    problem::{Findings, Problem},
    redact::{hide, named, quoted},
    suggest,
    tree::{Entry, Node, NodeId, Scalar, Value},
};

/// What a field says, or what is wrong with it.
pub(crate) type Read<T> = Result<T, Box<Problem>>;

/// The word for nothing, where it would else be as it is for all channels.
pub(super) const NONE: &str = "none";
/// The store counts in milliseconds.
const SHORTEST: Duration = Duration::from_millis(1);

/// A field and where it stands.
pub(crate) struct Field<'a> {
    entry: &'a Entry,
    path: String,
}

impl<'a> Field<'a> {
    /// The fields of a mapping that stands at `path`.
    pub(crate) fn all(entry: &'a Entry, path: &str, findings: &mut Findings) -> Option<Vec<Self>> {
        let Value::Map(fields) = &entry.node.value else {
            hide(&entry.node, false, findings);
            let problem = format!("expected a mapping, found {}", entry.node.noun());
            findings.at(entry.node.id, Problem::error(problem).field(path));
            return None;
        };
        let dot = if path.is_empty() { "" } else { "." };
        let fields = fields.iter().map(|entry| Self {
            entry,
            path: format!("{path}{dot}{}", entry.key),
        });
        Some(fields.collect())
    }

    /// The fields one level down.
    pub(crate) fn fields(&self, findings: &mut Findings) -> Option<Vec<Self>> {
        Self::all(self.entry, &self.path, findings)
    }

    pub(crate) fn name(&self) -> &'a str {
        &self.entry.key
    }

    pub(crate) fn node(&self) -> &'a Node {
        &self.entry.node
    }

    pub(crate) fn entry(&self) -> &'a Entry {
        self.entry
    }

    /// Says what is wrong with the value.
    pub(crate) fn wrong(&self, findings: &mut Findings, problem: Problem) {
        findings.at(self.entry.node.id, problem.field(&*self.path));
    }

    /// Says what is wrong with the field as such.
    pub(crate) fn wrong_key(&self, findings: &mut Findings, problem: Problem) {
        findings.at(self.entry.key_id, problem.field(&*self.path));
    }

    pub(crate) fn is_unknown(&self, findings: &mut Findings, known: &[&str]) {
        // Nobody knows what it is.
        hide(self.node(), false, findings);
        let help = suggest::help(self.name(), "fields", known.iter().copied());
        let problem = Problem::error("unknown field").help(help);
        match named(self.name()) {
            "" => findings.at(self.entry.key_id, problem),
            _ => self.wrong_key(findings, problem),
        }
    }

    /// Puts what was read where it belongs and answers where it stands, or says
    /// why it cannot be read.
    pub(crate) fn put<T>(
        &self,
        findings: &mut Findings,
        place: &mut T,
        read: impl FnOnce(&Self) -> Read<T>,
    ) -> Option<NodeId> {
        match read(self) {
            Ok(value) => {
                *place = value;
                Some(self.entry.node.id)
            }
            Err(problem) => {
                self.wrong(findings, *problem);
                None
            }
        }
    }

    pub(crate) fn text(&self, expected: &str) -> Read<&'a str> {
        match &self.entry.node.value {
            Value::Scalar(kind, text) if *kind != Scalar::Null => Ok(text),
            _ => Err(self.expected(expected)),
        }
    }

    fn expected(&self, what: &str) -> Box<Problem> {
        let found = self.entry.node.noun();
        Box::new(Problem::error(format!("expected {what}, found {found}")))
    }

    /// Nothing where the word for it stands, else what `read` makes of it.
    pub(super) fn unless_none<T>(&self, read: impl FnOnce(&Self) -> Read<T>) -> Read<Option<T>> {
        match &self.entry.node.value {
            Value::Scalar(_, text) if **text == *NONE => Ok(None),
            _ => read(self).map(Some),
        }
    }

    /// A time that is not longer than another.
    pub(crate) fn time(&self, longest: Duration) -> Read<Duration> {
        let text = self.text("a time")?;
        let shown = humantime::format_duration;
        match humantime::parse_duration(text) {
            Ok(time) if time > longest => Err(Box::new(
                Problem::error(format!("{} is too long", quoted(text)))
                    .help(format!("at most {} make sense here", shown(longest))),
            )),
            Ok(time) if !time.is_zero() && time < SHORTEST => Err(Box::new(
                Problem::error(format!("{} is too short", quoted(text)))
                    .help(format!("write {} or more", shown(SHORTEST))),
            )),
            Ok(time) if !time.is_zero() => Ok(time),
            _ => Err(Box::new(
                Problem::error(format!("{} is not a time", quoted(text)))
                    .help("write a number and a unit, such as 30s or 2m"),
            )),
        }
    }

    pub(super) fn switch(&self) -> Read<bool> {
        match &self.entry.node.value {
            Value::Scalar(Scalar::Bool, text) => Ok(text.eq_ignore_ascii_case("true")),
            _ => Err(self.expected("true or false")),
        }
    }

    pub(super) fn number(&self, range: RangeInclusive<u32>) -> Read<u32> {
        let text = self.text("a number")?;
        let number = text.parse().ok();
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let (least, most) = (range.start(), range.end());
                let text = quoted(text);
                let sentence = format!("{text} is not a number from {least} to {most}");
                Box::new(Problem::error(sentence))
            })
    }

    /// One of a few words, such as a `severity`, of which there are `severities`.
    pub(crate) fn word<T: Copy>(&self, noun: &str, nouns: &str, known: &[(&str, T)]) -> Read<T> {
        let text = self.text("a word")?;
        let found = known
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let names = known.iter().map(|(name, _)| *name);
            let sentence = format!("unknown {noun} {}", quoted(text));
            Box::new(Problem::error(sentence).help(suggest::help(text, nouns, names)))
        })
    }
}
