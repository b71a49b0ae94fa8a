//! Parses addresses once, so that they are safe in headers and in commands.
//!
//! lettre decides what an address is. This module adds the limits of RFC 5321, because a server
//! would refuse a longer address.

use lettre::{Address, message::Mailbox};

/// The maximum length of a path in octets, including the brackets (RFC 5321, section 4.5.3.1.3).
const PATH_MAX: usize = 256;
/// The maximum length of a local part in octets (RFC 5321, section 4.5.3.1.1).
const LOCAL_MAX: usize = 64;

/// Parses `address` or `Name <address>`. The error says what is wrong.
pub(crate) fn parse(text: &str) -> Result<Mailbox, String> {
    if text.chars().any(char::is_control) {
        return Err("an address must not contain line breaks or control characters".to_owned());
    }
    // An address alone is tried first, because lettre's mailboxes do not support `[192.0.2.1]`.
    let bare_form: Result<Address, _> = text.trim().parse();
    let mailbox: Mailbox = match bare_form {
        Ok(address) => Mailbox::new(None, address),
        Err(_) => text
            .trim()
            .parse()
            .map_err(|_| format!("`{text}` is not an email address"))?,
    };
    if mailbox.email.user().len() > LOCAL_MAX {
        return Err(format!(
            "the part before the @ is longer than {LOCAL_MAX} octets"
        ));
    }
    if bare(&mailbox).len() + 2 > PATH_MAX {
        return Err(format!("the address is longer than {PATH_MAX} octets"));
    }
    Ok(mailbox)
}

/// Returns the address without a display name, which is also the target's name.
pub(crate) fn bare(mailbox: &Mailbox) -> String {
    mailbox.email.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_parsed_or_refused() {
        for (text, bare_form) in [
            ("ops@example.com", Some("ops@example.com")),
            ("Ops <ops@example.com>", Some("ops@example.com")),
            ("  ops@example.com ", Some("ops@example.com")),
            ("ops@[192.0.2.1]", Some("ops@[192.0.2.1]")),
            ("ops", None),
            ("ops@", None),
            ("ops@example.com, b@example.com", None),
            ("ops@example.com\r\nBcc: x@example.com", None),
            ("a b@example.com", None),
        ] {
            let parsed = parse(text).ok().map(|mailbox| bare(&mailbox));
            assert_eq!(parsed.as_deref(), bare_form, "{text:?}");
        }
        assert!(parse(&format!("{}@example.com", "a".repeat(65))).is_err());
    }
}
