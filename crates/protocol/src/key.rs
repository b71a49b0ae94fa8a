//! A key that signs datagrams and verifies signatures.
//!
//! The secret is hashed once into the state that makes signatures, and is not stored.

use std::{
    borrow::Cow,
    fmt, io,
    path::{Path, PathBuf},
};

use compact_str::CompactString;
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

use crate::{
    limits::{MAX_KEY_ID_BYTES, MAX_SECRET_BYTES, MIN_SECRET_BYTES},
    name,
};

/// The length of an HMAC-SHA256, in bytes (RFC 2104).
pub(crate) const TAG_BYTES: usize = 32;

/// A symmetric key (HMAC-SHA256) that signs the datagrams of all hosts or of
/// named ones.
///
/// Its `Debug` text does not contain the secret.
#[derive(Clone)]
pub struct Key {
    id: CompactString,
    state: hmac::Key,
    hosts: Option<Box<[CompactString]>>,
}

/// An error returned when a key cannot be read. No message contains a secret.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The id is invalid: see [`name::is_key_id`].
    #[error(
        "this is not the ID of a key: write 1 to {MAX_KEY_ID_BYTES} letters, digits, - or _, such as k1"
    )]
    Id,
    /// The text is empty, or white space alone.
    #[error("the key is empty: write k1:SECRET, with a secret from `openssl rand -hex 32`")]
    Empty,
    /// Neither the text nor the caller gives the key's id.
    #[error(
        "the key has no id: write it before the secret, as in k1:SECRET, or give it with `--key-id`"
    )]
    NoId,
    /// The secret is shorter than [`MIN_SECRET_BYTES`].
    #[error(
        "the secret has {0} bytes, and at least {MIN_SECRET_BYTES} are required: make one with `openssl rand -hex 32`"
    )]
    Short(usize),
    /// The secret is longer than [`MAX_SECRET_BYTES`].
    #[error("the secret is longer than {MAX_SECRET_BYTES} bytes: is this the right file?")]
    Long,
    /// The secret contains control characters, such as a line break, or is not
    /// UTF-8.
    #[error("the secret is not one line of text: is this the right file?")]
    Text,
    /// The file cannot be read.
    #[error("the key file {} cannot be read: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Users other than the owner may read the file.
    #[error(
        "the key file {} may be read by others (mode {mode:03o}): run `chmod 600 {}`, and make a new secret if others had access",
        file.display(), typed(file)
    )]
    Exposed {
        /// The file.
        file: PathBuf,
        /// The file's permission bits.
        mode: u32,
    },
    /// The file's content is not a key.
    #[error("in the key file {}: {source}", file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// What is wrong with the content.
        source: Box<KeyError>,
    },
    /// Two keys have the same id.
    #[error("two keys have the id {0}: each needs its own, so that a datagram names one")]
    Twice(CompactString),
}

