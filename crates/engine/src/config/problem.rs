//! Problems in a configuration file: where each is, what is wrong, and what would be right.

use std::{
    collections::HashSet,
    fmt,
    path::{Path, PathBuf},
};

use super::{
    files::NamedFile,
    locate::{Located, Span},
    redact::{field_only, subject_only},
    tree::NodeId,
};

/// The severity of a [`Problem`]: whether it prevents a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The file cannot be used.
    Error,
    /// The file can be used, but the operator should know.
    Warning,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A problem in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether the problem prevents a start.
    pub level: Level,
    /// What the problem is about, such as `channel email_ops` or `host web-01`.
    pub subject: Option<String>,
    /// The field, such as `recipients[1]`.
    pub field: Option<String>,
    /// What is wrong. Never contains the value of a secret.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    /// Where in the file the problem is; `None` for the file as a whole.
    pub span: Option<Span>,
    /// Whether the problem is about the file, and not about the program's other settings.
    pub is_of_file: bool,
}

impl Problem {
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            subject: None,
            field: None,
            message: message.into(),
            help: None,
            span: None,
            is_of_file: true,
        }
    }

    pub(crate) fn warning(message: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            ..Self::error(message)
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into()).filter(|field| !field.is_empty());
        self
    }

    /// Returns the problem as a sentence without its place, such as `channel email_ops: smtp_port:
    /// …`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut text = String::new();
        for part in [&self.subject, &self.field].into_iter().flatten() {
            text.push_str(part);
            text.push_str(": ");
        }
        text.push_str(&self.message);
        text
    }
}

/// The problems in a configuration file.
///
/// Displayed, they are one line each, `file:line:column: error: …`, like those of compilers.
#[derive(Clone)]
pub struct Problems {
    file: PathBuf,
    source: String,
    list: Vec<Problem>,
    counts: Counts,
}

/// The number of problems of each level, including those that are not kept.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    errors: usize,
    warnings: usize,
}

impl Counts {
    fn of(&mut self, level: Level) -> &mut usize {
        match level {
            Level::Error => &mut self.errors,
            Level::Warning => &mut self.warnings,
        }
    }
}

impl std::error::Error for Problems {}

/// Formats the problems as `Display` does, because a `main` that returns an error prints it this
/// way.
impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl Problems {
    /// Returns a single problem. `source` is the file's text, with everything masked that may be
    /// secret.
    pub(super) fn only(file: &Path, source: String, problem: Problem) -> Self {
        let mut counts = Counts::default();
        *counts.of(problem.level) = 1;
        Self {
            file: file.to_owned(),
            source,
            list: vec![problem],
            counts,
        }
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the text of the file for snippets, with the same length in bytes. Names and values
    /// that are known not to be secret are kept; everything else is replaced by asterisks.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the problems in the order of the file: the first 200 of each level that were found.
    /// A file can have as many as it has lines, and nobody reads more.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    /// Returns the number of problems of a level, including those that [`iter`](Self::iter) leaves
    /// out.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        let mut counts = self.counts;
        *counts.of(level)
    }

    /// Returns the number of problems that [`iter`](Self::iter) leaves out.
    #[must_use]
    pub fn left_out(&self) -> usize {
        (self.counts.errors + self.counts.warnings).saturating_sub(self.list.len())
    }

    /// Returns whether there are no problems.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            if problem.is_of_file {
                write!(f, "{}", self.file.display())?;
                if let Some(span) = problem.span {
                    write!(f, ":{}:{}", span.line, span.column)?;
                }
                write!(f, ": ")?;
            }
            write!(f, "{}: {}", problem.level, problem.sentence())?;
            if let Some(help) = &problem.help {
                write!(f, " (help: {help})")?;
            }
        }
        match self.left_out() {
            0 => Ok(()),
            more => write!(f, "\n{}: and {more} more", self.file.display()),
        }
    }
}

/// The maximum number of problems with names that come with a suggestion.
const MAX_SUGGESTIONS: usize = 100;

/// The maximum number of listed problems of each level. Further ones are only counted, and are
/// listed when these are fixed.
const MAX_LISTED: usize = 200;

/// Collects problems, by the nodes that they are about.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<(Option<NodeId>, Problem)>,
    counts: Counts,
    secrets: Vec<NodeId>,
    known_secrets: bool,
    files: Vec<NamedFile>,
}

impl Findings {
    /// Adds a problem at a node.
    pub(crate) fn at(&mut self, id: NodeId, problem: Problem) {
        self.add(Some(id), problem);
    }

