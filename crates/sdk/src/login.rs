//! Logins in addresses, in each form in which a remote may repeat them.

use std::fmt::Write as _;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};

/// The schemes that may be followed by any number of slashes, even none, with a backslash
/// counting as one: <https://url.spec.whatwg.org/#special-scheme>. `file` is left out, since it
/// has no logins.
const SPECIAL: [&str; 5] = ["http", "https", "ws", "wss", "ftp"];
/// The minimum length of a user name beside a password that may be a token, in bytes. People's
/// names are mostly shorter, and their letters occur in other words, too.
const MIN_TOKEN_LENGTH: usize = 8;

/// Returns the login in an address (`https://user:password@host/`) in each form in which a remote
/// may repeat it, for [`without_secrets`](crate::without_secrets). The forms are `user:password`
/// and the password, each as written, as in a parsed address and decoded, and both as in HTTP's
/// Basic authentication, which is base64.
///
/// A user without a password counts as a secret, since services accept tokens there, and so does
/// a user of 8 bytes or more beside a password. Everything that <https://url.spec.whatwg.org>
/// parses as a login is one here, with any number of slashes, and more: of an address that does
/// not parse and contains an at sign, the part up to that and the whole are secret. Returns
/// nothing for an address without a login.
#[must_use]
pub fn logins(address: &str) -> Vec<String> {
    let mut forms = Vec::new();
    // What parsers skip: https://url.spec.whatwg.org/#concept-basic-url-parser.
    let skipped = |one: char| one <= ' ';
    let seen: String = { address.trim_matches(skipped).chars() }
        .filter(|one| !matches!(one, '\t' | '\n' | '\r'))
        .collect();
    for text in [address, seen.as_str()] {
        for ends in [&['/', '\\', '?', '#'][..], &['/', '?', '#']] {
            let rest = behind_scheme(text);
            let authority = rest.split(ends).next().unwrap_or_default();
            if let Some((login, _)) = authority.rsplit_once('@') {
                add(&mut forms, login);
            } else if !has_valid_port(authority)
                && let Some((login, _)) = rest.rsplit_once('@')
            {
                forms.push(address.to_owned());
                add(&mut forms, login);
            }
        }
    }
    forms.retain(|form| !form.is_empty());
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// Returns what follows the scheme and the slashes of an address.
fn behind_scheme(address: &str) -> &str {
    let scheme = address.split_once(':').filter(|(scheme, _)| {
        let scheme = scheme.trim_start();
        SPECIAL.iter().any(|one| one.eq_ignore_ascii_case(scheme))
    });
    match (scheme, address.split_once("//")) {
        (Some((_, rest)), _) => rest.trim_start_matches(['/', '\\']),
        (None, Some((_, rest))) => rest,
        (None, None) => address,
    }
}

/// Returns whether a host without a login has no port, or a port of 16 bits.
fn has_valid_port(authority: &str) -> bool {
    let host_end = authority.rfind(']').unwrap_or_default();
    let (_, behind) = authority.split_at(host_end);
    behind
        .split_once(':')
        .is_none_or(|(_, port)| port.is_empty() || port.parse::<u16>().is_ok())
}

/// Adds the forms of one login.
fn add(forms: &mut Vec<String>, login: &str) {
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (login, None),
    };
    let secret = password.filter(|password| !password.is_empty());
    let token = user.len() >= MIN_TOKEN_LENGTH || secret.is_none();
    // A colon alone is not a login, but it is a password.
    let whole = (login != ":").then_some(login);
    for part in [whole, secret, token.then_some(user)].into_iter().flatten() {
        let decoded = String::from_utf8_lossy(&decoded(part)).into_owned();
        forms.extend([part.to_owned(), encoded(part), decoded]);
    }
    let parsed = [user, password.unwrap_or_default()].map(encoded).join(":");
    forms.extend((parsed != ":").then_some(parsed));
    let basic = [user, password.unwrap_or_default()];
    let raw = basic.join(":").into_bytes();
    let meant = basic.map(decoded).join(&b':');
    for bytes in [raw, meant] {
        if bytes != b":" {
            let alphabets = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
            forms.extend(alphabets.map(|base64| base64.encode(&bytes)));
        }
    }
}

