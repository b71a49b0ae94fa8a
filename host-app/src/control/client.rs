//! The client's end of the control socket.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value as Json;

use super::request::{Answer, MAX_REQUEST_LENGTH, Request};

/// The timeout for requests that the monitor can answer at once.
const SHORT_TIMEOUT: Duration = Duration::from_secs(10);
/// The timeout for messages and reloads. A message is answered when its channels have
/// answered, which takes as long as an attempt: 30 s by default. A reload waits for
/// channels to open.
const LONG_TIMEOUT: Duration = Duration::from_secs(300);

/// An error returned when the monitor did not get a request, or did not carry it out.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No monitor answers.
    #[error("no monitor answers at {}: {source}", path.display())]
    NoMonitor {
        /// The path of the socket.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A process has the socket and does not answer.
    #[error(
        "the monitor at {} does not answer within {} s: is it stopped, or the machine very busy?",
        path.display(),
        timeout.as_secs()
    )]
    Mute {
        /// The path of the socket.
        path: PathBuf,
        /// The timeout that has passed.
        timeout: Duration,
    },
    /// The request is too long.
    #[error(
        "the request would have {0} bytes, and at most {MAX_REQUEST_LENGTH} are allowed: write a shorter text"
    )]
    TooLong(usize),
    /// The connection broke.
    #[error("the monitor's answer was cut off: {0}")]
    CutOff(#[from] io::Error),
    /// The monitor ended before it answered.
    #[error(
        "the monitor ended before it answered: `hbd deliveries` shows what it had recorded by then"
    )]
    Gone,
    /// The answer is invalid.
    #[error("the monitor's answer cannot be understood, perhaps it is of another version: {0}")]
    Odd(#[from] serde_json::Error),
    /// The monitor refused the request.
    #[error("{0}")]
    Refused(String),
    /// The request is wrong.
    #[error("{0}")]
    Wrong(String),
}

/// Sends a request to the monitor behind a control socket, and returns its answer.
///
/// # Errors
/// Returns [`ClientError`] if the monitor did not get the request, or did not carry it out.
pub fn ask(path: &Path, request: &Request) -> Result<Json, ClientError> {
    let timeout = match request {
        Request::Status | Request::Explain { .. } | Request::Silence { .. } => SHORT_TIMEOUT,
        Request::Notify { .. } | Request::Reload => LONG_TIMEOUT,
    };
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    if line.len() > MAX_REQUEST_LENGTH {
        return Err(ClientError::TooLong(line.len()));
    }
    let text = converse(path, &line, timeout)?;
    if text.trim().is_empty() {
        return Err(ClientError::Gone);
    }
    match serde_json::from_str(&text)? {
        Answer::Done(json) => Ok(json),
        Answer::Refused(why) => Err(ClientError::Refused(why)),
        Answer::Wrong(why) => Err(ClientError::Wrong(why)),
    }
}

/// Sends a line and reads the answer to its end.
fn converse(path: &Path, line: &[u8], timeout: Duration) -> Result<String, ClientError> {
    let mut stream = UnixStream::connect(path).map_err(|source| ClientError::NoMonitor {
        path: path.to_owned(),
        source,
    })?;
    let broken = |error: io::Error| match error.kind() {
        // The error of a socket's timeout depends on the system.
        ErrorKind::WouldBlock | ErrorKind::TimedOut => ClientError::Mute {
            path: path.to_owned(),
            timeout,
        },
        _ => ClientError::CutOff(error),
    };
    stream.set_write_timeout(Some(timeout))?;
    stream.set_read_timeout(Some(timeout))?;
    stream.write_all(line).map_err(broken)?;
    let mut text = String::new();
    stream.read_to_string(&mut text).map_err(broken)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_request_that_is_too_long_is_refused_with_the_bound() {
        let request = Request::Explain {
            host: "x".repeat(MAX_REQUEST_LENGTH),
            lines: 1,
        };
        let error = ask(Path::new("none"), &request).unwrap_err().to_string();
        let most = format!("and at most {MAX_REQUEST_LENGTH} are allowed");
        assert!(error.contains(&most), "{error}");
    }

    #[test]
    fn a_monitor_that_says_nothing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        // It never accepts, like a monitor that is stopped.
        let _listener = UnixListener::bind(&path).unwrap();
        let error = converse(&path, b"x\n", Duration::from_millis(10)).unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, ClientError::Mute { .. }), "{said}");
        assert!(said.starts_with("the monitor at /"), "{said}");
        assert!(said.contains("control.sock does not answer"), "{said}");
    }
}
