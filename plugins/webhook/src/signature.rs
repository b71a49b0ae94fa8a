//! The keyed hash by which a service verifies the body.

use data_encoding::{BASE64, HEXLOWER};
use hmac::{Hmac, digest::KeyInit};
use sha2::{Sha256, Sha512};

use crate::config::{Algorithm, Encoding, Signature};

impl Signature {
    /// Returns the headers that sign a body that is sent at this time.
    pub(crate) fn headers(&self, body: &[u8], unix_seconds: u64) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        let stamp = self.timestamp_header.as_ref().map(|header| {
            headers.push((header.clone(), unix_seconds.to_string()));
            format!("{unix_seconds}.")
        });
        let stamp = stamp.unwrap_or_default();
        let key = self.key.expose().as_bytes();
        let parts = [stamp.as_bytes(), body];
        let hash = match self.algorithm {
            Algorithm::Sha256 => hash::<Hmac<Sha256>>(key, parts),
            Algorithm::Sha512 => hash::<Hmac<Sha512>>(key, parts),
        };
        let hash = match self.encoding {
            Encoding::Hex => HEXLOWER.encode(&hash),
            Encoding::Base64 => BASE64.encode(&hash),
        };
        headers.push((self.header.clone(), format!("{}{hash}", self.prefix)));
        headers
    }
}

fn hash<M: hmac::Mac + KeyInit>(key: &[u8], parts: [&[u8]; 2]) -> Vec<u8> {
    // A keyed hash accepts keys of any length, so this does not fail.
    let Ok(mut mac) = <M as hmac::Mac>::new_from_slice(key) else {
        return Vec::new();
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use annunciator_sdk::Secret;

    use super::*;

    fn signature(algorithm: Algorithm, encoding: Encoding, stamped: bool) -> Signature {
        Signature {
            key: Secret::new("Jefe".to_owned()),
            header: "X-Signature".to_owned(),
            prefix: "v=".to_owned(),
            algorithm,
            encoding,
            timestamp_header: stamped.then(|| "X-Time".to_owned()),
        }
    }

    /// The second test case of RFC 4231.
    #[test]
    fn a_signature_is_that_of_the_standard() {
        let body = b"what do ya want for nothing?";
        let sha256 = signature(Algorithm::Sha256, Encoding::Hex, false);
        let expected = "v=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(
            sha256.headers(body, 1),
            [("X-Signature".into(), expected.into())]
        );
        let sha512 = signature(Algorithm::Sha512, Encoding::Hex, false);
        let headers = sha512.headers(body, 1);
        assert!(
            headers[0]
                .1
                .starts_with("v=164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd6")
        );
    }

    #[test]
    fn the_time_is_signed_if_it_is_sent() {
        let plain = signature(Algorithm::Sha256, Encoding::Base64, false);
        let stamped = signature(Algorithm::Sha256, Encoding::Base64, true);
        let headers = stamped.headers(b"body", 17);
        assert_eq!(headers[0], ("X-Time".into(), "17".into()));
        assert_eq!(headers[1], plain.headers(b"17.body", 0)[0]);
    }
}
