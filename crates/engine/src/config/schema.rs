//! Reads a node of the file by the JSON Schema of a plugin or of the embedding program.
//!
//! If the schema requires text, the characters are kept as typed. Supports the keywords that
//! schemas generated from Rust types use. Other keywords are left to the plugin or program, which
//! checks the settings again. `format` also reads the engine's own options, which are not checked
//! again; `object` reads mappings, and `choice` reads alternatives.

mod choice;
mod format;
mod object;

use serde_json::{Map, Number, Value as Json};

use super::{
    files::{NamedFile, Purpose},
    path::FieldPath,
    problem::{Findings, Problem},
    redact::{hide, hide_unlikely, quoted},
    reference::{self, FORMS},
    schema_types::{MAX_DEPTH, SchemaTypes, choices, constants, follow, holds_secrets, is_secret},
    suggest,
    tree::{Entry, Node, NodeId, Scalar, Value},
    untyped::{scalar, untyped},
};

pub(super) use self::format::{FORMAT_KEYWORD, Format};

/// Returns the fields that a schema requires.
pub(super) fn required(schema: &Json) -> impl Iterator<Item = &str> {
    let names = schema.get("required").and_then(Json::as_array);
    names.into_iter().flatten().filter_map(Json::as_str)
}

/// Reads settings by one schema.
pub(crate) struct Reader<'a> {
    root: &'a Json,
    findings: &'a mut Findings,
    /// Whether the value that is read is part of a secret.
    in_secret: bool,
    /// The kinds of text in the engine's own options, or `None` elsewhere.
    formats: Option<&'static [&'static Format]>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(root: &'a Json, findings: &'a mut Findings) -> Self {
        Self {
            root,
            findings,
            in_secret: false,
            formats: None,
        }
    }

    /// Reads a node of any kind, whose own path is `path`.
    pub(super) fn whole(&mut self, node: &Node, path: &FieldPath) -> Json {
        self.value(node, self.root, path, 0)
    }

    /// Reads a whole object, without the entries named in `except`, which are read elsewhere.
    pub(crate) fn settings(
        &mut self,
        id: NodeId,
        entries: &[Entry],
        except: &[&str],
    ) -> Map<String, Json> {
        let entries: Vec<&Entry> = entries
            .iter()
            .filter(|entry| !except.contains(&&*entry.key))
            .collect();
        self.fields(id, &entries)
    }

    /// Reads some fields as those of a whole object.
    pub(super) fn fields(&mut self, id: NodeId, entries: &[&Entry]) -> Map<String, Json> {
        self.fields_at(id, entries, &FieldPath::default())
    }

    /// Reads some fields of an object at `path` as those of a whole object.
    pub(super) fn fields_at(
        &mut self,
        id: NodeId,
        entries: &[&Entry],
        path: &FieldPath,
    ) -> Map<String, Json> {
        self.object(id, entries, self.root, path, 0)
    }

    fn problem(&mut self, id: NodeId, path: &FieldPath, problem: Problem) -> Json {
        self.findings.at(id, problem.field(path.clone()));
        Json::Null
    }

    fn value(&mut self, node: &Node, schema: &'a Json, path: &FieldPath, depth: usize) -> Json {
        let outside = self.in_secret;
        let is_one = matches!(node.value, Value::Scalar(..));
        let is_secret = is_secret(self.root, schema) || is_one && holds_secrets(self.root, schema);
        if !outside && is_secret {
            self.in_secret = true;
            hide(node, true, self.findings);
        }
        let value = self.open_value(node, follow(self.root, schema), path, depth);
        self.in_secret = outside;
        value
    }

    fn open_value(
        &mut self,
        node: &Node,
        schema: &'a Json,
        path: &FieldPath,
        depth: usize,
    ) -> Json {
        if depth > MAX_DEPTH {
            return untyped(node);
        }
        if let Some(format) = self.format_of(schema) {
            return self.formatted(node, format, schema, path);
        }
        if let Some(words) = constants(self.root, schema, 0)
            && let Value::Scalar(kind, text) = &node.value
            && *kind != Scalar::Null
        {
            return self.word(node.id, text, &words, path);
        }
        if let Some(choices) = choices(schema) {
            return self.choice(node, choices, path, depth);
        }
        let accepted = SchemaTypes::of(schema);
        hide_unlikely(node, self.findings);
        match &node.value {
            Value::Scalar(Scalar::Null, _) if accepted.null => Json::Null,
            Value::Scalar(kind, text) => self.scalar(node.id, *kind, text, schema, accepted, path),
            Value::List(nodes) if accepted.array => self.list(node.id, nodes, schema, path, depth),
            Value::Map(entries) if accepted.object => {
                let entries: Vec<&Entry> = entries.iter().collect();
                Json::Object(self.object(node.id, &entries, schema, path, depth))
            }
            Value::Map(entries) if accepted.text && self.formats.is_none() => {
                match reference::resolve(entries) {
                    Some(Ok(text)) => self.text(node.id, &text, schema, path),
                    Some(Err(problem)) => {
                        self.problem(node.id, path, *problem);
                        // The value is present, so that the plugin does not report it as missing.
                        Json::String("?".to_owned())
                    }
                    None => {
                        let forms = FORMS.map(|(form, _)| format!("{{{form}: …}}")).join(", ");
                        let problem = Problem::error("expected text, found a mapping")
                            .help(format!("write the text itself, or one of {forms}"));
                        self.problem(node.id, path, problem)
                    }
                }
            }
            _ if accepted.anything => untyped(node),
            _ => self.unexpected(node, accepted, path),
        }
    }

    fn scalar(
        &mut self,
        id: NodeId,
        kind: Scalar,
        text: &str,
        schema: &'a Json,
        accepted: SchemaTypes,
        path: &FieldPath,
    ) -> Json {
        let constants = schema.get("enum").and_then(Json::as_array);
        match kind {
            Scalar::Null => {
                let problem =
                    Problem::error(format!("there is no value; expected {}", accepted.noun()));
                return self.problem(id, path, problem);
            }
            Scalar::Bool if accepted.boolean => {
                return Json::Bool(text.eq_ignore_ascii_case("true"));
            }
            Scalar::Int if accepted.integer || accepted.number => {
                return self.number(id, text, schema, path);
            }
            Scalar::Float if accepted.number => return self.number(id, text, schema, path),
            Scalar::Text if accepted.integer && self.is_lenient() => {
                if let Ok(number) = text.parse::<i64>() {
                    return self.number(id, &number.to_string(), schema, path);
                }
            }
            _ if accepted.text || constants.is_some() => {
                return self.text(id, text, schema, path);
            }
            _ if accepted.anything => return scalar(kind, text),
            _ => {}
        }
        let shown = self.shown(text);
        let mut problem = Problem::error(format!("expected {}, found {shown}", accepted.noun()));
        if accepted.array {
            let shown = if self.in_secret { " … " } else { text };
            problem = problem.help(suggest::as_list(shown));
        } else if accepted.boolean {
            problem = problem.help("write true or false");
        } else if kind == Scalar::Text && is_number(text, accepted) {
            problem = problem.help("write the number without quotes");
        }
        self.problem(id, path, problem)
    }

    fn number(&mut self, id: NodeId, text: &str, schema: &Json, path: &FieldPath) -> Json {
        let Ok(number) = serde_yaml::from_str::<Number>(text) else {
            return self.problem(
                id,
                path,
                Problem::error(format!(
                    "{} is not a number that can be used",
                    self.number_shown(text)
                )),
            );
        };
        let value = number.as_f64().unwrap_or_default();
        let bound = |key: &str| schema.get(key).and_then(Json::as_f64);
        let (least, most) = (bound("minimum"), bound("maximum"));
        if least.is_some_and(|least| value < least) || most.is_some_and(|most| value > most) {
            let range = match (least, most) {
                (Some(least), Some(most)) => format!("between {least} and {most}"),
                (Some(least), None) => format!("{least} or more"),
                (None, Some(most)) => format!("{most} or less"),
                (None, None) => String::new(),
            };
            return self.problem(
                id,
                path,
                Problem::error(format!(
                    "{} is out of range: it must be {range}",
                    self.number_shown(text)
                )),
            );
        }
        Json::Number(number)
    }

    /// Reads one of a few words.
    fn word(&mut self, id: NodeId, text: &str, words: &[&str], path: &FieldPath) -> Json {
        let is_it =
            |word: &&&str| **word == text || self.is_lenient() && word.eq_ignore_ascii_case(text);
        if let Some(word) = words.iter().find(is_it) {
            return Json::String((*word).to_owned());
        }
        let message = format!("{} is not one of the possible values", self.shown(text));
        let help = suggest::help(text, "possible values", words.iter().copied());
        self.problem(id, path, Problem::error(message).help(help))
    }

    fn text(&mut self, id: NodeId, text: &str, schema: &Json, path: &FieldPath) -> Json {
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        let bound = |key: &str| schema.get(key).and_then(Json::as_u64);
        if bound("minLength").is_some_and(|least| length < least) {
            let what = if text.is_empty() {
                "is empty"
            } else {
                "is too short"
            };
            return self.problem(id, path, Problem::error(what));
        }
        if let Some(most) = bound("maxLength").filter(|most| length > *most) {
            let problem =
                Problem::error(format!("is too long: {length} characters, at most {most}"));
            return self.problem(id, path, problem);
        }
        if let Some(purpose) = Purpose::of(schema) {
            self.findings.names_file(NamedFile {
                purpose,
                path: text.to_owned(),
                id,
                field: path.clone(),
            });
        }
        Json::String(text.to_owned())
    }

    fn list(
        &mut self,
        id: NodeId,
        nodes: &[Node],
        schema: &'a Json,
        path: &FieldPath,
        depth: usize,
    ) -> Json {
        let bound = |key: &str| schema.get(key).and_then(Json::as_u64);
        let length = u64::try_from(nodes.len()).unwrap_or(u64::MAX);
        if bound("minItems").is_some_and(|least| length < least) {
            let what = if nodes.is_empty() {
                "the list is empty"
            } else {
                "the list is too short"
            };
            return self.problem(id, path, Problem::error(what));
        }
        if let Some(most) = bound("maxItems").filter(|most| length > *most) {
            let problem = Problem::error(format!(
                "the list has {length} items, at most {most} are allowed"
            ));
            return self.problem(id, path, problem);
        }
        let item = schema.get("items").unwrap_or(&Json::Bool(true));
        let read = nodes
            .iter()
            .enumerate()
            .map(|(i, node)| self.value(node, item, &path.index(i), depth + 1))
            .collect();
        Json::Array(read)
    }

    fn unexpected(&mut self, node: &Node, accepted: SchemaTypes, path: &FieldPath) -> Json {
        // A value of another kind may be misplaced.
        hide(node, false, self.findings);
        let problem = Problem::error(format!(
            "expected {}, found {}",
            accepted.noun(),
            node.noun()
        ));
        self.problem(node.id, path, problem)
    }

    /// Returns a value for a sentence, unless it is a secret.
    fn shown(&self, text: &str) -> String {
        if self.in_secret {
            return "another kind of value".to_owned();
        }
        quoted(text)
    }

    fn number_shown<'t>(&self, text: &'t str) -> &'t str {
        if self.in_secret { "this" } else { text }
    }
}

/// Returns whether a text would be an accepted number if it were not quoted.
fn is_number(text: &str, accepted: SchemaTypes) -> bool {
    match accepted.number {
        true => text.parse::<f64>().is_ok(),
        false => accepted.integer && text.parse::<i64>().is_ok(),
    }
}
