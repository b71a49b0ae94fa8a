//! Reads a client's lines, and records how they end.
//!
//! RFC 5321, sections 2.3.8 and 4.5.3.1: lines end with CR LF and nothing else; a command has at
//! most 512 bytes, a text line at most 1000.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// The maximum size of a command line in bytes, with CR LF (RFC 5321, 4.5.3.1.4); AUTH lines may
/// be longer (RFC 4954, section 4).
pub(super) const COMMAND_MAX: usize = 512;
/// The maximum size of an AUTH line in bytes (RFC 4954, section 4).
pub(super) const AUTH_MAX: usize = 12_288;
/// The maximum size of a text line in bytes, with CR LF (RFC 5321, 4.5.3.1.6).
pub(super) const TEXT_MAX: usize = 1000;

/// A line without its end.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) bytes: Vec<u8>,
    /// Whether the line ended with CR LF and contained no other CR or LF.
    pub(super) proper: bool,
    /// The number of bytes on the wire, with the line's end.
    pub(super) octets: usize,
}

/// Reads the next line; `None` at the end of the stream.
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
