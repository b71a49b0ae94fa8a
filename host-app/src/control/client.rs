//! Another program's end of the control socket.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value as Json;

use super::request::{Answer, LONGEST_REQUEST, Request};

/// A message is answered when its channels have answered, which may take as
/// long as an attempt may: 30 s unless the configuration says otherwise.
const PATIENCE: Duration = Duration::from_secs(300);

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
    /// It is too much to say at once.
    #[error(
        "the request would have {0} bytes, and {LONGEST_REQUEST} are the most: write a shorter text"
    )]
    TooLong(usize),
    /// The connection broke.
    #[error("the monitor's answer was cut off: {0}")]
    CutOff(#[from] io::Error),
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
    let no_monitor = |source| ClientError::NoMonitor {
        path: path.to_owned(),
        source,
    };
    let mut stream = UnixStream::connect(path).map_err(no_monitor)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    if line.len() > LONGEST_REQUEST {
        return Err(ClientError::TooLong(line.len()));
    }
    stream.write_all(&line)?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    match serde_json::from_str(&text)? {
        Answer::Done(json) => Ok(json),
        Answer::Refused(why) => Err(ClientError::Refused(why)),
    }
}
