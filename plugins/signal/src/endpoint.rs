//! The endpoint of a running daemon, parsed from the setting `rpc`.

use std::path::PathBuf;

/// The path of JSON-RPC over HTTP (signal-cli's manual, `daemon --http`).
const RPC_PATH: &str = "/api/v1/rpc";

/// The error for an address with a login. Like all of these errors, it does not repeat the value.
const LOGIN: &str = "must not contain a user name or a password: the daemon has no authentication";

/// The endpoint of a daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// A unix socket.
    Unix(PathBuf),
    /// A TCP port, as `host:port`.
    Tcp(String),
    /// The URL of JSON-RPC over HTTP.
    Http(String),
}

impl Endpoint {
    /// Parses the setting `rpc`. The error says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.starts_with('/') {
                Ok(Self::Unix(PathBuf::from(path)))
            } else {
                Err("has no absolute path")
            };
        }
        if let Some(address) = text.strip_prefix("tcp://") {
            let address = address.trim_end_matches('/');
            let port = address
                .rsplit_once(':')
                .map(|(_, port)| port.parse::<u16>());
            return match port {
                _ if address.contains('@') => Err(LOGIN),
                Some(Ok(port)) if port > 0 => Ok(Self::Tcp(address.to_owned())),
                _ => Err("has no port"),
            };
        }
        let rest = text
            .strip_prefix("http://")
            .or_else(|| text.strip_prefix("https://"));
        match rest.map(|rest| rest.split_once('/').unwrap_or((rest, ""))) {
            Some(("", _)) => Err("has no host"),
            Some((host, _)) if host.contains('@') => Err(LOGIN),
            Some((_, "")) => Ok(Self::Http(format!(
                "{}{RPC_PATH}",
                text.trim_end_matches('/')
            ))),
            Some(_) => Ok(Self::Http(text.to_owned())),
            None => Err("is not the address of a daemon"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_parsed_or_refused() {
        let http = |text: &str| Some(Endpoint::Http(text.to_owned()));
        for (text, expected) in [
            ("unix:/run/s", Some(Endpoint::Unix("/run/s".into()))),
            ("unix:///run/s", Some(Endpoint::Unix("/run/s".into()))),
            (
                "tcp://localhost:7583",
                Some(Endpoint::Tcp("localhost:7583".into())),
            ),
            (
                "tcp://[::1]:7583/",
                Some(Endpoint::Tcp("[::1]:7583".into())),
            ),
            ("http://h:1", http("http://h:1/api/v1/rpc")),
            ("http://h:1/", http("http://h:1/api/v1/rpc")),
            ("https://h/x/rpc", http("https://h/x/rpc")),
            ("unix:run", None),
            ("tcp://localhost", None),
            ("tcp://localhost:0", None),
            ("http://", None),
            ("http://u:p@h", None),
            ("tcp://u:p@h:1", None),
            ("localhost:7583", None),
        ] {
            assert_eq!(Endpoint::parse(text).ok(), expected, "{text}");
        }
    }
}
