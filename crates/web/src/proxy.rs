//! A proxy in front of the server, which says who sends a request, from where, and how.
//!
//! What it says is in headers that anybody may write. They are believed if the connection comes
//! from one of the proxy's addresses, which the kernel knows, and nowhere else.

use std::{collections::BTreeMap, net::IpAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::scope::Scope;

/// Where a request came from before the proxy.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Whether it came there through TLS.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The name of whoever is not named: all whom the proxy has let in.
pub const EVERYBODY: &str = "*";
/// The maximum length of a user's name, in bytes.
const MAX_NAME_LENGTH: usize = 128;

/// A proxy in front of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    from: Vec<IpNet>,
    /// The header with the name of whoever has logged in there.
    user: Option<HeaderName>,
    users: BTreeMap<String, Scope>,
}

/// Who has logged in at the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProxyUser {
    /// Somebody of this name, who may do this.
    Known(String, Scope),
    /// Somebody to whom nothing is granted.
    Unknown(String),
    /// A header that names nobody, or several.
    Unclear,
}

impl Proxy {
    /// Describes a proxy that connects from one of these networks. It says from where a request
    /// comes, and whether through TLS.
    #[must_use]
    pub fn new(from: Vec<IpNet>) -> Self {
        Self {
            from,
            user: None,
            users: BTreeMap::new(),
        }
    }

    /// Has the proxy name whoever has logged in there, in this header. It has to set the header
    /// in every request, so that nobody else can.
    #[must_use]
    pub fn user(mut self, header: HeaderName) -> Self {
        self.user = Some(header);
        self
    }

    /// Grants a scope to a user of the proxy, or by the name [`EVERYBODY`] to all others.
    #[must_use]
    pub fn grant(mut self, name: impl Into<String>, scope: Scope) -> Self {
        self.users.insert(name.into(), scope);
        self
    }

    /// Returns whether an address is the proxy's.
    pub(crate) fn is_at(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.from.iter().any(|net| net.contains(&ip))
    }

    /// Removes the header that names a user, for a request that the proxy has not sent.
    pub(crate) fn strip(&self, headers: &mut HeaderMap) {
        for name in [&FORWARDED_FOR, &FORWARDED_PROTO]
            .into_iter()
            .chain(&self.user)
        {
            headers.remove(name);
        }
    }

    /// Returns from where the proxy says that a request came: the last address that is not a
    /// proxy's own, since whoever sends a request may write any before it.
    pub(crate) fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let lines = headers.get_all(FORWARDED_FOR).iter();
        let texts = lines.map(|line| line.to_str().unwrap_or_default());
        let entries: Vec<&str> = texts.flat_map(|text| text.split(',')).collect();
        let mut origin = peer;
        for entry in entries.into_iter().rev() {
            let Some(ip) = address(entry) else {
                break;
            };
            origin = ip;
            if !self.is_at(ip) {
                break;
            }
        }
        origin
    }

    /// Returns whether the proxy says that a request came to it through TLS.
    pub(crate) fn is_encrypted(headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all(FORWARDED_PROTO).iter();
        let last = lines.next_back().and_then(|line| line.to_str().ok());
        let last = last.and_then(|text| text.rsplit(',').next());
        last.is_some_and(|text| text.trim().eq_ignore_ascii_case("https"))
    }

    /// Returns who has logged in at the proxy; `None` if it does not say.
    pub(crate) fn whoever(&self, headers: &HeaderMap) -> Option<ProxyUser> {
        let mut lines = headers.get_all(self.user.as_ref()?).iter();
        let line = lines.next()?;
        // Of two lines, one may be whoever's who sent the request.
        let name = line.to_str().ok().filter(|_| lines.next().is_none());
        let name = name.map(str::trim).filter(|name| {
            // The proxy sends an empty one for somebody who has not logged in.
            name.len() <= MAX_NAME_LENGTH && *name != EVERYBODY
        });
        Some(match name {
            None => ProxyUser::Unclear,
            Some("") => return None,
            Some(name) => {
                let scope = self.users.get(name).or_else(|| self.users.get(EVERYBODY));
                match scope {
                    Some(scope) => ProxyUser::Known(name.to_owned(), scope.clone()),
                    None => ProxyUser::Unknown(name.to_owned()),
                }
            }
        })
    }
}

