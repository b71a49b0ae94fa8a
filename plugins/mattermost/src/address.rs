//! The server's address, which a person writes in one of several ways as `host`.

use std::net::Ipv6Addr;

use url::{Host, Url};

use crate::style::Scheme;

/// The address of a server, below which all its calls are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address(Url);

/// An error of `host` or `scheme`: the field, what is wrong with it, and what helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadAddress {
    pub(crate) field: &'static str,
    pub(crate) what: &'static str,
    pub(crate) help: &'static str,
}

impl Address {
    /// Parses a name, `name:port`, or an address. `scheme` applies to a host without one; its
    /// default is https.
    ///
    /// # Errors
    /// [`BadAddress`], if `host` is not that of a server, or contradicts `scheme`.
    pub(crate) fn parse(host: &str, scheme: Option<Scheme>) -> Result<Self, BadAddress> {
        let bad = |what| {
            Err(BadAddress {
                field: "host",
                what,
                help: "write the server's name, such as chat.example.com, name:port, or address",
            })
        };
        let host = host.trim();
        let has_scheme = host.contains("://");
        let text = match host.parse::<Ipv6Addr>() {
            _ if has_scheme => host.to_owned(),
            Ok(literal) => format!("{}://[{literal}]", name(scheme)),
            Err(_) => format!("{}://{host}", name(scheme)),
        };
        let Ok(url) = Url::parse(&text) else {
            return bad("is not a server's name or address");
        };
        if !matches!(url.scheme(), "http" | "https") {
            return bad("must be an http or https address");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return bad("must not contain a user or password");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return bad("must not have a query or fragment");
        }
        if url.path().contains("/hooks") {
            return Err(BadAddress {
                field: "host",
                what: "contains the webhook's path",
                help: "keep the part before /hooks/; the part after it is the token",
            });
        }
        if has_scheme && scheme.is_some_and(|scheme| scheme.name() != url.scheme()) {
            return Err(BadAddress {
                field: "scheme",
                what: "contradicts the address in host",
                help: "remove one of them",
            });
        }
        Ok(Self(url))
    }

    /// Returns the address of a path below the server's address. Each segment is percent-encoded.
    pub(crate) fn join(&self, segments: &[&str]) -> String {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url.into()
    }

    /// Returns whether others can read what is sent: over http, and not to this machine.
    pub(crate) fn is_exposed(&self) -> bool {
        let loopback = match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        self.0.scheme() == "http" && !loopback
    }
}

fn name(scheme: Option<Scheme>) -> &'static str {
    scheme.unwrap_or(Scheme::Https).name()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, scheme: Option<Scheme>, expected: Result<&str, &str>) {
        let address = Address::parse(host, scheme);
        let joined = address.map(|address| address.join(&["hooks", "a b"]));
        let seen = joined.as_deref().map_err(|bad| bad.field);
        assert_eq!(seen, expected, "{host}");
    }

    #[test]
    fn when_a_host_is_written_in_any_way_it_is_understood() {
        let http = Some(Scheme::Http);
        check("a.example", None, Ok("https://a.example/hooks/a%20b"));
        check("a.example", http, Ok("http://a.example/hooks/a%20b"));
        check(
            "a.example:8065",
            None,
            Ok("https://a.example:8065/hooks/a%20b"),
        );
        check("http://a.example", None, Ok("http://a.example/hooks/a%20b"));
        check(
            "https://a.example/mm/",
            None,
            Ok("https://a.example/mm/hooks/a%20b"),
        );
        check("127.0.0.1:1", http, Ok("http://127.0.0.1:1/hooks/a%20b"));
        check("::1", None, Ok("https://[::1]/hooks/a%20b"));
        check("[::1]:8065", None, Ok("https://[::1]:8065/hooks/a%20b"));
    }

    #[test]
    fn when_a_text_is_not_a_host_it_is_reported() {
        check("", None, Err("host"));
        check("a b", None, Err("host"));
        check("ftp://a.example", None, Err("host"));
        check("https://a.example/hooks/xyz", None, Err("host"));
        check("https://u:p@a.example", None, Err("host"));
        check("https://a.example?x", None, Err("host"));
        check("https://a.example", Some(Scheme::Http), Err("scheme"));
    }

    proptest::proptest! {
        #[test]
        fn when_host_is_anything_the_token_stays_one_segment(
            host in "\\PC{0,30}",
            token in "\\PC{1,30}",
        ) {
            if let Ok(address) = Address::parse(&host, None) {
                let joined = address.join(&["hooks", &token]);
                let url = Url::parse(&joined);
                proptest::prop_assert!(url.is_ok(), "{}", joined);
                proptest::prop_assert!(!joined.contains('?') && !joined.contains('#'));
            }
        }
    }
}
