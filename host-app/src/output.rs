//! Standard output and standard error, as commands write them.
//!
//! A reader that goes away (`hbd hosts | head`) ends the output and nothing
//! else.

use std::{
    cell::Cell,
    io::{self, IsTerminal as _, Write as _},
};

use serde_json::Value as Json;

/// Where a command writes.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) colour: bool,
    lost: Cell<bool>,
}

impl Output {
    pub(crate) fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            colour: wanted && io::stderr().is_terminal(),
            lost: Cell::new(false),
        }
    }

    /// One line of the result.
    pub(crate) fn line(&self, text: &str) {
        match writeln!(io::stdout().lock(), "{text}") {
            // Nobody reads any more: there is nobody to tell either.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(_) => self.lost.set(true),
            Ok(()) => {}
        }
    }

    /// Whether a part of the result could not be written.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.get()
            || io::stdout()
                .flush()
                .is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe)
    }

    /// A JSON result.
    pub(crate) fn json(&self, value: &Json) {
        self.line(&format!("{value:#}"));
    }

    /// One line of what went wrong.
    pub(crate) fn error(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// A table with aligned columns.
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