/// Returns the address in an entry of `X-Forwarded-For`, which may have a port.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>().ok();
    address.or_else(|| Some(entry.parse::<std::net::SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const USER: HeaderName = HeaderName::from_static("x-forwarded-user");

    fn proxy() -> Proxy {
        let from = ["127.0.0.1/32", "10.1.0.0/16"].map(|net| net.parse().unwrap());
        Proxy::new(from.to_vec())
            .user(USER)
            .grant("anna", Scope::Act)
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_proxy_is_known_by_its_address_also_where_ipv4_is_written_as_ipv6() {
        for (ip, is) in [
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("10.1.255.1", true),
            ("10.2.0.1", false),
            ("::1", false),
        ] {
            assert_eq!(proxy().is_at(ip.parse().unwrap()), is, "{ip}");
        }
    }

    #[test]
    fn the_origin_is_what_the_proxy_added_and_not_what_somebody_wrote_before() {
        let peer = IpAddr::from([127, 0, 0, 1]);
        let origin = |pairs: &[(&'static str, &'static str)]| {
            proxy().origin(peer, &headers(pairs)).to_string()
        };
        let name = "x-forwarded-for";
        assert_eq!(origin(&[(name, "203.0.113.7")]), "203.0.113.7");
        assert_eq!(origin(&[(name, "192.0.2.1, 203.0.113.7")]), "203.0.113.7");
        assert_eq!(
            origin(&[(name, "192.0.2.1"), (name, "203.0.113.7")]),
            "203.0.113.7"
        );
        // Through two proxies.
        assert_eq!(origin(&[(name, "203.0.113.7, 10.1.2.3")]), "203.0.113.7");
        assert_eq!(origin(&[(name, "[2001:db8::1]:443")]), "2001:db8::1");
        assert_eq!(origin(&[(name, "unknown")]), "127.0.0.1");
        assert_eq!(origin(&[(name, "203.0.113.7, unknown")]), "127.0.0.1");
        assert_eq!(origin(&[]), "127.0.0.1");
    }

    #[test]
    fn a_user_is_named_once_and_may_do_what_is_granted() {
        let whoever = |pairs: &[(&'static str, &'static str)]| proxy().whoever(&headers(pairs));
        let name = "x-forwarded-user";
        let anna = ProxyUser::Known("anna".to_owned(), Scope::Act);
        assert_eq!(whoever(&[(name, "anna")]), Some(anna));
        let bob = ProxyUser::Unknown("bob".to_owned());
        assert_eq!(whoever(&[(name, "bob")]), Some(bob));
        assert_eq!(whoever(&[(name, "")]), None);
        assert_eq!(whoever(&[]), None);
        let unclear = Some(ProxyUser::Unclear);
        assert_eq!(whoever(&[(name, "anna"), (name, "bob")]), unclear);
        assert_eq!(whoever(&[(name, "*")]), unclear);
        let open = proxy().grant(EVERYBODY, Scope::Read);
        let bob = ProxyUser::Known("bob".to_owned(), Scope::Read);
        assert_eq!(open.whoever(&headers(&[(name, "bob")])), Some(bob));
    }

    #[test]
    fn only_the_last_proxy_says_whether_a_request_is_encrypted() {
        let said = |pairs: &[(&'static str, &'static str)]| Proxy::is_encrypted(&headers(pairs));
        let name = "x-forwarded-proto";
        assert!(said(&[(name, "https")]) && said(&[(name, "http, HTTPS")]));
        assert!(!said(&[]) && !said(&[(name, "http")]) && !said(&[(name, "https, http")]));
    }
}
