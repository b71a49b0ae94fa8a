//! Where a running daemon listens.

use std::path::PathBuf;

/// The path of JSON-RPC over http (signal-cli's manual, `daemon --http`).
const RPC_PATH: &str = "/api/v1/rpc";

/// What is wrong with a login; like all of these, it does not repeat what was written.
const LOGIN: &str = "the daemon knows no user and password";

/// Where a daemon listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// A unix socket.
    Unix(PathBuf),
    /// A tcp port, as `host:port`.
    Tcp(String),
    /// The whole address for http.
    Http(String),
}

impl Endpoint {
    /// Parses the setting `rpc`; the error says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.starts_with('/') {
                Ok(Self::Unix(PathBuf::from(path)))
            } else {
                Err("holds no absolute path")
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
                _ => Err("holds no port"),
            };
        }
        let rest = text
            .strip_prefix("http://")
            .or_else(|| text.strip_prefix("https://"));
        match rest.map(|rest| rest.split_once('/').unwrap_or((rest, ""))) {
            Some(("", _)) => Err("holds no host"),
            Some((host, _)) if host.contains('@') => Err(LOGIN),
            Some((_, "")) => Ok(Self::Http(format!(
                "{}{RPC_PATH}",
                text.trim_end_matches('/')
            ))),
            Some(_) => Ok(Self::Http(text.to_owned())),
            None => Err("is not an address of a daemon"),
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
