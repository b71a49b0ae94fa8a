//! Warns about syntax of other programs that is not supported here: unknown sections,
//! includes, patterns and lists of host names, variables in values. A warning says what to write
//! instead.

use std::collections::HashSet;

use super::{
    path::FieldPath,
    problem::{Findings, Problem},
    redact::named,
    section::Section,
    suggest,
    top_level::{CHANNELS, GROUPS, HOSTS, KEYS},
    tree::{Entry, Node, NodeId, Value},
};

/// Warns about unsupported syntax in the sections that the engine and its program read.
pub(super) fn check<'n>(
    hosts: Option<&Entry>,
    read: impl Iterator<Item = &'n Entry>,
    findings: &mut Findings,
) {
    if let Some(Value::Map(hosts)) = hosts.map(|hosts| &hosts.node.value) {
        hosts.iter().for_each(|host| pattern(host, findings));
    }
    for section in read {
        // References are read where plugins and the program expect text.
        let may_refer = !KEYS.contains(&&*section.key) || *section.key == *CHANNELS;
        let mut search = Search {
            wrong: findings.wrong_nodes(),
            findings,
            may_refer,
        };
        let noun = match &*section.key {
            CHANNELS => "channel",
            HOSTS => "host",
            GROUPS => "group",
            _ => {
                search.variables(&section.node, &PathStep::Field(None, &section.key));
                continue;
            }
        };
        let Value::Map(entries) = &section.node.value else {
            continue;
        };
        for entry in entries {
            let before = search.findings.len();
            search.variables(&entry.node, &PathStep::Top);
            if search.findings.len() > before {
                let subject = format!("{noun} {}", entry.key);
                search.findings.name_since(before, &subject);
            }
        }
    }
}

/// The keys by which other programs read further files.
const OTHER_FILES: [&str; 12] = [
    "$include",
    "$ref",
    "extend",
    "extends",
    "files",
    "import",
    "imports",
    "include",
    "include_dir",
    "include_files",
    "includes",
    "inherit",
];

/// The help for a variable where none is supported.
const ITSELF: &str = "write the value itself: no variable can stand here";

/// The help for a reference to the content of another file.
pub(super) const ONE_FILE: &str = "write all of it into this file";

/// The help for a variable.
pub(super) const REFERENCE: &str = "write {env: NAME} for the whole value, if a variable is meant";

/// Returns the problem of a top-level section that no part of the program reads. It may be another
/// program's. If its name is similar to that of a missing section, it is likely a misspelling.
pub(super) fn section(key: &str, root: &Node, declared: &[Section]) -> Problem {
    if OTHER_FILES.contains(&key) {
        let problem = Problem::warning("no other file is read").field(key);
        return problem.help(ONE_FILE);
    }
    let sentence = "unknown section; perhaps another program reads it";
    let declared = declared.iter().map(|section| section.name.as_str());
    match suggest::closest(key, KEYS.into_iter().chain(declared)) {
        // `notification_…` of another program is similar to this name without being a misspelling.
        Some(found) if found != GROUPS && KEYS.contains(&found) && root.entry(found).is_none() => {
            Problem::error("unknown section").help(format!("did you mean `{found}`?"))
        }
        Some(found) => Problem::warning(sentence).help(format!("did you mean `{found}`?")),
        None => Problem::warning(sentence),
    }
    .field(named(key))
}

fn pattern(host: &Entry, findings: &mut Findings) {
    let is_list = host.key.contains(',');
    let is_pattern = host
        .key
        .contains(['*', '?', '[', ']', '{', '}', '^', '$', '|', '(', '\\'])
        || host.key.starts_with('~')
        || host.key.len() > 1 && host.key.starts_with('/') && host.key.ends_with('/');
    let sentence = match (is_pattern, is_list) {
        (true, _) => "this is the name of one host, and no pattern",
        (false, true) => "this is the name of one host, and no list",
        (false, false) => return,
    };
    let problem = Problem::warning(sentence);
    let help = "write a line for each host; an anchor (`web-01: &web {…}`) lets others say the same (`web-02: *web`)";
    findings.about(&format!("host {}", host.key), |findings| {
        findings.at(host.key_id, problem.help(help));
    });
}

