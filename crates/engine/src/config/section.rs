//! Sections and host keys that an embedding program declares for the same file.
//!
//! Does not interpret their content: `content` reads it by the schema, and `hosts` and `extras`
//! read that of hosts.

use std::{fmt, sync::Arc};

use serde_json::Value as Json;

use super::{model::Config, problem::Problem};
use crate::line::printable;

type SectionCheck = Arc<dyn Fn(&Json) -> Vec<SectionProblem> + Send + Sync>;
type CheckWith = Arc<dyn Fn(&Json, &Config) -> Vec<SectionProblem> + Send + Sync>;

/// A section of the configuration file that the embedding program reads: a key of the top level,
/// and the JSON Schema of its value.
///
/// The engine reads it like the settings of channels. Text stays as it was typed; `{env: …}`,
/// `{file: …}` and `{credential: …}` are resolved where the schema requires text. If the schema
/// forbids unknown fields, an error suggests the field that was probably meant. Values that the
/// schema marks `writeOnly` are never shown. [`Config::section`](crate::Config::section) returns
/// the result.
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
    /// Creates a section for a key of the top level, with its JSON Schema, such as schemars
    /// generates from a type. A key that the engine reads itself (`hosts` and so on) remains the
    /// engine's.
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

    /// Adds a check of what a schema cannot express. It is called only if the whole section fits
    /// the schema.
    pub fn check(
        mut self,
        check: impl Fn(&Json) -> Vec<SectionProblem> + Send + Sync + 'static,
    ) -> Self {
        self.check = Some(Arc::new(check));
        self
    }

    /// Adds a check that needs the whole configuration, for example whether a name is a channel's.
    /// It is called after everything is read, and only if the file has no errors so far.
    pub fn check_with(
        mut self,
        check: impl Fn(&Json, &Config) -> Vec<SectionProblem> + Send + Sync + 'static,
    ) -> Self {
        self.check_with = Some(Arc::new(check));
        self
    }

    /// Returns the name of the section and those of its fields.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let fields = self.schema.get("properties").and_then(Json::as_object);
        let fields = fields.into_iter().flat_map(|fields| fields.keys());
        std::iter::once(&self.name)
            .chain(fields)
            .map(String::as_str)
    }

    /// Declares that the section is a mapping, and that this key of hosts names its keys.
    ///
    /// A host that names something else gets a warning. If the section is absent, no host does,
    /// because the names may be defined elsewhere.
    pub fn names(mut self, host_key: &str) -> Self {
        self.named_by.push(host_key.to_owned());
        self
    }

    /// Declares where the section names hosts: a path down from the section, with `*` for every
    /// item of a list, such as `["keys", "*", "hosts"]`. The value is one name or a list of names.
    ///
    /// A name that is not among the hosts of the file gets a warning, unless the file has no hosts.
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

    /// Returns the keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let properties = self.schema.get("properties").and_then(Json::as_object);
        properties
            .into_iter()
            .flat_map(|known| known.keys().map(String::as_str))
    }

    /// Returns whether this is one of the keys.
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

/// A problem that the embedding program found in a section or in the keys of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct SectionProblem {
    pub(crate) path: Vec<String>,
    problem: Problem,
}

impl SectionProblem {
    /// Creates an error, which prevents a start.
    ///
    /// `path` has the names of fields and the indices of items on the way down from the section or
    /// the host. An empty path is the section or the host itself.
    pub fn error<P: Into<String>>(
        path: impl IntoIterator<Item = P>,
        sentence: impl AsRef<str>,
    ) -> Self {
        Self::new(path, Problem::error(printable(sentence.as_ref())))
    }

    /// Creates a warning, which the operator should know. `path` is as for [`error`](Self::error).
    pub fn warning<P: Into<String>>(
        path: impl IntoIterator<Item = P>,
        sentence: impl AsRef<str>,
    ) -> Self {
        Self::new(path, Problem::warning(printable(sentence.as_ref())))
    }

    /// Sets what would be right.
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
