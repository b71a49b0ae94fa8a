//! Reads the token that a request shows.

use axum::http::{HeaderMap, header};
use data_encoding::BASE64;

/// Returns the token of a request (RFC 6750).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Returns the password of a request with basic authentication (RFC 7617), whatever its user
/// is called.
pub(crate) fn basic_password(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64.decode(encoded.trim().as_bytes()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':')
        .map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_from_its_header() {
        let with = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(with("Bearer x"), Some("x".to_owned()));
        assert_eq!(with("bearer  x "), Some("x".to_owned()));
        assert_eq!(with("Basic x"), None);
        assert_eq!(with("x"), None);
    }

    #[test]
    fn a_password_is_read_from_its_header() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            basic_password(&headers)
        };
        let encoded = |text: &str| format!("Basic {}", BASE64.encode(text.as_bytes()));
        assert_eq!(with(&encoded("any:a:b")), Some("a:b".to_owned()));
        assert_eq!(with(&encoded(":x")), Some("x".to_owned()));
        assert_eq!(with(&encoded("x")), None);
        assert_eq!(with("Basic !"), None);
        assert_eq!(with("Bearer eDp5"), None);
    }
}
