//! Starts a worker process. Its standard input is a socket, over which it also receives the
//! plugin's image.

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{BorrowedFd, OwnedFd},
        unix::net::UnixStream as Blocking,
    },
    process::Stdio,
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use tokio::{
    net::UnixStream,
    process::{Child, Command},
};

use super::{
    program::WorkerProgram,
    stage::{ARGUMENT, STAGE_VARIABLE, Stage},
};

/// The variables of the program's environment that every worker has: those by which a process finds
/// its libraries, programs, files, certificates, language and time. `docs/plugins.md` describes
/// what each is for.
const INHERITED: [&str; 33] = [
    "HOME",
    "JAVA_HOME",
    "JDK_HOME",
    "LANG",
    "LANGUAGE",
    // The categories of locale(7), each by name: sshd accepts any variable with this prefix.
    "LC_ADDRESS",
    "LC_ALL",
    "LC_COLLATE",
    "LC_CTYPE",
    "LC_IDENTIFICATION",
    "LC_MEASUREMENT",
    "LC_MESSAGES",
    "LC_MONETARY",
    "LC_NAME",
    "LC_NUMERIC",
    "LC_PAPER",
    "LC_TELEPHONE",
    "LC_TIME",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "PATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "TZDIR",
    "USER",
    // The variables of the XDG Base Directory Specification.
    "XDG_CACHE_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
];

fn is_inherited(name: &OsStr) -> bool {
    INHERITED.iter().any(|inherited| name == *inherited)
}

fn environment(program: &WorkerProgram) -> impl Iterator<Item = (OsString, OsString)> {
    let named = program.variables();
    env::vars_os().filter(move |(name, _)| {
        is_inherited(name) || named.iter().any(|named| OsStr::new(named) == name)
    })
}

/// The byte with which a descriptor is sent.
const WITH: [u8; 1] = *b"a";

/// Starts a worker and sends it an image. Must be called in a runtime.
pub(super) fn start(
    program: &WorkerProgram,
    image: BorrowedFd<'_>,
) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = Blocking::pair()?;
    let child = Command::new(program.path())
        .arg0("annunciator-worker")
        .arg(ARGUMENT)
        // The program's own variables may contain the secrets of every channel.
        .env_clear()
        .envs(environment(program))
        .env(STAGE_VARIABLE, Stage::Started.as_str())
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Signals from the program's terminal are for the program only.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    hand_over(&ours, image)?;
    ours.set_nonblocking(true)?;
    Ok((child, UnixStream::from_std(ours)?))
}

fn hand_over(socket: &Blocking, descriptor: BorrowedFd<'_>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor];
    if !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("a descriptor does not fit its message"));
    }
    let with = [IoSlice::new(&WITH)];
    match sendmsg(socket, &with, &mut ancillary, SendFlags::NOSIGNAL) {
        // The worker is gone already, which its connection detects.
        Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => Ok(()),
        sent => Ok(sent.map(drop)?),
    }
}

/// Receives the image, in the worker.
pub(super) fn take_over(socket: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut with = WITH;
    let mut into = [IoSliceMut::new(&mut with)];
    recvmsg(socket, &mut into, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let mut descriptors = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let descriptor = descriptors.next();
    descriptor.ok_or_else(|| io::Error::other("no image came with the first message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_has_no_variable_that_is_not_every_channel_s_business() {
        for name in ["PATH", "HOME", "LC_ALL", "SSL_CERT_FILE", "JAVA_HOME"] {
            assert!(is_inherited(OsStr::new(name)), "{name}");
        }
        for name in [
            "SMTP_PASSWORD",
            "PUSHOVER_TOKEN",
            "CREDENTIALS_DIRECTORY",
            "HTTPS_PROXY",
            "LD_PRELOAD",
            "NOTIFY_SOCKET",
            "PATHOLOGICAL",
        ] {
            assert!(!is_inherited(OsStr::new(name)), "{name}");
        }
    }
}
