//! Texts that others have written: names of hosts, messages, errors of remotes.
//!
//! They are hostile. Markup in them is escaped by the template, and this module keeps the rest of
//! them from doing anything: characters that control a terminal or the direction of text are shown
//! as marks, and each text is isolated, so that its direction does not spill over.

use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The characters that stand for themselves in an address, see
/// <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Returns the mark of a character that is not to reach a browser; `None` for others.
fn mark(c: char) -> Option<String> {
    let code = u32::from(c);
    match code {
        // Control pictures: <https://www.unicode.org/charts/PDF/U2400.pdf>.
        0x00..=0x1f => char::from_u32(0x2400 + code).map(String::from),
        0x7f => Some('\u{2421}'.to_string()),
        // C1 controls, the controls of direction and of shaping, separators of lines, and what
        // cannot be seen: with it, two names that differ look alike.
        0x80..=0x9f
        | 0x061c
        | 0x180e
        | 0x200b
        | 0x200e
        | 0x200f
        | 0x2028..=0x202e
        | 0x2060..=0x206f
        | 0xfeff
        | 0xfff9..=0xfffb
        | 0xe0000..=0xe007f => Some(format!("[U+{code:04X}]")),
        _ => None,
    }
}

/// Returns a text in one line, with marks for characters that control something: for attributes
/// and titles.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match mark(c) {
            Some(mark) => shown.push_str(&mark),
            None => shown.push(c),
        }
    }
    shown
}

/// Returns a text in one line, isolated, with marks for characters that control something.
#[must_use]
pub fn text(text: &str) -> Markup {
    html! { bdi { (plain(text)) } }
}

/// Returns a text with its lines, isolated, with marks for the other characters that control
/// something.
#[must_use]
pub fn lines(text: &str) -> Markup {
    let lines = text.lines().map(plain).collect::<Vec<_>>().join("\n");
    html! { bdi.lines { (lines) } }
}

/// Returns a text as a part of an address: of a path, or as a value in a query.
#[must_use]
pub fn part(text: &str) -> String {
    // `.` and `..` as a whole mean other paths.
    if matches!(text, "." | "..") {
        return text.replace('.', "%2E");
    }
    utf8_percent_encode(text, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The property Bidi_Control.
    /// <https://www.unicode.org/Public/UCD/latest/ucd/PropList.txt>
    const BIDI_CONTROLS: [char; 12] = [
        '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}',
        '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
    ];

    #[test]
    fn no_character_that_controls_something_is_left() {
        let controls = (0..=0x10_ffff)
            .filter_map(char::from_u32)
            .filter(|c| c.is_control());
        for c in controls.chain(BIDI_CONTROLS) {
            let hostile = format!("web{c}01");
            for shown in [
                plain(&hostile),
                text(&hostile).into_string(),
                part(&hostile),
            ] {
                assert!(!shown.contains(c), "{:x}", u32::from(c));
                assert!(shown.contains("web") && shown.contains("01"), "{shown}");
            }
            let shown = lines(&hostile).into_string();
            assert!(c == '\n' || !shown.contains(c), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn words_of_any_language_are_left_as_they_are() {
        for word in ["straße 30 °C", "сервер", "خادم", "サーバー", "👩\u{200d}🔧"]
        {
            assert_eq!(plain(word), word);
        }
    }

    #[test]
    fn markup_is_text() {
        let shown = text("<script>alert(1)</script>&").into_string();
        assert_eq!(
            shown,
            "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;&amp;</bdi>"
        );
    }
}
