//! What other programs' files may hold and this one ignores or takes literally:
//! sections that nobody here reads, other files to include, patterns of host names,
//! `${NAME}` in values. A warning says what to write instead.

use super::{
    groups,
    load::KEYS,
    problem::{Findings, Problem},
    redact::named,
    section::Section,
    suggest,
    tree::{Entry, Node, Value},
};

/// Warns about all of it in the sections that the engine and its program read.
pub(super) fn check<'n>(
    hosts: Option<&Entry>,
    read: impl Iterator<Item = &'n Entry>,
    findings: &mut Findings,
) {
    if let Some(Value::Map(hosts)) = hosts.map(|hosts| &hosts.node.value) {
        hosts.iter().for_each(|host| pattern(host, findings));
    }
    for section in read {
        variables(&section.node, findings);
    }
}

/// A section at the top that nobody here reads. It is perhaps another program's;
/// one that is nearly called like a section that is missing surely is a slip.
pub(super) fn section(key: &str, root: &Node, declared: &[Section]) -> Problem {
    if ["include", "includes", "import", "imports"].contains(&key) {
        let problem = Problem::warning("no other file is read").field(key);
        return problem.help("write all of it into this file");
    }
    let sentence = "unknown section; perhaps another program reads it";
    let declared = declared.iter().map(|section| section.name.as_str());
    match suggest::closest(key, KEYS.into_iter().chain(declared)) {
        // `notification_…` of another program is like this one and no slip.
        Some(found)
            if found != groups::KEY && KEYS.contains(&found) && root.entry(found).is_none() =>
        {
            Problem::error("unknown section").help(format!("did you mean `{found}`?"))
        }
        Some(found) => Problem::warning(sentence).help(format!("did you mean `{found}`?")),
        None => Problem::warning(sentence),
    }
    .field(named(key))
}

fn pattern(host: &Entry, findings: &mut Findings) {
    if !host.key.contains(['*', '?', '[']) {
        return;
    }
    let problem = Problem::warning("this is the name of one host, and no pattern");
    let help = "write a line for each host; an anchor (`web-01: &web {…}`) lets others say the same (`web-02: *web`)";
    findings.about(&format!("host {}", host.key), |findings| {
        findings.at(host.key_id, problem.help(help));
    });
}

/// Every value below a node. One with blanks in it is perhaps a program of its
/// own, and knows what it means by that.
fn variables(node: &Node, findings: &mut Findings) {
    match &node.value {
        Value::Scalar(_, text) if !text.contains(char::is_whitespace) => {
            if variable(text).is_some() {
                // What is between the brackets may be part of a password.
                let problem = Problem::warning("`${…}` stays as it is written");
                let help = "write {env: NAME} for the whole value, if a variable is meant";
                findings.at(node.id, problem.help(help));
            }
        }
        Value::Scalar(..) => {}
        Value::List(nodes) => nodes.iter().for_each(|node| variables(node, findings)),
        Value::Map(entries) => entries
            .iter()
            .for_each(|entry| variables(&entry.node, findings)),
    }
}

/// The first name in `${NAME}`, as shells have them.
fn variable(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        rest = &rest[start + 2..];
        let end = rest.find('}')?;
        let name = &rest[..end];
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if is_name {
            return Some(name);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::variable;

    #[test]
    fn a_variable_is_what_shells_take_for_one() {
        for (text, name) in [
            ("https://hooks.example.com/${TOKEN}", Some("TOKEN")),
            ("${a_1}${b}", Some("a_1")),
            ("${}${b}", Some("b")),
            ("$TOKEN", None),
            ("${1}", None),
            ("${a-b}", None),
            ("${", None),
            ("{{ a }}", None),
        ] {
            assert_eq!(variable(text), name, "{text}");
        }
    }
}
