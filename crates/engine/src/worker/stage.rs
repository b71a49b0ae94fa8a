//! The stage of a worker's start, by which a process knows that it is a worker.

use std::{env, os::fd::AsFd as _};

use rustix::net::{
    AddressFamily, SocketType,
    sockopt::{socket_domain, socket_type},
};

/// The only argument of a worker.
pub(super) const ARGUMENT: &str = "--annunciator-worker";
/// The variable of its environment that says how far it is, as a [`Stage`].
pub(super) const STAGE_VARIABLE: &str = "ANNUNCIATOR_WORKER";

/// How far a worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// As its program started it, with what that could not keep from it.
    Started,
    /// Executed again with nothing but what it needs.
    Confined,
}

impl Stage {
    /// The value of [`STAGE_VARIABLE`].
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Confined => "confined",
        }
    }

    /// What this process was started as; `None` where it is no worker. A
    /// variable alone, as a shell may have it, or the argument alone makes none.
    pub(super) fn of_this_process() -> Option<Self> {
        let mut arguments = env::args_os().skip(1);
        let is_asked = arguments.next().is_some_and(|first| first == ARGUMENT);
        let said = env::var_os(STAGE_VARIABLE)?;
        let stages = [Self::Started, Self::Confined];
        let stage = stages.into_iter().find(|stage| said == stage.as_str())?;
        (is_asked && arguments.next().is_none()).then_some(stage)
    }
}

/// Whether the standard input is the socket that a worker is spoken to over. In a
/// worker that has come to its work it is not any more, so that what a plugin
/// embeds is a program of its own.
pub(super) fn has_socket() -> bool {
    let stdin = std::io::stdin();
    let stdin = stdin.as_fd();
    socket_domain(stdin).is_ok_and(|domain| domain == AddressFamily::UNIX)
        && socket_type(stdin).is_ok_and(|kind| kind == SocketType::STREAM)
}
