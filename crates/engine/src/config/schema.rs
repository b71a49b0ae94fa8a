//! Reads a node of the file by the JSON Schema that a plugin or the embedding
//! program gives.
//!
//! Where the schema wants text, the characters count as they were typed.
//! Knows the keywords that schemas made from Rust types use; what it does not
//! know it leaves to them, who check the settings once more.

use serde_json::{Map, Number, Value as Json};

use super::{
    files::{NamedFile, Purpose},
    natural::{natural, scalar},
    path::FieldPath,
    problem::{Findings, Problem},
    redact::{hide, hide_unlikely, is_name, quoted},
    reference::{self, FORMS},
    suggest,
    tree::{Entry, Node, NodeId, Scalar, Value},
    wants::{DEEPEST, Wants, choices, constants, follow, holds_secrets, is_secret},
};

/// Reads settings by one schema.
pub(crate) struct Reader<'a> {
    root: &'a Json,
    findings: &'a mut Findings,
    /// Whether what is read is part of a secret.
    in_secret: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(root: &'a Json, findings: &'a mut Findings) -> Self {
        Self {
            root,
            findings,
            in_secret: false,
        }
    }

    /// Reads a node of any kind, whose own path is `path`.
    pub(super) fn whole(&mut self, node: &Node, path: &FieldPath) -> Json {
        self.value(node, self.root, path, 0)
    }

    /// Reads a whole object. Entries named in `except` are somebody else's.
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
        self.object(id, entries, self.root, &FieldPath::default(), 0)
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
        if depth > DEEPEST {
            return natural(node);
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
        let wants = Wants::of(schema);
        hide_unlikely(node, self.findings);
        match &node.value {
            Value::Scalar(Scalar::Null, _) if wants.null => Json::Null,
            Value::Scalar(kind, text) => self.scalar(node.id, *kind, text, schema, wants, path),
            Value::List(nodes) if wants.array => self.list(node.id, nodes, schema, path, depth),
            Value::Map(entries) if wants.object => {
                let entries: Vec<&Entry> = entries.iter().collect();
                Json::Object(self.object(node.id, &entries, schema, path, depth))
            }
            Value::Map(entries) if wants.text => match reference::resolve(entries) {
                Some(Ok(text)) => self.text(node.id, &text, schema, path),
                Some(Err(problem)) => {
                    self.problem(node.id, path, *problem);
                    // Something is there: the plugin need not miss it, too.
                    Json::String("?".to_owned())
                }
                None => {
                    let forms = FORMS.map(|(form, _)| format!("{{{form}: …}}")).join(", ");
                    let problem = Problem::error("expected text, found a mapping")
                        .help(format!("write the text itself, or one of {forms}"));
                    self.problem(node.id, path, problem)
                }
            },
            _ if wants.anything => natural(node),
            _ => self.unexpected(node, wants, path),
        }
    }

    /// Takes the first choice that fits; else tells what the likeliest misses.
    fn choice(&mut self, node: &Node, choices: &'a [Json], path: &FieldPath, depth: usize) -> Json {
        let mut best: Option<(usize, Json, Findings)> = None;
        for choice in choices {
            let mut trial = Findings::default();
            let mut reader = Reader {
                root: self.root,
                findings: &mut trial,
                in_secret: self.in_secret,
            };
            let read = reader.value(node, choice, path, depth + 1);
            // `null` is a choice only for those who write nothing.
            let only_null = Wants::of(follow(self.root, choice)).only_null();
            let misses = if trial.errors() == 0 {
                0
            } else if only_null {
                usize::MAX
            } else {
                trial.len()
            };
            if best.as_ref().is_none_or(|(least, ..)| misses < *least) {
                best = Some((misses, read, trial));
            }
        }
        match best {
            Some((_, read, trial)) => {
                self.findings.absorb(trial);
                read
            }
            None => natural(node),
        }
    }

    fn scalar(
        &mut self,
        id: NodeId,
        kind: Scalar,
        text: &str,
        schema: &'a Json,
        wants: Wants,
        path: &FieldPath,
    ) -> Json {
        let constants = schema.get("enum").and_then(Json::as_array);
        match kind {
            Scalar::Null => {
                let problem =
                    Problem::error(format!("there is no value; expected {}", wants.noun()));
                return self.problem(id, path, problem);
            }
            Scalar::Bool if wants.boolean => return Json::Bool(text.eq_ignore_ascii_case("true")),
            Scalar::Int if wants.integer || wants.number => {
                return self.number(id, text, schema, path);
            }
            Scalar::Float if wants.number => return self.number(id, text, schema, path),
            _ if wants.text || constants.is_some() => {
                return self.text(id, text, schema, path);
            }
            _ if wants.anything => return scalar(kind, text),
            _ => {}
        }
        let shown = self.shown(text);
        let mut problem = Problem::error(format!("expected {}, found {shown}", wants.noun()));
        if wants.array {
            let shown = if self.in_secret { " … " } else { text };
            problem = problem.help(suggest::as_list(shown));
        } else if wants.boolean {
            problem = problem.help("write true or false");
        } else if (wants.integer || wants.number) && text.parse::<f64>().is_ok() {
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

    /// One of a few words.
    fn word(&mut self, id: NodeId, text: &str, words: &[&str], path: &FieldPath) -> Json {
        if words.contains(&text) {
            return Json::String(text.to_owned());
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

    fn object(
        &mut self,
        id: NodeId,
        entries: &[&Entry],
        schema: &'a Json,
        path: &FieldPath,
        depth: usize,
    ) -> Map<String, Json> {
        let properties = schema.get("properties").and_then(Json::as_object);
        let additional = schema.get("additionalProperties");
        let mut read = Map::new();
        for entry in entries {
            let at = path.key(&entry.key);
            if let Some(property) = properties.and_then(|known| known.get(&*entry.key)) {
                let before = self.findings.errors();
                let value = self.value(&entry.node, property, &at, depth + 1);
                // What is wrong is left out, so that the plugin can still
                // check the rest.
                if self.findings.errors() == before || value.is_string() {
                    read.insert(entry.key.to_string(), value);
                }
            } else if additional == Some(&Json::Bool(false)) {
                // Perhaps a slip in the name of a secret, or a secret without one.
                hide(&entry.node, false, self.findings);
                let known = properties.into_iter().flat_map(Map::keys);
                let known: Vec<&str> = known.map(String::as_str).collect();
                let field = entry.key.split_once(':').filter(|_| !self.in_secret);
                let field = field.filter(|(field, _)| known.contains(field));
                let may_be_shown = !self.in_secret && is_name(&entry.key) && !entry.node.is_null();
                if let Some((field, _)) = field {
                    self.findings.secret(entry.key_id, false);
                    let problem = Problem::error("no blank stands behind the colon")
                        .help(format!("write `{field}: …`"));
                    self.problem(entry.key_id, &path.key(field), problem);
                } else if may_be_shown {
                    let help = suggest::help(&entry.key, "fields", known);
                    let problem = Problem::error("unknown field").help(help);
                    self.problem(entry.key_id, &at, problem);
                } else {
                    self.findings.secret(entry.key_id, false);
                    let problem = Problem::error("what stands here is no field")
                        .help("write the field's name in front of it, and a colon");
                    self.problem(entry.key_id, path, problem);
                }
            } else {
                let value = self.value(
                    &entry.node,
                    additional.unwrap_or(&Json::Bool(true)),
                    &at,
                    depth + 1,
                );
                read.insert(entry.key.to_string(), value);
            }
        }
        let required = schema.get("required").and_then(Json::as_array);
        for name in required.into_iter().flatten().filter_map(Json::as_str) {
            if entries.iter().all(|entry| &*entry.key != name) {
                let about = properties
                    .and_then(|known| known.get(name))
                    .and_then(|property| {
                        follow(self.root, property)
                            .get("description")
                            .or(property.get("description"))
                    })
                    .and_then(Json::as_str);
                let mut problem = Problem::error("this field is missing");
                if let Some(about) = about {
                    problem = problem.help(format!("{name}: {about}"));
                }
                self.problem(id, &path.key(name), problem);
            }
        }
        read
    }

    fn unexpected(&mut self, node: &Node, wants: Wants, path: &FieldPath) -> Json {
        // What is of another kind is perhaps something else altogether.
        hide(node, false, self.findings);
        let problem = Problem::error(format!("expected {}, found {}", wants.noun(), node.noun()));
        self.problem(node.id, path, problem)
    }
    /// A value in a sentence, unless it is a secret.
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
