//! The standard output and standard error of commands.
//!
//! A reader that closes the pipe (`hbd hosts | head`) ends the output and nothing else.
//! External text is escaped before it reaches a terminal: everything that moves the cursor,
//! changes colours, or changes the direction of a line.
//!
//! If JSON is requested, standard output has JSON even if a command fails: errors then go
//! to both outputs.

mod failure;

use std::{
    cell::{Cell, RefCell},
    fmt,
    io::{self, IsTerminal as _, Write as _},
};

pub(crate) use failure::ErrorDetails;
use failure::Failure;
use serde_json::Value as Json;

use crate::Exit;

/// The output of a command.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) colour: bool,
    lost: Cell<bool>,
    /// The error, if JSON is requested and nothing of it was written yet.
    failure: RefCell<Option<Failure>>,
}

impl Output {
    /// Creates it; `as_json` says whether JSON is requested.
    pub(crate) fn new(as_json: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            colour: wanted && !as_json && io::stderr().is_terminal(),
            lost: Cell::new(false),
            failure: RefCell::new(as_json.then(Failure::default)),
        }
    }

    /// Ends the output when a command has ended: if JSON is requested and none was written,
    /// writes the error as JSON.
    pub(crate) fn finish(&self, exit: Exit) {
        let failure = self.failure.take().filter(|_| exit != Exit::Ok);
        if let Some(failure) = failure {
            self.json(&failure.into_json());
        }
    }

    /// Adds a detail of the error, for programs.
    pub(crate) fn detail(&self, name: &str, value: Json) {
        if let Some(failure) = &mut *self.failure.borrow_mut() {
            failure.detail(name, value);
        }
    }

    /// Prints one or more lines of the result.
    pub(crate) fn line(&self, text: &str) {
        let text = escaped(text, |c| c == '\n' || c == '\t', escape);
        match writeln!(io::stdout().lock(), "{text}") {
            // Nobody reads the output any more, so there is nobody to report it to.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(_) => self.lost.set(true),
            Ok(()) => {}
        }
    }

    /// Returns whether a part of the result could not be written.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.get()
            || io::stdout()
                .flush()
                .is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe)
    }

    /// Prints a JSON result.
    pub(crate) fn json(&self, value: &Json) {
        self.failure.take();
        // Such characters occur only in strings, which have an escape for them.
        let escape = |c| format!("\\u{:04x}", u32::from(c));
        self.line(&escaped(&format!("{value:#}"), |c| c == '\n', escape));
    }

    /// Prints an error in one sentence.
    pub(crate) fn error(&self, sentence: impl fmt::Display) {
        let sentence = one_line(&sentence.to_string());
        let text = format!("error: {sentence}");
        self.failed(ErrorDetails::new(sentence), &text);
    }

    /// Prints advice on the error, or the warning, before it.
    pub(crate) fn help(&self, help: impl fmt::Display) {
        let help = one_line(&help.to_string());
        self.note_failure(|failure| failure.help(&help));
        to_stderr(&format!("help: {help}"));
    }

    /// Prints a warning: the command goes on.
    pub(crate) fn warning(&self, sentence: impl fmt::Display) {
        self.remark("warning", &sentence);
    }

    /// Prints a note, beside the result.
    pub(crate) fn note(&self, sentence: impl fmt::Display) {
        self.remark("note", &sentence);
    }

    fn remark(&self, what: &str, sentence: &dyn fmt::Display) {
        self.note_failure(Failure::other);
        to_stderr(&format!("{what}: {}", one_line(&sentence.to_string())));
    }

    /// Records an error, and prints it as `text`, which must be safe to print.
    pub(crate) fn failed(&self, error: ErrorDetails, text: &str) {
        self.note_failure(|failure| failure.error(error));
        to_stderr(text);
    }

    /// Prints a text that is not an error itself, such as a summary, and must be safe to print.
    pub(crate) fn remarked(&self, text: &str) {
        self.note_failure(Failure::other);
        to_stderr(text);
    }

    fn note_failure(&self, note: impl FnOnce(&mut Failure)) {
        if let Some(failure) = &mut *self.failure.borrow_mut() {
            note(failure);
        }
    }

    /// Prints a table with aligned columns.
    pub(crate) fn table<const N: usize>(&self, heads: [&str; N], rows: &[[String; N]]) {
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([heads[column].len()]).max().unwrap_or(0)
        };
        let widths: [usize; N] = std::array::from_fn(width);
        self.row(&heads.map(str::to_owned), &widths);
        for row in rows {
            self.row(row, &widths);
        }
    }

    fn row<const N: usize>(&self, cells: &[String; N], widths: &[usize; N]) {
        let padded = cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        self.line(padded.collect::<Vec<_>>().join("  ").trim_end());
    }
}

fn to_stderr(text: &str) {
    // If it fails, nobody reads it.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Returns a text of several lines that is safe to print.
pub(crate) fn printable_lines(text: &str) -> String {
    escaped(text, |c| c == '\n', escape)
}

/// Returns a text that is safe to print on one line.
pub(crate) fn one_line(text: &str) -> String {
    escaped(text, |_| false, escape)
}

fn escape(c: char) -> String {
    c.escape_unicode().to_string()
}

fn escaped(text: &str, keep: impl Fn(char) -> bool, escape: impl Fn(char) -> String) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if (c.is_control() || is_direction(c)) && !keep(c) {
            plain.push_str(&escape(c));
        } else {
            plain.push(c);
        }
    }
    plain
}

/// Returns whether a character changes the direction of the following text, or ends the
/// line (Unicode, UAX 9 and UAX 14).
fn is_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_text_would_rearrange_the_terminal() {
        let said = one_line("a\u{1b}[2J\nb\u{202e}c\u{9b}1mä");
        assert_eq!(said, "a\\u{1b}[2J\\u{a}b\\u{202e}c\\u{9b}1mä");
    }
}
