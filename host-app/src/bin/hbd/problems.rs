//! Prints the problems of a configuration in the style of rustc.

use annotate_snippets::{AnnotationKind, Group, Level as Mark, Origin, Renderer, Snippet};
use annunciator::{Level, LoadError, Problem, Problems, Span};

use crate::output::{ErrorDetails, Output};

/// The maximum length of a line that is shown.
const MAX_LINE_LENGTH: usize = 1000;

/// Prints why a configuration cannot be used.
pub(crate) fn print_error(error: &LoadError, output: &Output) {
    match error {
        LoadError::Problems(problems) => print(problems, output),
        error => output.error(error),
    }
}

/// Prints every problem with the lines that it is about, then a summary.
pub(crate) fn print(problems: &Problems, output: &Output) {
    let renderer = if output.colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let file = problems.file().display().to_string();
    for problem in problems.iter() {
        let groups = groups(problem, problems.source(), &file);
        let text = format!("{}\n", renderer.render(&groups));
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

fn groups<'a>(problem: &'a Problem, source: &'a str, file: &'a str) -> Vec<Group<'a>> {
    let mark = match problem.level {
        Level::Error => Mark::ERROR,
        Level::Warning => Mark::WARNING,
    };
    let title = mark.primary_title(problem.sentence());
    let group = match problem.span {
        Some(span) => match line_of(source, span) {
            Some((line, start)) if line.len() < MAX_LINE_LENGTH => {
                // A span over several lines, such as a whole mapping, is marked on its
                // first line.
                let marked = span.start - start..(span.end - start).min(line.len());
                // Only this line, since rendering scans its whole source for each problem.
                let snippet = Snippet::source(line).line_start(span.line).path(file);
                title.element(snippet.annotation(AnnotationKind::Primary.span(marked)))
            }
            _ => title.element(Origin::path(file).line(span.line).char_column(span.column)),
        },
        None if problem.is_of_file => title.element(Origin::path(file)),
        None => Group::with_title(title),
    };
    let group = match &problem.help {
        Some(help) => group.element(Mark::HELP.message(help.as_str())),
        None => group,
    };
    vec![group]
}

/// Returns the line on which a span begins, and the position of its first byte. Searches no
/// further than a line is shown, since a file of one line may have thousands of problems.
fn line_of(source: &str, span: Span) -> Option<(&str, usize)> {
    let (before, after) = source.as_bytes().split_at_checked(span.start)?;
    let before = &before[before.len().saturating_sub(MAX_LINE_LENGTH)..];
    let after = &after[..after.len().min(MAX_LINE_LENGTH)];
    let is_end = |byte: &u8| *byte == b'\n';
    let in_front = before.iter().rev().position(is_end);
    let behind = after.iter().position(is_end);
    let start = span.start - in_front.unwrap_or(before.len());
    let end = span.start + behind.unwrap_or(after.len());
    Some((source.get(start..end)?, start))
}

fn counted(number: usize, noun: &str) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {noun}")),
        many => Some(format!("{many} {noun}s")),
    }
}
