//! Files of Rust: short, named after something, and finished.

use std::path::Path;

use crate::{files, none};

/// A file longer than this holds more than one noun.
pub const MAX_FILE_LINES: usize = 600;

#[test]
fn no_file_is_too_long() {
    let long = files("rs")
        .into_iter()
        .filter(|(_, text)| text.lines().count() > MAX_FILE_LINES);
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
