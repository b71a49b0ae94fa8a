//! Files of Rust: short, named after something, and finished.

use std::path::Path;

use crate::{files, none};

/// A file longer than this holds more than one noun.
pub const LONGEST_FILE: usize = 400;

#[test]
fn no_file_is_too_long() {
    let long = files("rs")
        .into_iter()
        .filter(|(_, text)| text.lines().count() > LONGEST_FILE);
    none(
        long.map(|(path, text)| {
            format!(
                "{path}: {} lines: which nouns are in it?",
                text.lines().count()
            )
        })
        .collect(),
    );
}

#[test]
fn every_file_opens_by_saying_what_it_is() {
    let mute = files("rs")
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "));
    none(mute.map(|(path, _)| path).collect());
}

#[test]
fn no_file_is_named_after_nothing() {
    let vague = [
        "utils", "util", "common", "types", "helpers", "helper", "misc", "manager",
    ];
    let named = files("rs").into_iter().filter(|(path, _)| {
        let stem = Path::new(path)
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        vague.contains(&stem.as_str())
    });
    none(named.map(|(path, _)| path).collect());
}

#[test]
fn what_is_unfinished_is_not_committed() {
    let words = ["todo!(", "unimplemented!(", "FIXME", "XXX", "dbg!("];
    let mut broken = Vec::new();
    for (path, text) in files("rs") {
        for (number, line) in text.lines().enumerate() {
            let bare_allow =
                line.contains("allow(") && line.contains("#[") && !text.contains("reason = ");
            if !path.starts_with("tests/tests/tidy/")
                && (words.iter().any(|word| line.contains(word)) || bare_allow)
            {
                broken.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none(broken);
}

/// What of a command in a message stands for a text that may be anything: it is called
/// as what was quoted for a shell.
#[test]
fn commands_that_people_type_are_quoted() {
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
    const QUOTED: [&str; 6] = ["typed", "account", "who", "severity", "at", ""];
    let mut raw = Vec::new();
    for (path, text) in files("rs") {
        let is_shipped = path.contains("/src/") && !path.starts_with("tests/");
        // Comments have backticks of their own.
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let code: Vec<&str> = lines.collect();
        let code = code.join("\n");
        let quoted = code.split('`').filter(|part| part.len() < 300);
        for command in quoted.filter(|_| is_shipped) {
            let program = command.split(' ').next().unwrap_or_default();
            if !PROGRAMS.contains(&program) {
                continue;
            }
            let names = command
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split('}').next());
            let mut unquoted = names.filter(|name| !QUOTED.contains(name));
            if let Some(name) = unquoted.next() {
                raw.push(format!("{path}: `{command}`: quote {name} for a shell"));
            }
        }
    }
    none(raw);
}
