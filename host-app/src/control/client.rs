//! Another program's end of the control socket.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value as Json;

use super::request::{Answer, MAX_REQUEST_LENGTH, Request};

/// What the monitor knows already it says at once.
const SHORT_TIMEOUT: Duration = Duration::from_secs(10);
/// A message is answered when its channels have answered, which may take as
/// long as an attempt may: 30 s unless the configuration says otherwise. A
/// reload waits for channels that are opened.
const LONG_TIMEOUT: Duration = Duration::from_secs(300);

/// The monitor was not asked, or did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers.
    #[error("no monitor answers at {}: {source}", path.display())]
    NoMonitor {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody is there and says nothing.
    #[error(
        "the monitor at {} does not answer within {} s: is it stopped, or the machine very busy?",
        path.display(),
        timeout.as_secs()
    )]
    Mute {
        /// Where.
        path: PathBuf,
        /// How long it was waited for.
        timeout: Duration,
    },
    /// It is too much to say at once.
    #[error(
        "the request would have {0} bytes, and {MAX_REQUEST_LENGTH} are the most: write a shorter text"
    )]
    TooLong(usize),
    /// The connection broke.
    #[error("the monitor's answer was cut off: {0}")]
    CutOff(#[from] io::Error),
    /// It ended meanwhile.
    #[error(
        "the monitor ended before it answered: what it had recorded by then, `hbd deliveries` shows"
    )]
    Gone,
    /// The answer cannot be understood.
    #[error("the monitor's answer cannot be understood, perhaps it is of another version: {0}")]
    Odd(#[from] serde_json::Error),
    /// It was not done.
    #[error("{0}")]
    Refused(String),
}

/// Asks the monitor behind a control socket.
///
/// # Errors
/// [`ClientError`] when it was not asked, or did not do it.
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
    }
}

/// Says a line and hears the answer to its end.
fn converse(path: &Path, line: &[u8], timeout: Duration) -> Result<String, ClientError> {
    let mut stream = UnixStream::connect(path).map_err(|source| ClientError::NoMonitor {
        path: path.to_owned(),
        source,
    })?;
    let broken = |error: io::Error| match error.kind() {
        // What a socket's timeout is called depends on the system.
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
        let most = format!("and {MAX_REQUEST_LENGTH} are the most");
        assert!(error.contains(&most), "{error}");
    }

    #[test]
    fn a_monitor_that_says_nothing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        // It is never accepted, as where the monitor is stopped.
        let _listener = UnixListener::bind(&path).unwrap();
        let error = converse(&path, b"x\n", Duration::from_millis(10)).unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, ClientError::Mute { .. }), "{said}");
        assert!(said.starts_with("the monitor at /"), "{said}");
        assert!(said.contains("control.sock does not answer"), "{said}");
    }
}
