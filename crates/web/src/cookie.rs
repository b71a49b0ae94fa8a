//! The cookie that carries a session.
//!
//! Through TLS it is named `__Host-annunciator`, which browsers accept only with `Secure`, for
//! this one host and for all of its paths, so that no other server can set it.
//!
//! Browsers do not agree whether such a cookie can be set over plain HTTP to a loopback address,
//! which is the usual address of a server that has no proxy before it. There, and nowhere else,
//! the cookie is named `annunciator` and is not `Secure`. It never leaves the machine, but other
//! servers on the same machine are sent it too, since cookies do not tell ports apart. Over plain
//! HTTP to any other address nobody can log in: everybody on the way could read the token.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, header};

use crate::sessions::LIFETIME_MS;

/// The name through TLS. <https://www.rfc-editor.org/rfc/rfc6265bis#section-4.1.3.2>
const SECURE_NAME: &str = "__Host-annunciator";
/// The name over plain HTTP to a loopback address.
const LOOPBACK_NAME: &str = "annunciator";

/// How a browser reaches this server, as far as its requests say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Through TLS, to this server or to a proxy.
    Tls,
    /// Over plain HTTP, to a loopback address.
    Loopback,
    /// Over plain HTTP, to another address.
    Plain,
}

impl Way {
    /// Returns the way of a request that a form was sent with. `is_encrypted` says that it is
    /// known to have come through TLS.
    ///
    /// A browser names the scheme in `Origin`. A client that does not send it is no browser, and
    /// says by `Host` alone whether it keeps to this machine.
    pub(crate) fn of(headers: &HeaderMap, is_encrypted: bool) -> Self {
        if is_encrypted {
            return Self::Tls;
        }
        let origin = headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
        if origin.is_some_and(|origin| origin.starts_with(b"https://")) {
            return Self::Tls;
        }
        if is_loopback(headers) {
            return Self::Loopback;
        }
        match origin {
            Some(_) => Self::Plain,
            None => Self::Tls,
        }
    }
}

/// Returns whether a request is for a loopback address.
fn is_loopback(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = host.unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let address = name.parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Returns the session's secret in a request.
///
/// The name without a prefix counts for a loopback address only: elsewhere another server of the
/// same domain could have set it.
pub(crate) fn read(headers: &HeaderMap) -> Option<&str> {
    let of_name = |name: &str| {
        let lines = headers.get_all(header::COOKIE).iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';'));
        pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
    };
    of_name(SECURE_NAME).or_else(|| {
        is_loopback(headers)
            .then(|| of_name(LOOPBACK_NAME))
            .flatten()
    })
}

/// Returns the value of `Set-Cookie` for a session; `None` for the secret ends it.
///
/// `SameSite=Strict` keeps pages of other sites from sending it at all; acts are protected by the
/// check of the origin besides.
pub(crate) fn set(way: Way, secret: Option<&str>) -> String {
    let (name, secure) = match way {
        Way::Tls | Way::Plain => (SECURE_NAME, "Secure; "),
        Way::Loopback => (LOOPBACK_NAME, ""),
    };
    let seconds = secret.map_or(0, |_| LIFETIME_MS / 1000);
    let value = secret.unwrap_or_default();
    format!("{name}={value}; Max-Age={seconds}; Path=/; {secure}HttpOnly; SameSite=Strict")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        pairs.collect()
    }

    #[test]
    fn a_browser_says_how_it_reaches_the_server() {
        let way = |host, origin| Way::of(&headers(&[("host", host), ("origin", origin)]), false);
        assert_eq!(
            way("127.0.0.1:9680", "http://127.0.0.1:9680"),
            Way::Loopback
        );
        assert_eq!(way("[::1]:9680", "http://[::1]:9680"), Way::Loopback);
        assert_eq!(way("localhost", "http://localhost"), Way::Loopback);
        assert_eq!(way("hbd.example", "https://hbd.example"), Way::Tls);
        // A proxy that does not pass the name on.
        assert_eq!(way("127.0.0.1:9680", "https://hbd.example"), Way::Tls);
        assert_eq!(way("10.0.0.1", "http://10.0.0.1"), Way::Plain);
        // What is known counts more.
        let at_loopback = headers(&[("host", "localhost")]);
        assert_eq!(Way::of(&at_loopback, true), Way::Tls);
    }

    #[test]
    fn the_cookie_without_a_prefix_counts_for_loopback_addresses_only() {
        let read_at =
            |host, cookie| read(&headers(&[("host", host), ("cookie", cookie)])).map(str::to_owned);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read_at("localhost:1", "a=b; annunciator=x"), some("x"));
        assert_eq!(read_at("hbd.example", "annunciator=x"), None);
        assert_eq!(read_at("hbd.example", "__Host-annunciator=y"), some("y"));
        assert_eq!(read_at("localhost", "annunciatorx=x"), None);
    }

    #[test]
    fn a_cookie_is_bound_to_this_host_and_hidden_from_scripts() {
        let secure = set(Way::Tls, Some("s"));
        assert_eq!(
            secure,
            "__Host-annunciator=s; Max-Age=43200; Path=/; Secure; HttpOnly; SameSite=Strict"
        );
        let plain = set(Way::Loopback, None);
        assert_eq!(
            plain,
            "annunciator=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict"
        );
    }
}
