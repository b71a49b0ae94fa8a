//! The checked values of a section, or of a host's declared keys, with a redacted copy for
//! people.

use std::fmt;

use serde_json::Value as Json;

use super::{
    model::Config,
    path::FieldPath,
    place::place,
    problem::{Findings, Problem},
    redact::{hide_wrong, redacted},
    schema::Reader,
    section::{Section, SectionProblem},
    tree::{Entry, Node},
};

/// Values that match a schema. Their secrets are not shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct CheckedValue {
    value: Json,
    shown: Json,
}

impl CheckedValue {
    pub(super) fn new(value: Json, schema: &Json) -> Self {
        let shown = redacted(&value, schema);
        Self { value, shown }
    }

    pub(crate) fn value(&self) -> &Json {
        &self.value
    }
}

impl fmt::Debug for CheckedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.shown, f)
    }
}

/// Reads a section. A section without content counts as absent.
pub(super) fn read(
    section: &Section,
    root: &Node,
    findings: &mut Findings,
) -> Option<CheckedValue> {
    let entry = present(section, root)?;
    let before = findings.errors();
    let path = FieldPath::of(&section.name);
    let value = Reader::new(&section.schema, findings).whole(&entry.node, &path);
    findings.look_for_files();
    if findings.errors() > before {
        return None;
    }
    if let Some(check) = &section.check {
        said(&check(&value), entry, &path, findings);
    }
    Some(CheckedValue::new(value, &section.schema))
}

/// Runs the checks of sections that need the whole configuration.
pub(super) fn check_with(
    sections: &[Section],
    root: &Node,
    config: &Config,
    findings: &mut Findings,
) {
    if findings.errors() > 0 {
        // After an error elsewhere, the configuration is incomplete.
        return;
    }
    for section in sections {
        if let Some(check) = &section.check_with
            && let Some(content) = config.sections.get(section.name.as_str())
            && let Some(entry) = present(section, root)
        {
            let problems = check(content.value(), config);
            said(&problems, entry, &FieldPath::of(&section.name), findings);
        }
    }
}

/// Returns the entry of the section in the file.
pub(super) fn present<'a>(section: &Section, root: &'a Node) -> Option<&'a Entry> {
    root.entry(&section.name)
        .filter(|entry| !entry.node.is_null())
}

/// Adds the problems that a check reports, at the fields that they name.
pub(super) fn said(
    problems: &[SectionProblem],
    entry: &Entry,
    from: &FieldPath,
    findings: &mut Findings,
) {
    for problem in problems {
        let path = problem.path.iter().map(String::as_str);
        let place = place(entry, from.clone(), path);
        // A text of the file that the problem repeats may contain a login, as in the problems of
        // plugins.
        let clean = hide_wrong(place.node, findings);
        let said = problem.at(place.field.into());
        let said = Problem {
            message: clean(said.message),
            help: said.help.map(&clean),
            ..said
        };
        findings.at(place.id, said);
    }
}
