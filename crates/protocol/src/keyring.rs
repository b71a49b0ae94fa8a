//! The keys of a monitor: which hosts must sign, and with which keys.

use std::collections::{HashMap, HashSet};

use compact_str::CompactString;
use foldhash::fast::RandomState;

use crate::{
    datagram::Event,
    key::{Key, KeyError},
    reject::Reject,
    signature::Signed,
};

/// The keys that a monitor accepts, by id.
///
/// Several keys may apply to one host at the same time, so that a new key can be
/// distributed before the old one is removed.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: HashMap<CompactString, Key, RandomState>,
    /// The hosts that have keys of their own.
    hosts: HashSet<CompactString, RandomState>,
    /// Whether a key applies to all hosts.
    shared: bool,
}

impl Keyring {
    /// Creates a keyring of these keys.
    ///
    /// # Errors
    ///
    /// Returns [`KeyError::Twice`] if two keys have the same id.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Result<Self, KeyError> {
        let mut ring = Self::default();
        for key in keys {
            match key.hosts() {
                Some(hosts) => ring.hosts.extend(hosts.iter().cloned()),
                None => ring.shared = true,
            }
            if let Some(twice) = ring.keys.insert(key.id().into(), key) {
                return Err(KeyError::Twice(twice.id().into()));
            }
        }
        Ok(ring)
    }

    /// Returns whether the keyring has no keys, so that no host signs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns whether this host must sign, since a key applies to it: its own or a shared
    /// one.
    #[must_use]
    pub fn signs(&self, host: &str) -> bool {
        self.shared || self.hosts.contains(host)
    }

    /// Checks whether a datagram without a signature is acceptable.
    pub(crate) fn admit_plain(&self, host: &str, event: &Event) -> Result<(), Reject> {
        if matches!(event, Event::Shutdown { .. }) && !self.is_empty() {
            return Err(Reject::UnsignedShutdown);
        }
        if self.signs(host) {
            return Err(Reject::Unsigned);
        }
        Ok(())
    }

    /// Checks whether a datagram with a signature is acceptable.
    pub(crate) fn admit_signed(
        &self,
        host: &str,
        id: &str,
        signed: &Signed<'_>,
    ) -> Result<(), Reject> {
        let key = self
            .keys
            .get(id)
            .filter(|key| key.applies_to(host))
            .ok_or(Reject::UnknownKey)?;
        if key.verifies(signed.bytes, &signed.tag) {
            Ok(())
        } else {
            Err(Reject::WrongSignature)
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn key(id: &str) -> Key {
        Key::new(id, &SecretString::from("canary-canary-canary")).unwrap()
    }

    #[test]
    fn when_there_is_no_key() {
        let ring = Keyring::default();
        assert!(ring.is_empty());
        assert!(!ring.signs("web-01"));
    }

    #[test]
    fn when_a_key_is_shared() {
        let ring = Keyring::new([key("k1")]).unwrap();
        assert!(!ring.is_empty());
        assert!(ring.signs("web-01"));
    }

    #[test]
    fn when_keys_are_of_named_hosts() {
        let ring = Keyring::new([
            key("k1").for_hosts(["web-01"]),
            key("k2").for_hosts(["web-01", "db-01"]),
        ])
        .unwrap();
        assert!(ring.signs("web-01") && ring.signs("db-01"));
        assert!(!ring.signs("web-02"));
    }

    #[test]
    fn when_two_keys_have_one_id() {
        let error = Keyring::new([key("k1"), key("k1").for_hosts(["a"])]).unwrap_err();
        assert!(error.to_string().starts_with("two keys have the id k1"));
    }
}
