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

/// Who may open a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// The user that this process runs as, and root.
    OwnUser,
    /// Every user of this machine: the kernel says who asks, so that each request is still
    /// permitted or refused by its user.
    EveryUser,
}

impl Opening {
    /// Returns the modes of the socket and of its folder.
    fn modes(self) -> (u32, u32) {
        match self {
            Self::OwnUser => (0o600, 0o700),
            Self::EveryUser => (0o666, 0o711),
        }
    }
}

/// Listens at a path. A socket at which nobody answers is replaced.
pub(super) fn listen(path: &Path, opening: Opening) -> Result<UnixListener, SocketError> {
    let (mode, folder_mode) = opening.modes();
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
    make_folder(path, folder_mode).map_err(system)?;
    // Created under another name and renamed once it has its mode, so that others can open
    // it at no time.
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let made = PathBuf::from(name);
    let _ = fs::remove_file(&made);
    let listener = UnixListener::bind(&made).map_err(system)?;
    fs::set_permissions(&made, fs::Permissions::from_mode(mode)).map_err(system)?;
    fs::rename(&made, path).map_err(system)?;
    Ok(listener)
}

/// Creates the socket's folder if it is missing, where only this process's user may write. The
/// parent folder must exist: any other path is more likely a typing error.
fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    match DirBuilder::new().mode(mode).create(folder) {
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
