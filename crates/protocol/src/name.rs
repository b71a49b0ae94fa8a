//! Validation of the texts in a datagram: names of hosts, boots, keys and
//! metrics, and messages of hosts.
//!
//! These texts end up in notifications, on terminals and in labels, so nothing
//! that is invisible or rearranges a line is valid.

use unicode_general_category::{GeneralCategory as Category, get_general_category};

use crate::limits::{
    MAX_BOOT_BYTES, MAX_HOST_BYTES, MAX_KEY_ID_BYTES, MAX_MESSAGE_BYTES, MAX_PATH_BYTES,
};

/// Returns whether a text is a valid host name: 1 to [`MAX_HOST_BYTES`] bytes
/// of visible characters, with blanks between them at most.
#[must_use]
pub fn is_host(text: &str) -> bool {
    (1..=MAX_HOST_BYTES).contains(&text.len())
        && text.trim() == text
        && (is_plain(text) || text.chars().all(|c| c == ' ' || is_visible(c)))
}

/// Returns whether a text is a valid name of a boot: 1 to [`MAX_BOOT_BYTES`]
/// bytes of `A-Z a-z 0-9 _ -`.
#[must_use]
pub fn is_boot(text: &str) -> bool {
    (1..=MAX_BOOT_BYTES).contains(&text.len()) && text.bytes().all(is_word)
}

/// Returns whether a text is a valid id of a key: 1 to [`MAX_KEY_ID_BYTES`]
/// bytes of `A-Z a-z 0-9 _ -`.
#[must_use]
pub fn is_key_id(text: &str) -> bool {
    (1..=MAX_KEY_ID_BYTES).contains(&text.len()) && text.bytes().all(is_word)
}

/// Returns whether a text is a valid path of a metric: two or more segments of
/// visible characters, joined by dots, in at most [`MAX_PATH_BYTES`] bytes.
#[must_use]
pub fn is_path(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() > MAX_PATH_BYTES {
        return false;
    }
    // One pass without branches over what nearly every path is, visible ASCII:
    // a datagram has many.
    let (mut dots, mut empty, mut behind_dot, mut ascii) = (false, false, true, true);
    for &byte in bytes {
        let dot = byte == b'.';
        dots |= dot;
        empty |= dot & behind_dot;
        behind_dot = dot;
        ascii &= byte.is_ascii_graphic();
    }
    dots && !empty && !behind_dot && (ascii || text.chars().all(is_visible))
}

/// Returns whether a text is a valid message of a host: 1 to
/// [`MAX_MESSAGE_BYTES`] bytes without control characters, line breaks or marks
/// that turn the direction of a line. Emoji joined by invisible characters are
/// allowed.
#[must_use]
pub fn is_message(text: &str) -> bool {
    (1..=MAX_MESSAGE_BYTES).contains(&text.len())
        && (is_plain(text) || !text.chars().any(disturbs_a_line))
}

/// Returns whether a character may stand in a metric's path: neither white
/// space nor invisible. Dots are among them; they separate segments.
///
/// A sender replaces other characters, and dots inside a segment, as `hbc` does
/// in the paths of mounted file systems.
#[must_use]
pub fn is_visible(c: char) -> bool {
    !c.is_whitespace()
        && !matches!(
            get_general_category(c),
            Category::Control
                | Category::Format
                | Category::LineSeparator
                | Category::ParagraphSeparator
        )
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Control characters, line separators, and marks that turn the direction of
/// what follows (Unicode, UAX 9).
fn disturbs_a_line(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(is: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(is(text), "{text:?}");
        }
        for text in bad {
            assert!(!is(text), "{text:?}");
        }
    }

    #[test]
    fn when_it_names_a_host() {
        let (long, too_long) = ("x".repeat(253), "x".repeat(254));
        check(
            is_host,
            &[
                "a",
                "prod-web-01",
                "web.example.org",
                "My NAS",
                "бэкап",
                "\"\\",
                &long,
            ],
            &[
                "",
                " ",
                " a",
                "a ",
                "a\tb",
                "a\nb",
                "a\0b",
                "a\u{7f}b",
                "a\u{85}b",
                "a\u{a0}b",
                "a\u{ad}b",
                "a\u{200b}b",
                "a\u{200d}b",
                "a\u{202e}b",
                "a\u{2028}b",
                "a\u{2066}b",
                "a\u{feff}b",
                "a\u{e0041}b",
                &too_long,
            ],
        );
    }

    #[test]
    fn when_it_names_a_boot_or_a_key() {
        let (long, too_long) = ("x".repeat(64), "x".repeat(65));
        check(
            is_boot,
            &["a", "8c1f-A_9", &long],
            &["", "a b", "ä", "a.b", &too_long],
        );
        check(is_key_id, &["k1", &long[..32]], &["", "k:1", &long[..33]]);
    }

    #[test]
    fn when_it_names_a_metric() {
        let long = format!("m.{}", "x".repeat(126));
        check(
            is_path,
            &[
                "a.b",
                "disk_monitor./.percent",
                "disk_monitor./srv/Büro.percent",
                "a.b.c.d",
                &long,
            ],
            &[
                "",
                "a",
                ".",
                "..",
                "a.",
                ".b",
                "a..b",
                "a.b.",
                "a.b c",
                "a.b\u{a0}c",
                "a.\n",
                "a.\u{202e}b",
                &format!("{long}x"),
            ],
        );
    }

    #[test]
    fn when_it_is_a_message() {
        let (long, too_long) = ("x".repeat(512), "x".repeat(513));
        check(
            is_message,
            &["disk sda fails", " ", "👩\u{200d}🔧 à l'œuvre", &long],
            &[
                "",
                "a\nb",
                "a\tb",
                "\u{1b}[31m",
                "a\u{202e}b",
                "a\u{2029}b",
                "a\u{9b}b",
                &too_long,
            ],
        );
    }
}