/// The path to a node. It is written out only for nodes that are wrong, because a file may have a
/// million nodes.
enum PathStep<'w> {
    Top,
    Field(Option<&'w PathStep<'w>>, &'w str),
    Item(&'w PathStep<'w>, usize),
}

impl PathStep<'_> {
    fn written(&self) -> FieldPath {
        match self {
            Self::Top => FieldPath::default(),
            Self::Field(above, key) => above.map(PathStep::written).unwrap_or_default().key(key),
            Self::Item(above, index) => above.written().index(*index),
        }
    }
}

/// A search for variables.
struct Search<'f> {
    findings: &'f mut Findings,
    /// The nodes that have an error anyway: a warning about them would only confuse.
    wrong: HashSet<NodeId>,
    may_refer: bool,
}

impl Search<'_> {
    /// Checks every value below a node. A value with blanks may be a program that expands variables
    /// itself, so it is accepted.
    fn variables(&mut self, node: &Node, path: &PathStep<'_>) {
        match &node.value {
            Value::Scalar(_, text) if !text.contains(char::is_whitespace) => {
                let form = variable(text).filter(|_| !self.wrong.contains(&node.id));
                if let Some(form) = form {
                    let help = if self.may_refer { REFERENCE } else { ITSELF };
                    self.findings.warn(node.id, || {
                        // The name of the variable may be part of a password.
                        let problem = Problem::warning(format!("`{form}` stays as it is written"));
                        problem.help(help).field(path.written())
                    });
                }
            }
            Value::Scalar(..) => {}
            Value::List(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    self.variables(node, &PathStep::Item(path, index));
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    self.variables(&entry.node, &PathStep::Field(Some(path), &entry.key));
                }
            }
        }
    }
}

/// Returns the form of a variable that other programs would replace: `${NAME}` and similar forms
/// anywhere in a text, `$NAME` and similar forms only as the whole text.
fn variable(text: &str) -> Option<&'static str> {
    for (begin, form) in [("${", "${…}"), ("%{", "%{…}")] {
        // Searches no further than the longest name, because a text may contain many beginnings.
        let mut behind = text.match_indices(begin).map(|(at, _)| &text[at + 2..]);
        if behind.any(begins_with_name) {
            return Some(form);
        }
    }
    let whole = |prefix: &str| text.strip_prefix(prefix);
    if whole("$(").is_some_and(|rest| rest.ends_with(')')) {
        return Some("$(…)");
    }
    // A password may begin with `$`; a variable's name would be in capitals.
    let is_capital = |name: &str| is_variable(name) && !name.contains(|c: char| c.is_lowercase());
    if whole("$").is_some_and(is_capital) {
        return Some("$…");
    }
    let named = whole("env:").or(whole("ENV:")).or(whole("env."));
    named.is_some_and(is_variable).then_some("env:…")
}

/// Returns whether a text begins with a name that is closed: `NAME}`, or `NAME:-default}` and
/// `env:NAME}`, where the first word is enough.
fn begins_with_name(text: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !is_of_name(c)).unwrap_or(text.len());
    let (name, behind) = text.split_at(end);
    is_variable(name) && behind.starts_with(['}', ':', '-', '.', '?'])
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::variable;

    #[test]
    fn a_variable_is_what_other_programs_take_for_one() {
        for (text, form) in [
            ("https://hooks.example.com/${TOKEN}", Some("${…}")),
            ("${a_1}${b}", Some("${…}")),
            ("${}${b}", Some("${…}")),
            ("${env:TOKEN}", Some("${…}")),
            ("${TOKEN:-none}", Some("${…}")),
            ("%{USER}", Some("%{…}")),
            ("$TOKEN", Some("$…")),
            ("$ecret", None),
            ("$TOKEN/x", None),
            ("$(cat/run/x)", Some("$(…)")),
            ("env:TOKEN", Some("env:…")),
            ("env:", None),
            ("${1}", None),
            ("${a", None),
            ("${a b}", None),
            ("${", None),
            ("{{ a }}", None),
            ("50%", None),
        ] {
            assert_eq!(variable(text), form, "{text}");
        }
    }
}
