//! Reads the engine's own options. They are read like settings, with these differences:
//!
//! - A text of a [`Format`], such as a time, is checked here, because it is not checked again. A
//!   schema declares the kind of text by [`FORMAT_KEYWORD`].
//! - Words may be in upper or lower case, and whole numbers may be in quotes.
//! - The valid part of a mapping counts, so that contradictions with it are found at once.
//! - References such as `{env: …}` are not values.

use serde_json::Value as Json;

use super::{
    super::{
        files::{NamedFile, Purpose},
        path::FieldPath,
        problem::{Findings, Problem},
        redact::hide,
        schema_types::{SchemaTypes, constants},
        tree::{Node, Scalar, Value},
    },
    Reader,
};

/// The keyword of a schema that declares the kind of text that it accepts.
pub(in super::super) const FORMAT_KEYWORD: &str = "x-annunciator-format";

/// A kind of text that JSON Schema cannot describe.
pub(in super::super) struct Format {
    /// The value of [`FORMAT_KEYWORD`].
    pub(in super::super) name: &'static str,
    /// The noun for a sentence, such as `a time`.
    pub(in super::super) noun: &'static str,
    /// Returns what is wrong with a scalar, by the schema that has the keyword.
    pub(in super::super) check: fn(&str, Scalar, &Json) -> Result<(), Box<Problem>>,
}

impl<'a> Reader<'a> {
    /// Creates a reader of the engine's own options.
    pub(in super::super) fn of_options(
        root: &'a Json,
        formats: &'static [&'static Format],
        findings: &'a mut Findings,
    ) -> Self {
        Self {
            formats: Some(formats),
            ..Self::new(root, findings)
        }
    }

    pub(super) fn is_lenient(&self) -> bool {
        self.formats.is_some()
    }

    /// Returns whether a mapping counts although part of it is wrong: it still has everything that
    /// its schema requires.
    pub(super) fn counts_in_part(&self, value: &Json, schema: &Json) -> bool {
        let required = schema.get("required").and_then(Json::as_array);
        let mut required = required.into_iter().flatten().filter_map(Json::as_str);
        self.is_lenient()
            && value.is_object()
            && schema.get("properties").is_some()
            && required.all(|name| value.get(name).is_some())
    }

    pub(super) fn format_of(&self, schema: &Json) -> Option<&'static Format> {
        let formats = self.formats?;
        let name = schema.get(FORMAT_KEYWORD)?.as_str()?;
        formats.iter().copied().find(|format| format.name == name)
    }

    /// Reads a text of a kind.
    pub(super) fn formatted(
        &mut self,
        node: &Node,
        format: &Format,
        schema: &'a Json,
        path: &FieldPath,
    ) -> Json {
        let (kind, text) = match &node.value {
            Value::Scalar(Scalar::Null, _) if SchemaTypes::of(schema).null => return Json::Null,
            Value::Scalar(kind, text) if *kind != Scalar::Null => (*kind, text),
            _ => {
                // A value of another kind may be misplaced.
                hide(node, false, self.findings);
                let (noun, found) = (format.noun, node.noun());
                let problem = Problem::error(format!("expected {noun}, found {found}"));
                return self.problem(node.id, path, problem);
            }
        };
        if let Err(problem) = (format.check)(text, kind, schema) {
            return self.problem(node.id, path, *problem);
        }
        if let Some(words) = constants(self.root, schema, 0) {
            return self.word(node.id, text, &words, path);
        }
        // A word may be used instead of a file.
        if let Some(purpose) = Purpose::of(schema).filter(|_| text.starts_with('/')) {
            self.findings.names_file(NamedFile {
                purpose,
                path: text.to_string(),
                id: node.id,
                field: path.clone(),
            });
        }
        Json::String(text.to_string())
    }
}
