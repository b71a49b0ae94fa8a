//! The keys of pings: whoever knows one may ping its hosts.

use std::{fmt, sync::Arc};

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use super::request::PingRequest;

/// The minimum number of characters of a key, as of those that sign datagrams.
pub const MIN_PING_KEY: usize = 16;
/// The maximum number of characters of a key, which stands in an address.
const MAX_PING_KEY: usize = 253;

/// What is wrong with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PingKeyError {
    /// It could be guessed.
    #[error("the key of pings is shorter than {MIN_PING_KEY} characters")]
    TooShort,
    /// It does not fit into an address.
    #[error("the key of pings is longer than {MAX_PING_KEY} characters")]
    TooLong,
    /// It has characters that would be encoded in an address.
    #[error("the key of pings has characters other than letters, digits, `-`, `_`, `.` and `~`")]
    WrongCharacter,
}

/// A key. Only a hash of it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct PingKey {
    hash: [u8; 32],
    /// The hosts that may be pinged with it; `None` for all.
    hosts: Option<Arc<[Box<str>]>>,
}

impl fmt::Debug for PingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PingKey")
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

impl PingKey {
    /// Creates a key for some hosts, or with `None` for all.
    ///
    /// # Errors
    /// Returns [`PingKeyError`] if the key could be guessed or does not fit into an address.
    pub fn new(key: &SecretString, hosts: Option<&[String]>) -> Result<Self, PingKeyError> {
        let key = key.expose_secret();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        if !key.bytes().all(is_plain) {
            return Err(PingKeyError::WrongCharacter);
        }
        match key.len() {
            ..MIN_PING_KEY => return Err(PingKeyError::TooShort),
            MIN_PING_KEY..=MAX_PING_KEY => {}
            _ => return Err(PingKeyError::TooLong),
        }
        Ok(Self {
            hash: hash(key),
            hosts: hosts.map(|hosts| hosts.iter().map(|host| host.as_str().into()).collect()),
        })
    }

    /// Returns whether two keys are the same secret.
    #[must_use]
    pub fn is_same_secret(&self, other: &Self) -> bool {
        self.hash.ct_eq(&other.hash).into()
    }
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// Why a request may not ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PingRefusal {
    /// Nobody knows its key. Whoever asks learns no more than that.
    WrongKey,
    /// The key is for several hosts, and the address names none.
    NoHost,
    /// The key is not for this host.
    OtherHost,
}

/// All keys of a configuration.
#[derive(Debug, Clone, Default)]
pub struct PingKeys(Vec<PingKey>);

impl PingKeys {
    /// Creates a set of keys.
    #[must_use]
    pub fn new(keys: Vec<PingKey>) -> Self {
        Self(keys)
    }

    /// Returns whether there is none, so that nobody may ping.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the host that a request may ping. How long that takes does not depend on which
    /// key was shown, or on how much of one was guessed.
    ///
    /// # Errors
    /// Returns [`PingRefusal`] if the key is wrong, or not one for this host.
    pub fn host_of<'a>(&'a self, request: &'a PingRequest) -> Result<&'a str, PingRefusal> {
        let shown = hash(&request.key);
        let mut found = u64::MAX;
        for (place, key) in (0..).zip(&self.0) {
            let is_it: Choice = key.hash.ct_eq(&shown);
            found.conditional_assign(&place, is_it);
        }
        let found = usize::try_from(found).ok();
        let key = found.and_then(|place| self.0.get(place));
        let key = key.ok_or(PingRefusal::WrongKey)?;
        match (&key.hosts, &request.host) {
            (None, Some(host)) => Ok(host),
            (Some(hosts), Some(host)) => {
                let known = hosts.iter().any(|known| **known == **host);
                known.then_some(&**host).ok_or(PingRefusal::OtherHost)
            }
            (Some(hosts), None) => match &**hosts {
                [host] => Ok(host),
                _ => Err(PingRefusal::NoHost),
            },
            (None, None) => Err(PingRefusal::NoHost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef";

    fn key(text: &str, hosts: Option<&[&str]>) -> Result<PingKey, PingKeyError> {
        let hosts: Option<Vec<String>> =
            hosts.map(|hosts| hosts.iter().map(ToString::to_string).collect());
        PingKey::new(&SecretString::from(text), hosts.as_deref())
    }

    #[test]
    fn a_key_that_could_be_guessed_or_does_not_fit_into_an_address_is_refused() {
        assert!(key(KEY, None).is_ok());
        assert_eq!(key("short", None), Err(PingKeyError::TooShort));
        assert_eq!(key(&"x".repeat(254), None), Err(PingKeyError::TooLong));
        for text in ["0123456789abcde/", "0123456789abcde ", "0123456789abcdeä"] {
            assert_eq!(key(text, None), Err(PingKeyError::WrongCharacter));
        }
    }

    #[test]
    fn a_key_is_good_for_its_hosts_only() {
        let keys = PingKeys::new(vec![
            key(KEY, Some(&["one"])).unwrap(),
            key("fedcba9876543210", Some(&["two", "three"])).unwrap(),
            key("for-all-the-hosts", None).unwrap(),
        ]);
        let host_of = |path: &str| {
            let request = PingRequest::read("GET", path, "").unwrap();
            keys.host_of(&request).map(str::to_owned)
        };
        for (path, expected) in [
            (KEY.to_owned(), Ok("one")),
            (format!("{KEY}/one/start"), Ok("one")),
            (format!("{KEY}/two"), Err(PingRefusal::OtherHost)),
            ("fedcba9876543210/three".into(), Ok("three")),
            ("fedcba9876543210".into(), Err(PingRefusal::NoHost)),
            ("for-all-the-hosts/x".into(), Ok("x")),
            ("for-all-the-hosts".into(), Err(PingRefusal::NoHost)),
            (format!("{KEY}0/one"), Err(PingRefusal::WrongKey)),
            ("0/one".into(), Err(PingRefusal::WrongKey)),
        ] {
            assert_eq!(host_of(&path), expected.map(str::to_owned), "{path}");
        }
    }

    #[test]
    fn a_key_is_in_no_log() {
        let keys = PingKeys::new(vec![key(KEY, None).unwrap()]);
        assert!(!format!("{keys:?}").contains(KEY));
    }
}
