//! Reads a node whose schema allows alternatives.

use serde_json::Value as Json;

use super::{
    super::{
        path::FieldPath,
        problem::{Findings, Problem},
        reference::in_form,
        schema_types::{SchemaTypes, constants, follow},
        tree::{Node, Scalar, Value},
        untyped::untyped,
    },
    Reader,
};

impl<'a> Reader<'a> {
    /// Reads by the first alternative that matches, or reports the problems of the most likely one.
    pub(super) fn choice(
        &mut self,
        node: &Node,
        choices: &'a [Json],
        path: &FieldPath,
        depth: usize,
    ) -> Json {
        let mut best: Option<((bool, usize), Json, Findings)> = None;
        for choice in choices {
            let mut trial = Findings::default();
            let mut reader = Reader {
                root: self.root,
                findings: &mut trial,
                in_secret: self.in_secret,
                formats: self.formats,
            };
            let read = reader.value(node, choice, path, depth + 1);
            // `null` is an alternative only for an empty value.
            let accepted = SchemaTypes::of(follow(self.root, choice));
            let misses = if trial.errors() == 0 {
                0
            } else if accepted.only_null() {
                usize::MAX
            } else {
                trial.len()
            };
            // A mapping is not meant as the text that the schema also allows.
            let is_word = constants(self.root, choice, 0).is_some();
            let is_likely = is_of_a_kind(node, accepted) && !is_word;
            let misses = (misses > 0 && !is_likely, misses);
            if best.as_ref().is_none_or(|(least, ..)| misses < *least) {
                best = Some((misses, read, trial));
            }
        }
        match best {
            Some(((true, _), ..))
                if self.is_lenient() && matches!(node.value, Value::Scalar(..)) =>
            {
                self.none_of(node, choices, path)
            }
            Some((_, read, trial)) => {
                self.findings.absorb(trial);
                read
            }
            None => untyped(node),
        }
    }

    /// Reads a scalar where none is accepted, except for certain words.
    fn none_of(&mut self, node: &Node, choices: &[Json], path: &FieldPath) -> Json {
        let nouns = choices.iter().map(|choice| {
            let words = constants(self.root, choice, 0).unwrap_or_default();
            match words.is_empty() {
                true => SchemaTypes::of(follow(self.root, choice)).noun(),
                false => format!("`{}`", words.join("` or `")),
            }
        });
        let nouns = nouns.collect::<Vec<_>>().join(" or ");
        let found = match &node.value {
            Value::Scalar(Scalar::Null, _) => node.noun().to_owned(),
            Value::Scalar(_, text) => self.shown(text),
            Value::List(_) | Value::Map(_) => String::new(),
        };
        let problem = Problem::error(format!("expected {nouns}, found {found}"));
        self.problem(node.id, path, problem)
    }
}

/// Returns whether a schema accepts the kind of a node, whatever its content.
fn is_of_a_kind(node: &Node, accepted: SchemaTypes) -> bool {
    accepted.anything
        || match node.value {
            Value::Scalar(..) => accepted.takes_scalars(),
            Value::List(_) => accepted.array,
            Value::Map(ref entries) => {
                accepted.object || accepted.text && in_form(entries).is_some()
            }
        }
}
