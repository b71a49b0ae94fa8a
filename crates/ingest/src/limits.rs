//! The bounds of what is read, and how a text is cut to them.

/// The maximum size of a request's body and of a mail, in bytes. An Alertmanager group of
/// some thousand alerts fits.
pub const MAX_BODY_SIZE: usize = 1024 * 1024;
/// The maximum nesting of JSON. Known senders nest five levels deep.
pub const MAX_DEPTH: usize = 64;
/// The maximum number of items that are read of one request.
pub const MAX_ITEMS: usize = 1000;
/// The maximum length of a message's text, in bytes: that of the engine.
pub const MAX_TEXT_LENGTH: usize = 1024 * 1024;
/// The maximum length of a title, a host, an incident and an attribute, in bytes: that of
/// the engine, which would cut longer ones.
pub const MAX_LINE_LENGTH: usize = 4096;
/// The maximum length of an idempotency key, in bytes: that of the engine.
pub const MAX_KEY_LENGTH: usize = 512;
/// The maximum number of attributes of a notification: that of the engine.
pub const MAX_ATTRIBUTES: usize = 64;
/// The end of the year 9999 in milliseconds since the Unix epoch, which is the latest time
/// that the engine represents.
pub const MAX_TIME_MS: i64 = 253_402_300_799_999;
/// The maximum length of a value from outside that a sentence quotes, in bytes.
const MAX_QUOTED_LENGTH: usize = 100;

/// Cuts a text to a length in bytes, between characters. Returns whether it was longer.
pub(crate) fn cut(text: &mut String, limit: usize) -> bool {
    if text.len() <= limit {
        return false;
    }
    let end = (0..=limit).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    true
}

/// Returns a value from outside in a form that is fit for one line of a terminal or a log.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_QUOTED_LENGTH).collect();
    if cut(&mut shown, MAX_QUOTED_LENGTH) || shown.len() < text.len() {
        shown.push('…');
    }
    format!("`{}`", escaped(&shown))
}

/// Escapes control characters, and those that change the direction of text.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for one in text.chars() {
        let is_hidden = one.is_control()
            || matches!(one, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if is_hidden {
            shown.extend(one.escape_default());
        } else {
            shown.push(one);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        let mut text = "aäb".to_owned();
        assert!(!cut(&mut text, 4));
        assert!(cut(&mut text, 2));
        assert_eq!(text, "a");
    }

    #[test]
    fn what_is_quoted_is_one_line_of_a_limited_length() {
        assert_eq!(quoted("a\nb\u{202e}c"), "`a\\nb\\u{202e}c`");
        assert!(quoted(&"ä".repeat(1000)).len() < 120);
        assert!(quoted(&"a".repeat(1000)).ends_with("…`"));
    }
}
