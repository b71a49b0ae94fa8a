//! The control socket: the API for users of this machine.

use std::{path::Path, sync::Arc};

use annunciator_web::{Server, SocketError, Web};

use super::routes::{Subject, routes};

/// An error returned when the control socket cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Another monitor answers at the socket.
    #[error("another monitor answers at the control socket {}: stop it, or set another `monitor.control`", .0.display())]
    InUse(std::path::PathBuf),
    /// The path is not a socket.
    #[error("{} is not a socket: give `monitor.control` a path of its own", .0.display())]
    NoSocket(std::path::PathBuf),
    /// The socket cannot be made, for another reason.
    #[error("{0}")]
    Other(String),
}

impl From<SocketError> for ControlError {
    fn from(error: SocketError) -> Self {
        match error {
            SocketError::InUse(path) => Self::InUse(path),
            SocketError::NoSocket(path) => Self::NoSocket(path),
            other => {
                let sentence = other.to_string();
                Self::Other(sentence.replacen("the socket", "the control socket", 1))
            }
        }
    }
}

/// Serves the API at the control socket.
///
/// # Errors
/// Returns [`ControlError`] if the socket cannot be opened.
pub fn start(path: &Path, subject: Subject) -> Result<Server, ControlError> {
    let engine = subject.monitor.engine().clone();
    let web = Web::new(engine, "the monitor").routes(routes(Arc::new(subject)));
    Ok(Server::at_socket(path, web.router())?)
}
