//! A bound on the directives of a text (`%YAML`, `%TAG`). The parser compares each with all earlier
//! ones, and reads all of them before it reports an event.

/// The maximum number of directives of a text. A configuration has one or none.
const MAX_DIRECTIVES: usize = 16;

/// Returns the offset of the first directive beyond the bound.
pub(super) fn one_too_many(text: &str) -> Option<usize> {
    directives(text).nth(MAX_DIRECTIVES)
}

/// Returns the offsets of directives. They come before a document, which ends with the text or with
/// a line of three dots. A line within a document that looks like one is content.
fn directives(text: &str) -> impl Iterator<Item = usize> {
    let mut is_before_document = true;
    line_starts(text).filter(move |at| {
        let line = text[*at..].trim_start_matches('\u{feff}');
        let behind_dots = line.strip_prefix("...").map(|rest| rest.chars().next());
        if behind_dots.is_some_and(|next| next.is_none_or(is_blank_or_line_end)) {
            is_before_document = true;
            return false;
        }
        if is_before_document && line.starts_with('%') {
            return true;
        }
        let content = line.trim_start_matches([' ', '\t']).chars().next();
        is_before_document &= content.is_none_or(|c| c == '#' || is_line_end(c));
        false
    })
}

/// Returns the offset of the first byte of each line. Between a carriage return and its line feed
/// is an empty line.
fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    let ends = text.char_indices().filter(|(_, c)| is_line_end(*c));
    std::iter::once(0).chain(ends.map(|(at, c)| at + c.len_utf8()))
}

/// Returns whether a character ends a line for the parser, which reads YAML 1.1.
fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank_or_line_end(c: char) -> bool {
    matches!(c, ' ' | '\t') || is_line_end(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE_ENDS: [&str; 6] = ["\n", "\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"];

    fn many(line: &str, end: &str) -> String {
        format!("{line}{end}").repeat(MAX_DIRECTIVES + 1)
    }

    #[test]
    fn many_before_a_document_are_seen_however_lines_end() {
        for end in LINE_ENDS {
            let tags = many("%TAG !a! b", end);
            let between = many("%TAG !a! b", &format!("{end} # x{end}{end}"));
            for text in [
                format!("{tags}---{end}a: b{end}"),
                format!("\u{feff}# x{end}{tags}---{end}a: b{end}"),
                format!("{between}---{end}a: b{end}"),
                format!("a: b{end}...{end}{tags}---{end}c: d{end}"),
                format!("a: b{end}... # x{end}{tags}---{end}c: d{end}"),
            ] {
                assert!(one_too_many(&text).is_some(), "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_content_is_not_counted() {
        for end in LINE_ENDS {
            let tags = many("%TAG !a! b", end);
            for text in [
                format!("%YAML 1.1{end}---{end}a: b{end}"),
                format!("a: \"{end}{tags}\"{end}"),
                format!("a: '{end}...x{end}{tags}'{end}"),
                format!("--- |{end}{tags}"),
            ] {
                assert_eq!(one_too_many(&text), None, "{text:?}");
            }
        }
    }
}
