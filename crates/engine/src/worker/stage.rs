//! The stage of a worker's start. By it, a process recognises that it is a worker.

use std::{env, os::fd::AsFd as _};

use rustix::net::{
    AddressFamily, SocketType,
    sockopt::{socket_domain, socket_type},
};

/// The only argument of a worker.
pub(super) const ARGUMENT: &str = "--annunciator-worker";
/// The environment variable that contains the [`Stage`].
pub(super) const STAGE_VARIABLE: &str = "ANNUNCIATOR_WORKER";

/// The stage of a worker's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Started by its program, with everything that the program could not withhold from it.
    Started,
    /// Executed again, with only what it needs.
    Confined,
}

impl Stage {
    /// Returns the value of [`STAGE_VARIABLE`].
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Confined => "confined",
        }
    }

    /// Returns the stage of this process, or `None` if it is not a worker. Both the variable and
    /// the argument are required, because a shell may have the variable.
    pub(super) fn of_this_process() -> Option<Self> {
        let mut arguments = env::args_os().skip(1);
        let is_asked = arguments.next().is_some_and(|first| first == ARGUMENT);
        let said = env::var_os(STAGE_VARIABLE)?;
        let stages = [Self::Started, Self::Confined];
        let stage = stages.into_iter().find(|stage| said == stage.as_str())?;
        (is_asked && arguments.next().is_none()).then_some(stage)
    }
}

/// Returns whether the standard input is the socket to the program. In a worker that works it is
/// not any more, so that an engine that a plugin embeds is not refused.
pub(super) fn has_socket() -> bool {
    let stdin = std::io::stdin();
    let stdin = stdin.as_fd();
    socket_domain(stdin).is_ok_and(|domain| domain == AddressFamily::UNIX)
        && socket_type(stdin).is_ok_and(|kind| kind == SocketType::STREAM)
}