/// Encodes a login as in a parsed address:
/// <https://url.spec.whatwg.org/#userinfo-percent-encode-set>.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !b"\"#<>?^`{}/:;=@[\\]|".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Decodes the percent-encoded bytes of a text.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let byte = match others {
            [high, low, ..] if *first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match byte {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = others.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;
    use crate::without_secrets;

    #[test]
    fn a_login_is_known_in_every_form() {
        for (address, known) in [
            (
                "https://u:pa%24s%@h:1/p@th?a@b",
                &[
                    "pa$s%",
                    "pa%24s%",
                    "u:pa$s%",
                    "u:pa%24s%",
                    "dTpwYSRzJQ==",
                    "dTpwYSRzJQ",
                ][..],
            ),
            ("https://::@h", &["::", "%3A"]),
            ("https://token@h", &["token", "dG9rZW46"]),
            ("https://token:@h", &["token", "token:"]),
            ("u:p@ss@h/", &["p@ss", "p%40ss", "u:p@ss"]),
            ("https://a-token-of-a-user:x@h", &["a-token-of-a-user"]),
            (
                "https://a:p?~?~@h",
                &["https://a:p?~?~@h", "YTpwP34_fg", "YTpwP34/fg"],
            ),
        ] {
            let forms = logins(address);
            for form in known {
                assert!(forms.iter().any(|one| one == form), "{address}: {forms:?}");
            }
        }
    }

    #[test]
    fn slashes_and_blanks_hide_no_login() {
        for address in [
            "https:/ops:canary@h:1/",
            "https:///ops:canary@h",
            "https:ops:canary@h",
            "HTTP:\\\\ops:canary@h",
            "http:/ops:canary@h//x",
            " https://ops:canary@h",
            "ht\ttps:/ops:can\nary@h",
            "any:thing://ops:canary@h",
            "chat://ops:x\\canary@h",
            // These do not parse.
            "https://ops:x/canary@h/",
            "https://ops:canary@h:99999/",
            "https://ops:canary@[h/",
        ] {
            let shown = without_secrets(address, &logins(address));
            assert!(!shown.contains("canary"), "{address}: {shown}");
            let basic = without_secrets("b3BzOmNhbmFyeQ==", &logins(address));
            let is_its = address.replace('\n', "").contains("ops:canary");
            assert_eq!(is_its, basic == "[…]", "{address}: {basic}");
        }
    }

    #[test]
    fn what_is_no_login_is_none() {
        for address in [
            "https://h/a@b",
            "https://h:8080/a@b",
            "https://[::1]/a@b",
            "https://[::1]:80/a@b",
            "https://h?a@b#c@d",
            "https://@h",
            "https://:@h",
            "https:h/a@b",
            "%",
            "",
        ] {
            assert_eq!(logins(address), [""; 0], "{address}");
        }
    }

    /// Addresses of all parts that parsers look at, in any order behind any scheme.
    fn addresses() -> impl Strategy<Value = String> {
        let scheme = "(https?:|HTTP:|wss?:|ftp:|file:|chat:|)[/\\\\\\t]{0,4}";
        let login = "([a-c%24:@;\"é |?^`{}\\[\\]\\t/\\\\-]{0,12}@){0,2}";
        let rest = "h?(:[0-9a]{0,6})?([/?#@\\\\a]{0,6})";
        (scheme, login, rest).prop_map(|(scheme, login, rest)| format!("{scheme}{login}{rest}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn every_login_of_a_parsed_address_is_known(address in addresses()) {
            let Ok(url) = Url::parse(&address) else {
                return Ok(());
            };
            let (user, password) = (url.username(), url.password().unwrap_or_default());
            if user.is_empty() && password.is_empty() {
                return Ok(());
            }
            let of_text = logins(&address);
            // Plugins that parse an address pass it on as it is written after that.
            let of_url = logins(url.as_str());
            let text = |part| String::from_utf8_lossy(&decoded(part)).into_owned();
            let basic = [decoded(user), decoded(password)].join(&b':');
            let mut expected = vec![STANDARD.encode(&basic), URL_SAFE_NO_PAD.encode(&basic)];
            if !password.is_empty() {
                expected.extend([password.to_owned(), text(password)]);
            }
            if password.is_empty() || user.len() >= 24 {
                expected.extend([user.to_owned(), text(user)]);
            }
            for form in expected {
                prop_assert!(of_url.contains(&form), "{form} of {url}: {of_url:?}");
                prop_assert!(of_text.contains(&form), "{form} of {address:?}: {of_text:?}");
            }
        }
    }
}
