//! The sections and host keys that an embedding program declares for the same file.
//!
//! Decides nothing about what stands there: `content` reads it by the schema,
//! `hosts` and `extras` those of hosts.

use std::{fmt, sync::Arc};

use serde_json::Value as Json;

use super::{model::Config, problem::Problem};
use crate::line::printable;

type SectionCheck = Arc<dyn Fn(&Json) -> Vec<SectionProblem> + Send + Sync>;
type CheckWith = Arc<dyn Fn(&Json, &Config) -> Vec<SectionProblem> + Send + Sync>;

/// A part of the file that the embedding program reads: a key of the top
/// level and the JSON Schema of what stands below it.
///
/// The engine reads it as it reads the settings of channels: text stays what
/// was typed, `{env: …}`, `{file: …}` and `{credential: …}` are resolved where
/// the schema wants text, unknown fields are answered with the likely one
/// where the schema forbids them, and what the schema marks `writeOnly` is
/// shown nowhere. [`Config::section`](crate::Config::section) has the result.
///
/// # Examples
/// ```
/// use annunciator::{Engine, Section, SectionProblem};
/// use serde_json::json;
///
/// let schema = json!({
///     "type": "object",
///     "properties": { "door": { "type": "string" }, "keys": { "type": "object" } },
///     "additionalProperties": false,
/// });
/// let building = Section::new("building", schema).check(|building| {
///     if building["door"] == "bricked up" {
///         return vec![SectionProblem::error(["door"], "nobody gets in").help("open it")];
///     }
///     Vec::new()
/// });
/// let builder = Engine::builder("/etc/heartbeat/heartbeat.yaml").section(building);
/// # let _ = builder;
/// ```
#[derive(Clone)]
#[must_use]
pub struct Section {
    pub(crate) name: String,
    pub(crate) schema: Json,
    pub(crate) check: Option<SectionCheck>,
    pub(crate) check_with: Option<CheckWith>,
    pub(crate) named_by: Vec<String>,
    pub(crate) host_lists: Vec<Vec<String>>,
}

impl Section {
    /// The section below a key of the top level, by its JSON Schema, as
    /// schemars makes it from a type. A name that the engine reads itself
    /// (`hosts` and so on) stays the engine's.
    pub fn new(name: &str, schema: Json) -> Self {
        Self {
            name: name.to_owned(),
            schema,
            check: None,
            check_with: None,
            named_by: Vec::new(),
            host_lists: Vec::new(),
        }
    }

    /// Checks what a schema can't say. It is called with what fits the schema,
    /// and not at all where something doesn't.
    pub fn check(
        mut self,
        check: impl Fn(&Json) -> Vec<SectionProblem> + Send + Sync + 'static,
    ) -> Self {
        self.check = Some(Arc::new(check));
        self
    }

    /// Checks what only the whole configuration can tell, such as whether a name
    /// is a channel's. It is called after everything was read, and not at all
    /// where something is wrong with the file already.
    pub fn check_with(
        mut self,
        check: impl Fn(&Json, &Config) -> Vec<SectionProblem> + Send + Sync + 'static,
    ) -> Self {
        self.check_with = Some(Arc::new(check));
        self
    }

    /// Its own name and those of its fields.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let fields = self.schema.get("properties").and_then(Json::as_object);
        let fields = fields.into_iter().flat_map(|fields| fields.keys());
        std::iter::once(&self.name)
            .chain(fields)
            .map(String::as_str)
    }

    /// The section is a mapping, and its keys are what this key of hosts
    /// names. A host that names none of them gets a warning; where the whole
    /// section is absent none does, since the names may stand elsewhere.
    pub fn names(mut self, host_key: &str) -> Self {
        self.named_by.push(host_key.to_owned());
        self
    }

    /// At the end of this way down from the section there are names of hosts, a
    /// list of them or one, with `*` for every item of a list:
    /// `["keys", "*", "hosts"]`. One that is not among the file's hosts gets a
    /// warning; where the file has no hosts none does.
    pub fn names_hosts<P: Into<String>>(mut self, path: impl IntoIterator<Item = P>) -> Self {
        let path = path.into_iter().map(Into::into).collect();
        self.host_lists.push(path);
        self
    }
}

impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Section")
            .field("name", &self.name)
            .field("named_by", &self.named_by)
            .finish_non_exhaustive()
    }
}

/// Keys that hosts may have besides the engine's, and what they must be.
#[derive(Clone)]
pub(crate) struct HostKeys {
    pub(crate) schema: Json,
    pub(crate) check: SectionCheck,
}

impl HostKeys {
    pub(crate) fn new(
        schema: Json,
        check: impl Fn(&Json) -> Vec<SectionProblem> + Send + Sync + 'static,
    ) -> Self {
        Self {
            schema,
            check: Arc::new(check),
        }
    }

    /// The keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let properties = self.schema.get("properties").and_then(Json::as_object);
        properties
            .into_iter()
            .flat_map(|known| known.keys().map(String::as_str))
    }

    /// Whether this is one of the keys.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.schema
            .get("properties")
            .is_some_and(|known| known.get(key).is_some())
    }
}

impl fmt::Debug for HostKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys()).finish()
    }
}

/// What the embedding program says is wrong with a section or with the keys
/// of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct SectionProblem {
    pub(crate) path: Vec<String>,
    problem: Problem,
}

impl SectionProblem {
    /// Something that stops the engine. `path` are the names of fields and the
    /// indices of items on the way down from the section (or from the host);
    /// an empty one is the section itself.
    pub fn error<P: Into<String>>(
        path: impl IntoIterator<Item = P>,
        sentence: impl AsRef<str>,
    ) -> Self {
        Self::new(path, Problem::error(printable(sentence.as_ref())))
    }

    /// Something that the operator should know.
    pub fn warning<P: Into<String>>(
        path: impl IntoIterator<Item = P>,
        sentence: impl AsRef<str>,
    ) -> Self {
        Self::new(path, Problem::warning(printable(sentence.as_ref())))
    }

    /// What would be right.
    pub fn help(mut self, text: impl AsRef<str>) -> Self {
        self.problem = self.problem.help(printable(text.as_ref()));
        self
    }

    fn new<P: Into<String>>(path: impl IntoIterator<Item = P>, problem: Problem) -> Self {
        let path = path.into_iter().map(Into::into).collect();
        Self { path, problem }
    }

    pub(crate) fn at(&self, field: String) -> Problem {
        self.problem.clone().field(field)
    }
}
