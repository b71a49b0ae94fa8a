//! The monitor's name and port, as a person writes them.

use std::{
    fmt, io,
    net::{SocketAddr, ToSocketAddrs as _},
    str::FromStr,
};

/// The address of the monitor. Its name is resolved only when needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MonitorAddress {
    host: String,
    port: u16,
}

impl MonitorAddress {
    /// Resolves the name, which may take long.
    pub(super) fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        Ok((self.host.as_str(), self.port).to_socket_addrs()?.collect())
    }
}

impl FromStr for MonitorAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = text
            .rsplit_once(':')
            .filter(|(host, _)| !host.contains(':') || host.starts_with('['))
            .ok_or("write HOST:PORT, and an IPv6 address in brackets, as in [::1]:9677")?;
        let bare = host
            .strip_prefix('[')
            .map_or(Some(host), |rest| rest.strip_suffix(']'))
            .ok_or("a bracket is missing: write [ADDRESS]:PORT")?;
        if bare.is_empty() || bare.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err("the monitor's name is missing: write HOST:PORT".to_owned());
        }
        match port.parse() {
            Ok(port) if port > 0 => Ok(Self {
                host: bare.to_owned(),
                port,
            }),
            _ => Err(format!(
                "{port:?} is not a port: write a number of 1 to 65535"
            )),
        }
    }
}

impl fmt::Display for MonitorAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_it_names_a_monitor() {
        for text in [
            "monitor:1",
            "monitor.example.org:9677",
            "127.0.0.1:9677",
            "[::1]:65535",
        ] {
            let server: MonitorAddress = text.parse().unwrap();
            assert_eq!(server.to_string(), text);
        }
        let server: MonitorAddress = "[::1]:9677".parse().unwrap();
        let addresses = server.resolve().unwrap();
        assert_eq!(addresses, ["[::1]:9677".parse().unwrap()]);
    }

    #[test]
    fn when_it_names_none() {
        for text in [
            "",
            "monitor",
            ":1",
            "monitor:",
            "monitor:0",
            "monitor:65536",
            "monitor:x",
            "::1",
            "::1:9677",
            "[::1]",
            "[::1:9677",
            "[]:1",
            "mon itor:1",
        ] {
            assert!(text.parse::<MonitorAddress>().is_err(), "{text}");
        }
    }
}
