//! Prints the problems of a configuration in the style of rustc.

use annunciator::{Level, LoadError, Problem, Problems, Span};
use heartbeat::snippet::snippet;

use crate::output::{ErrorDetails, Output};

/// Prints why a configuration cannot be used.
pub(crate) fn print_error(error: &LoadError, output: &Output) {
    match error {
        LoadError::Problems(problems) => print(problems, output),
        error => output.error(error),
    }
}

/// Prints every problem with the lines that it is about, then a summary.
pub(crate) fn print(problems: &Problems, output: &Output) {
    let file = problems.file().display().to_string();
    for problem in problems.iter() {
        let text = format!("{}\n", snippet(problems, problem, output.colour));
        match problem.level {
            Level::Error => output.failed(details(problem, &file), &text),
            Level::Warning => output.remarked(&text),
        }
    }
    let (errors, warnings) = (problems.count(Level::Error), problems.count(Level::Warning));
    let summary: Vec<String> = [counted(errors, "error"), counted(warnings, "warning")]
        .into_iter()
        .flatten()
        .collect();
    if !summary.is_empty() {
        let left_out = match problems.left_out() {
            0 => String::new(),
            more => {
                output.detail("left_out", more.into());
                format!("; {more} of them are not shown")
            }
        };
        output.remarked(&format!("{file}: {}{left_out}", summary.join(", ")));
    }
}

/// Returns what programs learn of a problem.
fn details(problem: &Problem, file: &str) -> ErrorDetails {
    let place = |span: Span| format!("{file}:{}:{}", span.line, span.column);
    ErrorDetails {
        sentence: problem.sentence(),
        at: problem
            .is_of_file
            .then(|| problem.span.map_or_else(|| file.to_owned(), place)),
        help: problem.help.clone(),
    }
}

fn counted(number: usize, noun: &str) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {noun}")),
        many => Some(format!("{many} {noun}s")),
    }
}
