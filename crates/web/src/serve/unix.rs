//! The Unix socket: makes it so that nobody else can open it at any time, and harms no file that
//! is not its own.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use tokio::net::UnixListener;

/// An error returned when a socket cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// Another process answers at the socket.
    #[error("another program answers at the socket {}", .0.display())]
    InUse(PathBuf),
    /// The path is not a socket.
    #[error("{} is not a socket", .0.display())]
    NoSocket(PathBuf),
    /// The operating system refuses the socket.
    #[error("the socket {} cannot be made: {source}", path.display())]
    System {
        /// The path.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// Listens at a path. A socket at which nobody answers is replaced.
pub(super) fn listen(path: &Path) -> Result<UnixListener, SocketError> {
    let system = |source| SocketError::System {
        path: path.to_owned(),
        source,
    };
    if let Ok(facts) = fs::symlink_metadata(path) {
        if !facts.file_type().is_socket() {
            return Err(SocketError::NoSocket(path.to_owned()));
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(SocketError::InUse(path.to_owned()));
        }
    }
    make_folder(path).map_err(system)?;
    // Created under another name and renamed once it has its mode, so that others can open
    // it at no time.
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let made = PathBuf::from(name);
    let _ = fs::remove_file(&made);
    let listener = UnixListener::bind(&made).map_err(system)?;
    fs::set_permissions(&made, fs::Permissions::from_mode(0o600)).map_err(system)?;
    fs::rename(&made, path).map_err(system)?;
    Ok(listener)
}

/// Creates the socket's folder if it is missing, with access only for the user that this process
/// runs as. The parent folder must exist: any other path is more likely a typing error.
fn make_folder(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !folder.is_dir() => {
            Err(io::Error::new(
                error.kind(),
                format!(
                    "its folder {} does not exist and cannot be made: {error}",
                    folder.display()
                ),
            ))
        }
        _ => Ok(()),
    }
}