impl Key {
    /// Creates a key that applies to all hosts. The secret's bytes are used
    /// unchanged.
    ///
    /// # Errors
    ///
    /// Returns an error if the id is invalid, or the secret is too short, too long
    /// or not one line.
    pub fn new(id: &str, secret: &SecretString) -> Result<Self, KeyError> {
        let secret = secret.expose_secret();
        if !name::is_key_id(id) {
            return Err(KeyError::Id);
        }
        if secret.len() < MIN_SECRET_BYTES {
            return Err(KeyError::Short(secret.len()));
        }
        if secret.len() > MAX_SECRET_BYTES {
            return Err(KeyError::Long);
        }
        if secret.contains(char::is_control) {
            return Err(KeyError::Text);
        }
        Ok(Self {
            id: id.into(),
            state: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()),
            hosts: None,
        })
    }

    /// Parses a key from `ID:SECRET`, or from the secret alone if `id` is given.
    /// White space around the text is ignored.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Key::new`], [`KeyError::Empty`] if there is no text, and
    /// [`KeyError::NoId`] if nothing gives the id.
    pub fn from_text(text: &SecretString, id: Option<&str>) -> Result<Self, KeyError> {
        let text = text.expose_secret().trim();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        let (id, secret) = match id {
            // The file may have the full form nevertheless.
            Some(id) => (
                id,
                text.strip_prefix(id)
                    .and_then(|rest| rest.strip_prefix(':'))
                    .unwrap_or(text),
            ),
            None => text.split_once(':').ok_or(KeyError::NoId)?,
        };
        Self::new(id, &SecretString::from(secret))
    }

    /// Restricts the key to these hosts.
    #[must_use]
    pub fn for_hosts(self, hosts: impl IntoIterator<Item = impl Into<CompactString>>) -> Self {
        let mut hosts: Box<[CompactString]> = hosts.into_iter().map(Into::into).collect();
        hosts.sort_unstable();
        Self {
            hosts: Some(hosts),
            ..self
        }
    }

    /// Returns the key's id, which datagrams carry.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the hosts that the key applies to; `None` means all.
    #[must_use]
    pub fn hosts(&self) -> Option<&[CompactString]> {
        self.hosts.as_deref()
    }

    /// Returns whether the key applies to this host.
    #[must_use]
    pub fn applies_to(&self, host: &str) -> bool {
        self.hosts.as_ref().is_none_or(|hosts| {
            hosts
                .binary_search_by(|known| known.as_str().cmp(host))
                .is_ok()
        })
    }

    /// Computes the signature of these bytes.
    pub(crate) fn sign(&self, bytes: &[u8]) -> hmac::Tag {
        hmac::sign(&self.state, bytes)
    }

    /// Verifies a signature of these bytes in constant time.
    pub(crate) fn verifies(&self, bytes: &[u8], tag: &[u8; TAG_BYTES]) -> bool {
        hmac::verify(&self.state, bytes, tag).is_ok()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

/// Returns a file's path as it is typed in a shell. The only text that cannot be quoted has
/// a NUL byte, and no path has one.
fn typed(file: &Path) -> String {
    let text = file.to_string_lossy();
    shlex::try_quote(&text).map_or_else(|_| "FILE".to_owned(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "canary-canary-canary";

    fn check(text: &str, id: Option<&str>) -> Result<Key, KeyError> {
        let key = Key::from_text(&SecretString::from(text), id);
        assert!(!format!("{key:?}").contains("canary"));
        if let Err(error) = &key {
            assert!(!error.to_string().contains("canary"));
        }
        key
    }

    #[test]
    fn when_the_text_names_the_key() {
        let full = check(&format!("k1:{SECRET}\r\n"), None).unwrap();
        let apart = check(&format!("{SECRET}\n"), Some("k1")).unwrap();
        let both = check(&format!("k1:{SECRET}"), Some("k1")).unwrap();
        for key in [&full, &apart, &both] {
            assert_eq!(key.id(), "k1");
            assert_eq!(key.sign(b"x").as_ref(), full.sign(b"x").as_ref());
        }
        let other = check(&format!("k1:{SECRET}"), Some("k2")).unwrap();
        assert_ne!(other.sign(b"x").as_ref(), full.sign(b"x").as_ref());
    }

    #[test]
    fn when_it_is_no_key() {
        assert!(matches!(check(SECRET, None), Err(KeyError::NoId)));
        for empty in ["", " \n"] {
            assert!(matches!(check(empty, None), Err(KeyError::Empty)));
            assert!(matches!(check(empty, Some("k1")), Err(KeyError::Empty)));
        }
        assert!(matches!(
            check(":canary-canary-canary", None),
            Err(KeyError::Id)
        ));
        assert!(matches!(
            check("k 1:canary-canary-canary", None),
            Err(KeyError::Id)
        ));
        assert!(check("k1:canary-canary-ca", None).is_ok());
        assert!(matches!(
            check("k1:canary-canary-", None),
            Err(KeyError::Short(14))
        ));
        assert!(matches!(
            check("k1:canary-canary\ncanary", None),
            Err(KeyError::Text)
        ));
        let long = format!("k1:canary{}", "x".repeat(MAX_SECRET_BYTES));
        assert!(matches!(check(&long, None), Err(KeyError::Long)));
    }

    #[test]
    fn when_it_counts_for_named_hosts() {
        let key = check("k1:canary-canary-canary", None).unwrap();
        assert!(key.applies_to("anybody"));
        let key = key.for_hosts(["web-02", "web-01"]);
        assert!(key.applies_to("web-01") && key.applies_to("web-02"));
        assert!(!key.applies_to("web-03"));
    }
}
