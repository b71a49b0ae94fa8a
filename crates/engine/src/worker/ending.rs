//! How a worker ended, for sentences.

use std::{fmt, os::unix::process::ExitStatusExt as _, process::ExitStatus};

use super::frame::FrameError;

/// How a worker ended. Its text continues "the worker process of plugin X".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending(String);

/// The signals that end a process whose code is at fault.
const SIGNALS: [(i32, &str); 8] = [
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (11, "SIGSEGV"),
    (31, "SIGSYS"),
];

impl Ending {
    pub(super) fn of(status: ExitStatus) -> Self {
        let Some(signal) = status.signal() else {
            let code = status.code().unwrap_or_default();
            return Self(format!("exited with status {code}"));
        };
        let known = SIGNALS.iter().find(|(number, _)| *number == signal);
        let name = known.map_or_else(String::new, |(_, name)| format!(" ({name})"));
        Self(format!("was ended by signal {signal}{name}"))
    }

    pub(super) fn closed() -> Self {
        Self("closed its connection".to_owned())
    }

    pub(super) fn stuck() -> Self {
        Self("did not let go of a call that was over, and was killed".to_owned())
    }

    pub(super) fn told_to() -> Self {
        Self("was told to end".to_owned())
    }

    pub(super) fn asked_too_much() -> Self {
        Self("asked for too much at once, and was killed".to_owned())
    }

    pub(super) fn foreign(speaks: &str) -> Self {
        let speaks: String = speaks.chars().take(100).collect();
        Self(format!(
            "is not of this program's version: it speaks {speaks:?}"
        ))
    }

    pub(super) fn not_started(why: &std::io::Error) -> Self {
        Self(format!("could not be started: {why}"))
    }

    pub(super) fn late() -> Self {
        Self("did not start in time, and was killed".to_owned())
    }

    /// What it answered makes no sense.
    pub(super) fn confused() -> Self {
        Self::from(&FrameError::Garbled)
    }

    pub(super) fn not_opened(detail: &str) -> Self {
        Self(format!("could not open the channel again: {detail}"))
    }
}

impl From<&FrameError> for Ending {
    fn from(error: &FrameError) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_told_by_its_name() {
        let ended = |status| Ending::of(ExitStatus::from_raw(status)).to_string();
        assert_eq!(ended(11), "was ended by signal 11 (SIGSEGV)");
        assert_eq!(ended(64), "was ended by signal 64");
        assert_eq!(ended(3 << 8), "exited with status 3");
    }
}
