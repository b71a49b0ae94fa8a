//! End-to-end encryption: <https://pushover.net/api#e2ee>.
//!
//! Each text is compressed, encrypted and authenticated by itself, with the key that a person has
//! typed into the app. Nothing falls back to clear text: if the encryption fails, the message
//! fails.

use std::io::Write as _;

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockEncryptMut as _, KeyIvInit as _};
use annunciator_sdk::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// The length of a key, in bytes. It is written as twice as many hexadecimal digits.
const KEY_BYTES: usize = 32;
const BLOCK: usize = 16;
const MAC_BYTES: usize = 32;

/// The encryption key of a channel.
pub(crate) struct Key(Secret<[u8; KEY_BYTES]>);

/// The error for a text that cannot be encrypted, with the reason for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotEncrypted(pub(crate) &'static str);

impl Key {
    /// Parses 64 hexadecimal digits, with or without blanks around them. Returns `None` for
    /// anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().as_bytes();
        if digits.len() != 2 * KEY_BYTES {
            return None;
        }
        let mut key = [0; KEY_BYTES];
        for (byte, pair) in key.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).ok()?;
            if !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(Secret::new(key)))
    }

    /// Encrypts a text, and returns it in Base64.
    ///
    /// # Errors
    /// [`NotEncrypted`], if there are no random numbers, or the text cannot be compressed.
    pub(crate) fn encrypt(&self, text: &str) -> Result<String, NotEncrypted> {
        let mut start = [0; BLOCK];
        getrandom::fill(&mut start)
            .map_err(|_| NotEncrypted("this machine provides no random numbers"))?;
        let key = self.0.expose();
        let cipher = cbc::Encryptor::<Aes256>::new(key.into(), (&start).into());
        let mut sealed = start.to_vec();
        sealed.extend(cipher.encrypt_padded_vec_mut::<Pkcs7>(&compress(text)?));
        let mut mac = Hmac::<Sha256>::new_from_slice(key)
            .map_err(|_| NotEncrypted("the key has the wrong length"))?;
        mac.update(&sealed);
        sealed.extend(mac.finalize().into_bytes());
        Ok(STANDARD.encode(sealed))
    }
}

/// Returns whether a text, once encrypted, fits into a parameter of `limit` characters.
pub(crate) fn fits(text: &str, limit: usize) -> bool {
    let Ok(compressed) = compress(text) else {
        return false;
    };
    let padded = (compressed.len() / BLOCK + 1) * BLOCK;
    (BLOCK + padded + MAC_BYTES).div_ceil(3) * 4 <= limit
}

fn compress(text: &str) -> Result<Vec<u8>, NotEncrypted> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(text.as_bytes());
    written
        .and_then(|()| encoder.finish())
        .map_err(|_| NotEncrypted("the text could not be compressed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_text_is_not_a_key_it_is_refused() {
        assert!(Key::parse(&"aF".repeat(32)).is_some());
        for text in [
            "",
            "your-key",
            &"g".repeat(64),
            &"a".repeat(63),
            &"+1".repeat(32),
        ] {
            assert!(Key::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn when_a_text_is_encrypted_twice_the_results_differ_and_are_as_long_as_computed() {
        let key = Key::parse(&"0f".repeat(32)).unwrap();
        let (one, two) = (
            key.encrypt("disk full").unwrap(),
            key.encrypt("disk full").unwrap(),
        );
        assert_ne!(one, two);
        assert!(fits("disk full", one.len()));
        assert!(!fits("disk full", one.len() - 1));
    }
}
