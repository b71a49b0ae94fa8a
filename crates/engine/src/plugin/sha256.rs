//! The SHA-256 of bytes.

use std::fmt;

use ring::digest::{SHA256, digest};

/// The SHA-256 of a file. Displayed, it is in hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut sha256 = Self([0; 32]);
        sha256.0.copy_from_slice(digest(&SHA256, bytes).as_ref());
        sha256
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