    /// Adds a warning at a node. Calls `warning` only if it is listed.
    pub(super) fn warn(&mut self, id: NodeId, warning: impl FnOnce() -> Problem) {
        if self.counts.warnings < MAX_LISTED {
            self.add(Some(id), warning());
        } else {
            self.counts.warnings += 1;
        }
    }

    /// Adds a problem of the whole file.
    pub(crate) fn whole(&mut self, problem: Problem) {
        self.add(None, problem);
    }

    fn add(&mut self, id: Option<NodeId>, problem: Problem) {
        let count = self.counts.of(problem.level);
        *count += 1;
        if *count <= MAX_LISTED {
            self.list.push((id, problem));
        }
    }

    /// Marks a scalar as one that must not be shown. `known`: whether it is certainly a secret or
    /// only may be.
    pub(crate) fn secret(&mut self, id: NodeId, known: bool) {
        self.secrets.push(id);
        self.known_secrets |= known;
    }

    pub(crate) fn has_secrets(&self) -> bool {
        self.known_secrets
    }

    pub(crate) fn errors(&self) -> usize {
        self.counts.errors
    }

    /// Returns whether an error was found in a field, among the problems from the number `since`
    /// on. Returns `true` if no more errors are kept, because then another about the same is not
    /// needed.
    pub(crate) fn speaks_of(&self, field: &str, since: usize) -> bool {
        let is_it = |problem: &Problem| {
            problem.level == Level::Error && problem.field.as_deref() == Some(field)
        };
        let mut new = self.list.iter().skip(since);
        self.counts.errors > MAX_LISTED || new.any(|(_, problem)| is_it(problem))
    }

    /// Records a file that a setting names, to be checked later.
    pub(super) fn names_file(&mut self, file: NamedFile) {
        self.files.push(file);
    }

    /// Checks the files that were recorded since the last call, and warns about those that are not
    /// as they should be. Returns whether all are.
    pub(super) fn look_for_files(&mut self) -> bool {
        let files = std::mem::take(&mut self.files).into_iter();
        let missing = files.filter(|file| !file.check(self));
        missing.count() == 0
    }

    /// Runs `f` and sets the subject of the problems that it adds.
    pub(crate) fn about<R>(&mut self, subject: &str, f: impl FnOnce(&mut Self) -> R) -> R {
        let from = self.list.len();
        let result = f(self);
        self.name_since(from, subject);
        result
    }

    /// Sets the subject of the problems from a number on.
    pub(crate) fn name_since(&mut self, from: usize, subject: &str) {
        for (_, problem) in self.list.iter_mut().skip(from) {
            problem.subject = Some(subject.to_owned());
        }
    }

    /// Adds the problems that a trial run found.
    pub(crate) fn absorb(&mut self, other: Self) {
        let mut left_out = other.counts;
        for (id, problem) in other.list {
            *left_out.of(problem.level) -= 1;
            self.add(id, problem);
        }
        self.counts.errors += left_out.errors;
        self.counts.warnings += left_out.warnings;
        self.secrets.extend(other.secrets);
        self.files.extend(other.files);
        self.known_secrets |= other.known_secrets;
    }

    /// Returns whether a suggestion for a name may be searched among all names. After many
    /// problems, further suggestions are of no use, and searching many names for each would take
    /// longer and longer.
    pub(crate) fn may_suggest(&self) -> bool {
        self.list.len() < MAX_SUGGESTIONS
    }

    /// Returns the nodes in which errors were found, among the errors that are kept.
    pub(super) fn wrong_nodes(&self) -> HashSet<NodeId> {
        let errors = self.list.iter().filter(|(_, it)| it.level == Level::Error);
        errors.filter_map(|(id, _)| *id).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Finds the places of the problems and masks the secrets.
    pub(crate) fn into_problems(self, file: &Path, text: &str) -> Problems {
        if self.list.is_empty() {
            return Problems {
                file: file.to_owned(),
                source: String::new(),
                list: Vec::new(),
                counts: self.counts,
            };
        }
        let located = Located::of(text);
        let mut list: Vec<Problem> = self
            .list
            .into_iter()
            .map(|(id, problem)| Problem {
                span: problem.span.or_else(|| located.span(id?)),
                subject: problem.subject.map(subject_only),
                field: problem.field.map(field_only),
                ..problem
            })
            .collect();
        list.sort_by_key(|problem| problem.span.map(|span| span.start));
        Problems {
            file: file.to_owned(),
            source: located.visible(&self.secrets),
            list,
            counts: self.counts,
        }
    }
}
