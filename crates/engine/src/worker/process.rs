//! Starts a worker: one socket, which is its standard input, over which it is
//! also given the plugin's image.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
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

use super::program::{ARGUMENT, WorkerProgram};

/// The byte that a descriptor comes with.
const WITH: [u8; 1] = *b"a";

/// Starts a worker and hands it an image. Runs in a runtime.
pub(super) fn start(
    program: &WorkerProgram,
    image: BorrowedFd<'_>,
) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = Blocking::pair()?;
    let child = Command::new(program.path())
        .arg0("annunciator-worker")
        .arg(ARGUMENT)
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // What is typed at the program's terminal is for the program.
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
        // It is gone already, which is seen when it is listened to.
        Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => Ok(()),
        sent => Ok(sent.map(drop)?),
    }
}

/// Takes the image, in the worker.
pub(super) fn take_over(socket: &Blocking) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut with = WITH;
    let mut into = [IoSliceMut::new(&mut with)];
    recvmsg(
        socket.as_fd(),
        &mut into,
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let mut descriptors = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let descriptor = descriptors.next();
    descriptor.ok_or_else(|| io::Error::other("no image came with the first message"))
}
