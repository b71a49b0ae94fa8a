//! Who is at the other end of a connection, and what somebody may do.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use serde::{Deserialize, Serialize, de};
use tokio_util::sync::CancellationToken;

/// The other end of a connection, as this machine's kernel knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Peer {
    /// A process on this machine, by the Unix socket.
    Process {
        /// The user that it runs as.
        uid: u32,
    },
    /// Whoever is at this address.
    Remote(SocketAddr),
}

/// Says when the server drains, so that an answer without an end ends. In the extensions of each
/// request that [`Server`](crate::Server) serves.
#[derive(Debug, Clone, Default)]
pub struct Drain(pub CancellationToken);

/// A request came through TLS that ends in this process. [`Server`](crate::Server) adds it to the
/// extensions of each such request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encrypted;

/// Whoever sends a request, as far as the connection says, or a proxy that is believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Client {
    /// Their address; none for a process on this machine.
    pub(crate) ip: Option<IpAddr>,
    /// Whether the request came to this process or to the proxy through TLS.
    pub(crate) is_encrypted: bool,
}

/// How somebody has shown who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Credential {
    /// The kernel says so, at the Unix socket.
    Socket,
    /// By a token.
    Token,
    /// By the session of a browser.
    Session,
    /// A trusted proxy says so.
    Proxy,
}

/// What somebody may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Look at everything.
    Read,
    /// Look, and act: acknowledge, silence, notify, retry, reload.
    Act,
    /// Send events to the source of this name, and nothing else.
    Ingest(String),
}

impl Scope {
    /// Returns the letter of tokens of this scope.
    pub(crate) fn letter(&self) -> char {
        match self {
            Self::Read => 'r',
            Self::Act => 'w',
            Self::Ingest(_) => 'i',
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("read"),
            Self::Act => f.write_str("act"),
            Self::Ingest(source) => write!(f, "ingest:{source}"),
        }
    }
}

/// An error returned when a text names no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write `read`, `act`, or `ingest:` and the name of a source")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        match (text, text.strip_prefix("ingest:")) {
            ("read", _) => Ok(Self::Read),
            ("act", _) => Ok(Self::Act),
            (_, Some(source)) if !source.is_empty() => Ok(Self::Ingest(source.to_owned())),
            _ => Err(UnknownScope),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Whoever sends a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name, for records and for people.
    pub name: String,
    /// What they may do.
    pub scope: Scope,
    /// How they have shown who they are.
    pub credential: Credential,
}

impl Identity {
    /// Returns whether they are a user of this machine, by the Unix socket.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.credential == Credential::Socket
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_as_it_is_written() {
        for scope in [
            Scope::Read,
            Scope::Act,
            Scope::Ingest("alerts:eu".to_owned()),
        ] {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        for text in ["", "all", "ingest:", "Read"] {
            assert_eq!(text.parse::<Scope>(), Err(UnknownScope), "{text}");
        }
    }
}
