//! Commands in messages, which people type: what may be any text is quoted for a shell.

use crate::{files, none};

/// Programs that messages tell people to run.
const PROGRAMS: [&str; 9] = [
    "chmod",
    "chown",
    "chgrp",
    "setfacl",
    "systemctl",
    "signal-cli",
    "hbd",
    "hbc",
    "kill",
];
/// What quotes for a shell; a `typed` does, as a test of its own sees.
const QUOTES: [&str; 2] = ["typed(", "shlex::try_quote("];
/// What cannot be any text, by file and name: a word of ours, and a time.
const HARMLESS: [(&str, &str); 2] = [
    ("crates/monitor/src/config/route_tests.rs", "severity"),
    ("crates/monitor/src/config/route_tests.rs", "at"),
];

/// A literal of a string in a text.
struct Literal<'a> {
    /// What stands before its quote.
    before: &'a str,
    content: &'a str,
    /// What stands behind its quote.
    behind: &'a str,
}

/// The literals of a text of Rust. Comments, raw strings and single characters are
/// passed over.
fn literals(text: &str) -> Vec<Literal<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(one) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = &text[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some(length) = raw_string(rest) {
            at += length;
        } else if one == '\'' {
            let character = rest[1..].chars().next().map_or(0, char::len_utf8);
            at += match rest[1..].strip_prefix('\\') {
                Some(escaped) => 3 + escaped[1..].find('\'').unwrap_or_default() + 1,
                None if rest[1 + character..].starts_with('\'') => 2 + character,
                // A lifetime.
                None => 1,
            };
        } else if one == '"' {
            let (start, mut end) = (at + 1, at + 1);
            while let Some(inner) = text[end..].chars().next().filter(|inner| *inner != '"') {
                end += inner.len_utf8();
                if inner == '\\' {
                    end += text[end..].chars().next().map_or(0, char::len_utf8);
                }
            }
            found.push(Literal {
                before: &text[..at],
                content: &text[start..end],
                behind: text.get(end + 1..).unwrap_or_default(),
            });
            at = end + 1;
        } else {
            at += one.len_utf8();
        }
    }
    found
}

/// The length of the raw string that a text begins with, where it does.
fn raw_string(text: &str) -> Option<usize> {
    let behind = text.strip_prefix('r')?;
    let quoted = behind.trim_start_matches('#');
    let end = format!("\"{}", &behind[..behind.len() - quoted.len()]);
    let content = quoted.strip_prefix('"')?;
    Some(text.len() - content.len() + content.find(&end)? + end.len())
}

impl Literal<'_> {
    /// What is wrong with the commands in it, in a file of this path.
    fn unquoted(&self, path: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut start = 0;
        let mut parts = self.content.split('`').peekable();
        while let Some(part) = parts.next() {
            let end = start + part.len();
            let program = part.split(' ').next().unwrap_or_default();
            let is_command = start > 0 && parts.peek().is_some() && PROGRAMS.contains(&program);
            if is_command {
                let inside = self.names();
                let inside = inside.iter().filter(|(at, _)| (start..end).contains(at));
                for (_, name) in inside {
                    let value = self.value(name).unwrap_or_default();
                    let is_quoted = QUOTES.iter().any(|quotes| value.starts_with(quotes));
                    if !is_quoted && !HARMLESS.contains(&(path, name)) {
                        wrong.push(format!("{path}: `{part}`: quote {{{name}}} for a shell"));
                    }
                }
            }
            start = end + 1;
        }
        wrong
    }

    /// Where something is put in, and what: a name, or its place among the arguments.
    fn names(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let mut next = 0;
        let mut at = 0;
        while let Some(open) = self.content[at..].find('{') {
            at += open + 1;
            let rest = &self.content[at..];
            if rest.starts_with('{') {
                at += 1;
                continue;
            }
            let Some(inside) = rest.split('}').next() else {
                break;
            };
            let name = inside.split(':').next().unwrap_or_default().trim();
            if name.is_empty() {
                found.push((at, next.to_string()));
                next += 1;
            } else {
                found.push((at, name.to_owned()));
            }
        }
        found
    }

    /// The expression that is put in for a name or a place.
    fn value(&self, name: &str) -> Option<&str> {
        let arguments = self.arguments();
        if let Ok(place) = name.parse::<usize>() {
            return arguments.get(place).copied();
        }
        let named = arguments.iter().find_map(|argument| {
            let value = argument.strip_prefix(name)?.trim_start();
            Some(value.strip_prefix('=')?.trim_start())
        });
        let binding = format!("let {name} = ");
        let bound = || Some(self.before.rsplit_once(&binding)?.1);
        named.or_else(bound)
    }

    /// What stands behind it in its macro.
    fn arguments(&self) -> Vec<&str> {
        let mut found = Vec::new();
        let (mut depth, mut start) = (0_u32, 0);
        for (at, one) in self.behind.char_indices() {
            let ends = match one {
                '(' | '[' | '{' => {
                    depth += 1;
                    continue;
                }
                ')' | ']' | '}' if depth > 0 => {
                    depth -= 1;
                    continue;
                }
                ')' | ']' | '}' | ';' => true,
                ',' if depth == 0 => false,
                _ => continue,
            };
            found.push(self.behind[start..at].trim());
            start = at + 1;
            if ends {
                break;
            }
        }
        // What stands between the literal and the first comma is nothing.
        found.into_iter().skip(1).collect()
    }
}

