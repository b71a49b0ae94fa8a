//! The position of a datagram's signature: its last 75 bytes. Since it is always there, the
//! signed bytes need no canonical form.

use data_encoding::HEXLOWER;

use crate::key::{Key, TAG_BYTES};

/// The bytes before the signature, and after it.
const BEFORE: &[u8] = br#","hmac":""#;
const AFTER: &[u8] = br#""}"#;

/// The number of bytes that a signature adds to a datagram.
const ADDED: usize = BEFORE.len() + 2 * TAG_BYTES + AFTER.len() - 1;

/// A datagram that ends with a signature, which is not verified yet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Signed<'a> {
    /// The signed bytes.
    pub(crate) bytes: &'a [u8],
    /// The signature.
    pub(crate) tag: [u8; TAG_BYTES],
}

impl<'a> Signed<'a> {
    /// Splits a datagram; `None` if it does not end with a signature.
    pub(crate) fn split(datagram: &'a [u8]) -> Option<Self> {
        let rest = datagram.strip_suffix(AFTER)?;
        let (rest, hex) = rest.split_last_chunk::<{ 2 * TAG_BYTES }>()?;
        let bytes = rest.strip_suffix(BEFORE)?;
        let mut tag = [0; TAG_BYTES];
        HEXLOWER.decode_mut(hex, &mut tag).ok()?;
        Some(Self { bytes, tag })
    }
}

/// Signs a datagram: replaces its closing brace by the signature.
pub(crate) fn append(datagram: &mut Vec<u8>, key: &Key) {
    datagram.pop();
    let tag = key.sign(datagram);
    datagram.reserve(ADDED + 1);
    datagram.extend_from_slice(BEFORE);
    datagram.extend_from_slice(HEXLOWER.encode(tag.as_ref()).as_bytes());
    datagram.extend_from_slice(AFTER);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_the_end_is_that_of_a_signed_datagram() {
        let hex = "0123456789abcdef".repeat(4);
        let datagram = format!(r#"{{"a":1,"hmac":"{hex}"}}"#);
        let signed = Signed::split(datagram.as_bytes()).unwrap();
        assert_eq!(signed.bytes, br#"{"a":1"#);
        assert_eq!(signed.tag[..3], [0x01, 0x23, 0x45]);
        let suffix = datagram.len() - signed.bytes.len();
        assert_eq!((suffix, ADDED), (75, 74));
    }

    #[test]
    fn when_the_end_is_another() {
        let hex = "0123456789abcdef".repeat(4);
        for datagram in [
            String::new(),
            "{}".into(),
            format!(r#"{{"a":1,"hmac":"{hex}"}} "#),
            format!(r#"{{"a":1, "hmac":"{hex}"}}"#).replace(",", ""),
            format!(r#"{{"a":1,"hmac": "{hex}"}}"#),
            format!(r#"{{"a":1,"hmac":"{}"}}"#, hex.to_uppercase()),
            format!(r#"{{"a":1,"hmac":"{}"}}"#, &hex[1..]),
            format!(r#"{{"a":1,"hmac":"{}g"}}"#, &hex[1..]),
        ] {
            assert_eq!(Signed::split(datagram.as_bytes()), None, "{datagram}");
        }
    }
}
