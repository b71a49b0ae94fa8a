//! How a host is heard: a connection is of one of these families.

use std::fmt;

use annunciator_protocol::Family;
use serde::{Deserialize, Serialize};

/// How a host is heard on a connection: by datagrams over an address family, or by pings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LinkFamily {
    /// By datagrams over Internet Protocol version 4.
    #[serde(rename = "IPv4")]
    V4,
    /// By datagrams over Internet Protocol version 6.
    #[serde(rename = "IPv6")]
    V6,
    /// By pings over HTTP, whatever the address family.
    #[serde(rename = "ping")]
    Ping,
}

impl LinkFamily {
    /// Every family.
    pub const ALL: [Self; 3] = [Self::V4, Self::V6, Self::Ping];

    /// Returns the name as messages show it, such as `IPv4`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V4 => Family::V4.name(),
            Self::V6 => Family::V6.name(),
            Self::Ping => "ping",
        }
    }

    /// Returns the family of a name; `None` if there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }
}

impl From<Family> for LinkFamily {
    fn from(family: Family) -> Self {
        match family {
            Family::V4 => Self::V4,
            Family::V6 => Self::V6,
        }
    }
}

impl fmt::Display for LinkFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
