//! Reads what a client sends, line by line, and sees how the lines end.
//!
//! RFC 5321 sections 2.3.8 and 4.5.3.1: lines end with CR LF and nothing
//! else; a command has at most 512 octets, a text line at most 1000.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// The most octets of a command line, CR LF included (RFC 5321, 4.5.3.1.4);
/// AUTH lines may be longer (RFC 4954, section 4).
pub(super) const COMMAND_MAX: usize = 512;
/// The most octets of an AUTH line (RFC 4954, section 4).
pub(super) const AUTH_MAX: usize = 12_288;
/// The most octets of a text line, CR LF included (RFC 5321, 4.5.3.1.6).
pub(super) const TEXT_MAX: usize = 1000;

/// One line, without its end.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) bytes: Vec<u8>,
    /// Whether it ended with CR LF and held no other CR or LF.
    pub(super) proper: bool,
    /// Octets on the wire, the end included.
    pub(super) octets: usize,
}

/// The next line; `None` at the end of the stream.
pub(super) async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Line>> {
    let mut bytes = Vec::with_capacity(128);
    let octets = stream.read_until(b'\n', &mut bytes).await?;
    if octets == 0 || bytes.last() != Some(&b'\n') {
        return Ok(None);
    }
    bytes.pop();
    let ended = bytes.last() == Some(&b'\r');
    if ended {
        bytes.pop();
    }
    let proper = ended && !bytes.contains(&b'\r') && !bytes.contains(&0);
    Ok(Some(Line {
        bytes,
        proper,
        octets,
    }))
}
