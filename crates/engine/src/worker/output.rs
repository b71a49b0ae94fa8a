//! Logs what a worker writes to its standard output and error.

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::line::printable;

/// The maximum length of a logged line, in bytes. The rest is truncated.
const MAX_LINE_LENGTH: usize = 1000;
/// The maximum number of logged lines of one worker.
const MAX_LINES: usize = 1000;

/// Reads to the end of a stream, and logs its lines. Reads everything, so that the worker never
/// blocks on writing.
pub(super) async fn log(mut from: impl AsyncRead + Unpin, channel: &str, stream: &str) {
    let (mut chunk, mut line, mut lines) = ([0; 4096], Vec::new(), 0_usize);
    let log_line = |line: &mut Vec<u8>, lines: &mut usize| {
        let text = String::from_utf8_lossy(line);
        let text = text.trim();
        if !text.is_empty() && *lines < MAX_LINES {
            tracing::warn!(channel, "on its {stream}: {}", printable(text));
        } else if *lines == MAX_LINES {
            tracing::warn!(channel, "further output on its {stream} is not logged");
        }
        *lines += 1;
        line.clear();
    };
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        for byte in chunk.iter().take(read) {
            if *byte == b'\n' {
                log_line(&mut line, &mut lines);
            } else if line.len() < MAX_LINE_LENGTH {
                line.push(*byte);
            }
        }
    }
    if !line.is_empty() {
        log_line(&mut line, &mut lines);
    }
}