/// A text of Rust without the lines that are comments.
fn code(text: &str) -> String {
    let lines = text.lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn wrong(path: &str, text: &str) -> Vec<String> {
    let code = code(text);
    let literals = literals(&code);
    literals.iter().flat_map(|it| it.unquoted(path)).collect()
}

#[test]
fn commands_that_people_type_are_quoted() {
    let mut raw = Vec::new();
    let mut seen = 0;
    for (path, text) in files("rs") {
        if !path.contains("/src/") || path.starts_with("tests/") {
            continue;
        }
        raw.extend(wrong(&path, &text));
        let code = code(&text);
        let commands = literals(&code).into_iter().filter(|it| {
            let mut programs = it.content.split('`').skip(1).step_by(2);
            let is_known = |part: &str| PROGRAMS.contains(&part.split(' ').next().unwrap_or(""));
            programs.any(|part| is_known(part) && part.contains('{'))
        });
        seen += commands.count();
        // What is called so does what it says.
        for body in code.split("fn typed(").skip(1) {
            let body = body.split("\n}").next().unwrap_or_default();
            if !body.contains("shlex::try_quote(") {
                raw.push(format!("{path}: `typed` does not quote for a shell"));
            }
        }
    }
    none(raw);
    assert!(seen > 9, "only {seen} commands were found");
}

#[test]
fn commands_that_are_not_quoted_are_found() {
    for (code, is_right) in [
        (r#"format!("`chmod go-w {}`", path.display())"#, false),
        (r#"format!("`chmod go-w {}`", typed(path))"#, true),
        (
            r#"format!("{}: `chmod go-w {}`", typed(path), path.display())"#,
            false,
        ),
        (
            r#"format!("{}: `chmod go-w {}`", path.display(), typed(path))"#,
            true,
        ),
        (
            r#"write!(f, "{a:?}, {{}} and {1}: `hbd explain {0}`", host, typed(host))"#,
            false,
        ),
        (r#"let who = name; format!("`kill {who}`")"#, false),
        (r#"format!("`kill {who}`")"#, false),
        (
            r#"fn hint(typed: &str) { format!("`kill {typed}`") }"#,
            false,
        ),
        (
            r#"let who = typed(a); let who = a; format!("`kill {who}`")"#,
            false,
        ),
        (
            r#"let who = shlex::try_quote(a)?; format!("`kill {who}`")"#,
            true,
        ),
        (r#"format!("`kill {who}`", who = typed(f(a, b)))"#, true),
        (r#"format!("`kill {who}`", who = f(typed(a)))"#, false),
        (
            r#"let a = ('"', '\'', r"\"); format!("`kill {}`", a)"#,
            false,
        ),
        (r##"let a = r#"""#; format!("`kill {}`", a)"##, false),
        (r#"#[error("`chmod 600 {}`", .0.display())]"#, false),
        (r#"#[error("`chmod 600 {file}`")]"#, false),
        (r#"format!("{}: see `status {}`", a, b)"#, true),
    ] {
        let wrong = wrong("x.rs", code);
        assert_eq!(wrong.is_empty(), is_right, "{code}: {wrong:?}");
    }
}
