//! How the sender ended, and its errors.

use std::{io, process::ExitCode};

use annunciator_protocol::{EncodeError, KeyError};
use thiserror::Error;

/// How the sender ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It sent everything.
    Done,
    /// Something could not be sent.
    Failed,
    /// The call has a mistake.
    Wrong,
    /// A signal of this number ended it.
    Interrupted(u8),
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(match ending {
            Ending::Done => 0,
            Ending::Failed => 1,
            Ending::Wrong => 2,
            // The convention of shells.
            Ending::Interrupted(signal) => 128 + signal,
        })
    }
}

/// The sender's errors. Each sentence says what to do next.
#[derive(Debug, Error)]
pub(super) enum SendError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("this cannot be sent: {0}")]
    Datagram(#[from] EncodeError),
    #[error("--metric names {0} twice")]
    MetricTwice(String),
    #[error("this machine has no name that can be sent\nhelp: give it one with --host NAME")]
    NoHost,
    #[error(
        "/proc/sys/kernel/random/boot_id, which names this boot, cannot be read: {0}\nhelp: hbc needs Linux with /proc mounted"
    )]
    NoBoot(io::Error),
    #[error("this program could not start: {0}")]
    Start(io::Error),
    #[error("nothing was sent to {server}: {reason}")]
    NotSent { server: String, reason: String },
}

impl SendError {
    /// Returns how the sender ends with this error.
    pub(super) fn ending(&self) -> Ending {
        match self {
            Self::Key(_) | Self::Datagram(_) | Self::MetricTwice(_) | Self::NoHost => Ending::Wrong,
            Self::NoBoot(_) | Self::Start(_) | Self::NotSent { .. } => Ending::Failed,
        }
    }
}
