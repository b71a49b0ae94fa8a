//! Message IDs: one for each notification, the same in every attempt, and one for each incident,
//! which makes its emails a thread.
//!
//! A retry after an unknown outcome has the same Message-ID, so that mailboxes can recognise the
//! duplicate.

use std::fmt::Write;

/// The maximum length of the left part in octets. It keeps the whole well below the length of a
/// line.
const LEFT_MAX: usize = 120;

/// Returns the Message-ID of a notification: `<id@domain>`.
pub(crate) fn message_id(id: &str, domain: &str) -> String {
    format!("<{}@{domain}>", left_part(id))
}

/// Returns the ID that all emails of an incident refer to: `<incident.key@domain>`. No email has
/// this ID itself, so that they form a thread whichever of them arrives first.
pub(crate) fn thread_id(incident: &str, domain: &str) -> String {
    format!("<incident.{}@{domain}>", left_part(incident))
}

/// Converts any text to a `dot-atom` (RFC 5322, section 3.2.3) of bounded length. Different texts
/// become different atoms.
fn left_part(text: &str) -> String {
    let mut atom = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => atom.push(char::from(byte)),
            _ => {
                let _ = write!(atom, "={byte:02X}");
            }
        }
    }
    if atom.is_empty() {
        atom.push_str("none");
    }
    if atom.len() > LEFT_MAX {
        let whole = fingerprint(text.as_bytes());
        atom.truncate(LEFT_MAX - 17);
        let _ = write!(atom, "={whole:016x}");
    }
    atom
}

/// Returns the FNV-1a hash, which is the same in every version and on every machine.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_safe_name() {
        for (text, name) in [
            ("0190-ab", "<0190-ab@example.com>"),
            ("a b>\r\n", "<a=20b=3E=0D=0A@example.com>"),
            ("", "<none@example.com>"),
            ("ä", "<=C3=A4@example.com>"),
        ] {
            assert_eq!(message_id(text, "example.com"), name);
        }
        let (one, two) = ("x".repeat(5000), "x".repeat(5001));
        assert_ne!(thread_id(&one, "e.org"), thread_id(&two, "e.org"));
        assert!(thread_id(&one, "e.org").len() < 200);
    }
}
