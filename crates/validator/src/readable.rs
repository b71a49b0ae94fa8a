//! Which of the examination's deliveries a request belongs to, in whichever encoding its service
//! wants texts: plain, in a form, in base64, in hexadecimal digits, quoted-printable, compressed,
//! or several of these.

use std::{collections::BTreeSet, io::Read as _};

use annunciator_core::services::HttpRequestV1;
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Returns a text that contains its delivery's number, which no other text contains.
pub(crate) fn numbered(number: usize) -> String {
    format!("message number-{number:04}-")
}

/// The texts before and after the four digits of a number.
const BEFORE: &[u8] = b"number-";
const BEHIND: u8 = b'-';

/// The maximum depth of nested encodings.
const MAX_DEPTH: usize = 4;
/// The maximum size of a request that is searched: larger ones are not messages of the
/// examination.
const MAX_BYTES: usize = 1 << 20;
/// The minimum length of an encoded text: shorter runs are words.
const MIN_RUN_LENGTH: usize = 16;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: [GeneralPurpose; 2] = [
    GeneralPurpose::new(&alphabet::STANDARD, LENIENT),
    GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT),
];

/// Returns the numbers of the deliveries whose texts are in a request.
pub(crate) fn numbers(request: &HttpRequestV1) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let headers = request.headers.iter();
    let parts = headers
        .map(|header| header.value.as_bytes())
        .chain([request.url.as_bytes(), request.body.as_slice()]);
    let mut left = MAX_BYTES;
    let mut waiting: Vec<(usize, Vec<u8>)> = parts.map(|part| (0, part.to_vec())).collect();
    while let Some((depth, bytes)) = waiting.pop() {
        let Some(less) = left.checked_sub(bytes.len()) else {
            continue;
        };
        left = less;
        found.extend(plain(&bytes));
        if depth < MAX_DEPTH {
            let inner = decoded(&bytes).into_iter();
            waiting.extend(inner.map(|bytes| (depth + 1, bytes)));
        }
    }
    found
}

/// Returns the numbers in a plain text.
fn plain(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let width = BEFORE.len() + 5;
    let windows = bytes.windows(width);
    windows.filter_map(|window| {
        let digits = window.strip_prefix(BEFORE)?.strip_suffix(&[BEHIND])?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    })
}

/// Returns the texts of which this may be the encoding, without those that equal it.
fn decoded(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![escaped(bytes, b'%'), escaped(bytes, b'=')];
    all.extend(inflated(bytes));
    // Mail has line breaks.
    let whole: Vec<u8> = bytes
        .iter()
        .copied()
        .filter(|byte| !b"\r\n".contains(byte))
        .collect();
    let is_of_run = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    for run in whole.split(|byte| !is_of_run(byte)) {
        if run.len() < MIN_RUN_LENGTH {
            continue;
        }
        all.extend(BASE64.iter().filter_map(|base64| base64.decode(run).ok()));
        all.extend(hexadecimal(run));
    }
    all.retain(|other| !other.is_empty() && other != bytes);
    all.dedup();
    all
}

/// Decodes bytes that are two hexadecimal digits after a mark: `%` in addresses and forms, `=` in
/// quoted-printable.
fn escaped(bytes: &[u8], mark: u8) -> Vec<u8> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|one| u8::try_from(one).ok())
    };
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        let byte = match more {
            [high, low, ..] if *first == mark => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    rest = &more[2..];
                    Some(high * 16 + low)
                }
                // A soft line break.
                _ if mark == b'=' && *high == b'\r' && *low == b'\n' => {
                    rest = &more[2..];
                    None
                }
                _ => Some(*first),
            },
            _ if mark == b'%' && *first == b'+' => Some(b' '),
            _ => Some(*first),
        };
        out.extend(byte);
    }
    out
}

fn hexadecimal(run: &[u8]) -> Option<Vec<u8>> {
    let digits = run.chunks_exact(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    digits.collect()
}

/// Decompresses gzip or zlib, recognised by their first bytes (RFC 1952, RFC 1950).
fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    // The beginning counts, even if the end is damaged.
    let _ = match bytes {
        [0x1f, 0x8b, ..] => flate2::read::GzDecoder::new(bytes)
            .take(most)
            .read_to_end(&mut out),
        [0x78, ..] => flate2::read::ZlibDecoder::new(bytes)
            .take(most)
            .read_to_end(&mut out),
        _ => return None,
    };
    Some(out)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use annunciator_core::ffi::{RString, RVec};
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn request(url: &str, body: &[u8]) -> HttpRequestV1 {
        HttpRequestV1 {
            method: "POST".into(),
            url: url.into(),
            headers: RVec::new(),
            body: body.into(),
            timeout_ms: 0,
            max_response_bytes: 0,
            follow_redirects: false,
            ca_file: RString::new(),
            extension_json: RString::new(),
        }
    }

    fn of_body(body: &[u8]) -> Vec<usize> {
        numbers(&request("https://a.example/", body))
            .into_iter()
            .collect()
    }

    fn base64(text: &[u8]) -> String {
        base64::prelude::BASE64_STANDARD.encode(text)
    }

    #[test]
    fn texts_are_found_in_every_encoding_and_in_one_within_another() {
        let text = numbered(42);
        let escaped: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let quoted = escaped.replace('%', "=").replacen("=6E", "=\r\n=6E", 1);
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
        zipped
            .write_all(format!("text={escaped}").as_bytes())
            .unwrap();
        let zipped = zipped.finish().unwrap();
        let inner = base64(format!("{{\"text\": \"{text}\"}}").as_bytes());
        let url_safe = inner.replace('+', "-").replace('/', "_").replace('=', "");
        let in_lines = format!("{}\r\n{}", &inner[..20], &inner[20..]);
        for body in [
            text.clone(),
            format!("a=b&text={escaped}"),
            format!("text={}", text.replace(' ', "+")),
            quoted,
            format!("{{\"raw\": \"{hex}\"}}"),
            format!("{{\"payload\": \"{inner}\"}}"),
            format!("payload={url_safe}"),
            in_lines,
            format!(
                "payload={}",
                base64(&zipped).replace('+', "%2B").replace('/', "%2F")
            ),
        ] {
            assert_eq!(of_body(body.as_bytes()), [42], "{body}");
        }
        assert_eq!(of_body(&zipped), [42]);
        let url = format!("https://a.example/send?text={escaped}");
        assert_eq!(
            numbers(&request(&url, b"")).into_iter().collect::<Vec<_>>(),
            [42]
        );
    }

    #[test]
    fn what_is_no_text_of_a_delivery_is_not_found() {
        for body in [
            "",
            "number-12-",
            "number-00x1-",
            "%",
            "=%%=",
            "78",
            "x\u{9c}",
        ] {
            assert_eq!(of_body(body.as_bytes()), [0; 0], "{body}");
        }
        let both = format!("{} {}", numbered(1), numbered(99));
        assert_eq!(of_body(both.as_bytes()), [1, 99]);
    }

    #[test]
    fn a_body_that_unfolds_without_end_is_bounded() {
        let mut zipped = GzEncoder::new(Vec::new(), Compression::best());
        zipped.write_all(&vec![b'7'; 4 * MAX_BYTES]).unwrap();
        assert_eq!(of_body(&zipped.finish().unwrap()), [0; 0]);
    }
}
