//! Shows a problem of a configuration with the line that it is about, in the style of rustc.

use annotate_snippets::{AnnotationKind, Group, Level as Mark, Origin, Renderer, Snippet};
use annunciator::{Level, Problem, Problems, Span};

/// The maximum length of a line that is shown.
const MAX_LINE_LENGTH: usize = 1000;

/// Returns a problem with the line that it is about, in which everything is masked that may be
/// secret. With `colour`, it has the escape sequences of a terminal.
#[must_use]
pub fn snippet(problems: &Problems, problem: &Problem, colour: bool) -> String {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let file = problems.file().display().to_string();
    renderer.render(&groups(problem, problems.source(), &file))
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
