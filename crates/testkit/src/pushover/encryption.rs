//! Decryption of what a client has encrypted: <https://pushover.net/api#e2ee>.

use std::io::Read as _;

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut as _, KeyIvInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

const BLOCK: usize = 16;
const MAC_BYTES: usize = 32;

/// Decrypts a text, if it was encrypted with this key and not changed.
pub(super) fn open(key: &[u8; 32], sealed: &str) -> Option<String> {
    let sealed = STANDARD.decode(sealed).ok()?;
    let signed = sealed.get(..sealed.len().checked_sub(MAC_BYTES)?)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(signed);
    mac.verify_slice(sealed.get(signed.len()..)?).ok()?;
    let start: [u8; BLOCK] = signed.get(..BLOCK)?.try_into().ok()?;
    let cipher = cbc::Decryptor::<Aes256>::new(key.into(), (&start).into());
    let compressed = cipher
        .decrypt_padded_vec_mut::<Pkcs7>(signed.get(BLOCK..)?)
        .ok()?;
    let mut text = String::new();
    GzDecoder::new(compressed.as_slice())
        .read_to_string(&mut text)
        .ok()?;
    Some(text)
}
