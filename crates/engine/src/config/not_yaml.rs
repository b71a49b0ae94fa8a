//! Syntax errors of YAML: where the parser stopped, and the usual cause of its message.

use std::path::Path;

use super::{
    events::SyntaxError,
    locate::{Lines, masked_but_for},
    problem::{Problem, Problems},
    read::FOREIGN_TAG,
    redact::is_line_break,
    unsupported::{ONE_FILE, REFERENCE},
};

/// Returns the problem of a syntax error. `names` are the names that may be shown where they are
/// used as keys; anything else may be secret.
pub(super) fn problem<'a>(
    file: &Path,
    text: &str,
    error: &SyntaxError,
    names: impl IntoIterator<Item = &'a str>,
) -> Problems {
    let lines = Lines::of(text);
    // The parser notices a line that is not a key only at the next line.
    let key = error
        .within
        .as_ref()
        .filter(|_| error.message.contains(NO_KEY));
    let at = key.map_or(error.at, |(_, at)| *at);
    let problem = if error.is_empty {
        Problem::error("the file is empty")
    } else {
        let within = error.within.as_ref().map(|(context, at)| {
            let line = lines.line(*at);
            format!(", {context} that begins in line {line}")
        });
        let message = format!(
            "this is not YAML: {}{}",
            error.message,
            within.unwrap_or_default()
        );
        match likely_slip(&error.message, at, text) {
            Some(help) => Problem::error(message).help(help),
            None => Problem::error(message),
        }
    };
    let character = text.get(at..).and_then(|rest| rest.chars().next());
    let end = at + character.map_or(0, char::len_utf8);
    let span = lines.span(at..end).filter(|_| !error.is_empty);
    let source = masked_but_for(text, &names.into_iter().collect());
    Problems::only(file, source, Problem { span, ..problem })
}

/// The parser's message for a line that is not `key: value`.
const NO_KEY: &str = "could not find expected ':'";

/// Returns the usual cause of this message of the parser.
fn likely_slip(message: &str, at: usize, text: &str) -> Option<&'static str> {
    let rest = text.get(at..).unwrap_or_default();
    let before = text.get(..at).unwrap_or_default();
    let indent = before.rsplit('\n').next().unwrap_or_default();
    let is_indent = indent.chars().all(|c| matches!(c, ' ' | '\t' | '-'));
    if is_indent && (rest.starts_with('\t') || indent.contains('\t')) {
        return Some("YAML is indented with spaces, never with tabs");
    }
    let last_break = before.chars().rfind(|c| is_line_break(*c));
    if last_break.is_some_and(|c| !matches!(c, '\n' | '\r')) {
        return Some(
            "an invisible character before this (U+2028, U+2029 or U+0085) begins a new line in YAML: remove it",
        );
    }
    if message == FOREIGN_TAG {
        let tag = rest.split(char::is_whitespace).next().unwrap_or_default();
        return match tag.to_ascii_lowercase().as_str() {
            tag if tag.starts_with("!include") || tag == "!import" => Some(ONE_FILE),
            "!env" | "!env_var" | "!secret" | "!var" => Some(REFERENCE),
            _ => None,
        };
    }
    let slips = [
        (
            "mapping values are not allowed",
            "a space must follow each colon: look at this line and the one above",
        ),
        (
            "cannot start any token",
            "put the value in quotes: this character means something in YAML",
        ),
        (
            "did not find expected",
            "look at the indentation of this line and the one above, and for a bracket or a quote that is not closed",
        ),
        (
            "unexpected end of stream",
            "look for a bracket or a quote that is not closed",
        ),
        (
            "more than one document",
            "a line `---` begins another document: remove it, or what is before it",
        ),
    ];
    slips
        .iter()
        .find(|(says, _)| message.contains(says))
        .map(|(_, help)| *help)
}
