//! Sanitizes texts of remotes and plugins for one line of a terminal or a log.

/// The maximum length of a text, in characters. A longer one is truncated.
const MAX_LENGTH: usize = 1000;

/// Sanitizes a text for one line of a terminal or a log.
pub(crate) fn printable(text: &str) -> String {
    let text = text.trim();
    if text.len() <= MAX_LENGTH && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.to_owned();
    }
    let line = |c: char| {
        if c.is_control() || is_direction(c) {
            ' '
        } else {
            c
        }
    };
    let mut printable: String = text.chars().take(MAX_LENGTH).map(line).collect();
    if text.chars().nth(MAX_LENGTH).is_some() {
        printable.push('…');
    }
    printable
}

/// Returns whether a character changes the direction of the text that follows. A remote's text must
/// not rearrange a terminal's line (Unicode, UAX 9).
fn is_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
