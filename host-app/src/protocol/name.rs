//! Which texts may stand in a datagram: names of hosts, boots, keys and
//! metrics, and a host's own words.
//!
//! They end up in messages, on terminals and in labels: nothing that rearranges
//! a line or cannot be seen gets in.

use unicode_general_category::{GeneralCategory as Category, get_general_category};

use super::limits::{LONGEST_BOOT, LONGEST_HOST, LONGEST_KEY_ID, LONGEST_MESSAGE, LONGEST_PATH};

/// Whether this may name a host.
#[must_use]
pub fn is_host(text: &str) -> bool {
    (1..=LONGEST_HOST).contains(&text.len())
        && text.trim() == text
        && (is_plain(text) || text.chars().all(|c| c == ' ' || is_visible(c)))
}

/// Whether this may name a boot.
#[must_use]
pub fn is_boot(text: &str) -> bool {
    (1..=LONGEST_BOOT).contains(&text.len()) && text.bytes().all(is_word)
}

/// Whether this may be a key's id.
#[must_use]
pub fn is_key_id(text: &str) -> bool {
    (1..=LONGEST_KEY_ID).contains(&text.len()) && text.bytes().all(is_word)
}

/// Whether this may name a metric: two segments or more, joined by dots.
#[must_use]
pub fn is_path(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() > LONGEST_PATH {
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

/// Whether these may be a host's own words. Emoji that are joined by invisible
/// characters may stand there; what turns the direction of a line may not.
#[must_use]
pub fn is_message(text: &str) -> bool {
    (1..=LONGEST_MESSAGE).contains(&text.len())
        && (is_plain(text) || !text.chars().any(disturbs_a_line))
}

/// Whether this is one of the characters that a path may have, but for dots.
pub(crate) fn is_visible(c: char) -> bool {
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
