//! The ending of a worker, in words for people.

use std::{fmt, os::unix::process::ExitStatusExt as _, process::ExitStatus};

use super::{frame::FrameError, message::NotReady};

/// The function that a worker's program must call, for sentences that end with it.
const TO_BE_CALLED: &str = "`annunciator::worker::run_if_asked()`, which must be called first thing in the `main` of its program";

/// The ending of a worker. Displayed, it continues a sentence that begins "the worker process of
/// plugin X".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    text: String,
    blame: Blame,
}

/// What an ending shows about the worker's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blame {
    /// Nothing.
    None,
    /// The program exited by itself.
    Left,
    /// The program exited before it called [`run_if_asked`](super::run_if_asked).
    Unasked,
    /// The program never calls that function, as the worker itself reported.
    Misuse,
}

/// The signals that end a process because of a bug in its code.
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
    fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            blame: Blame::None,
        }
    }

    pub(super) fn of(status: ExitStatus) -> Self {
        let Some(signal) = status.signal() else {
            let code = status.code().unwrap_or_default();
            return Self {
                text: format!("exited with status {code}"),
                blame: Blame::Left,
            };
        };
        let known = SIGNALS.iter().find(|(number, _)| *number == signal);
        let name = known.map_or_else(String::new, |(_, name)| format!(" ({name})"));
        Self::new(format!("was ended by signal {signal}{name}"))
    }

    pub(super) fn closed() -> Self {
        Self {
            text: "closed its connection".to_owned(),
            blame: Blame::Left,
        }
    }

    pub(super) fn stuck() -> Self {
        Self::new("kept a call after its end, and was killed")
    }

    pub(super) fn requested() -> Self {
        Self::new("was asked to end")
    }

    pub(super) fn asked_too_much() -> Self {
        Self::new("asked for too much at once, and was killed")
    }

    pub(super) fn foreign(speaks: &str) -> Self {
        let speaks: String = speaks.chars().take(100).collect();
        Self::new(format!(
            "is not of this program's version: it speaks {speaks:?}"
        ))
    }

    pub(super) fn not_started(why: &std::io::Error) -> Self {
        Self::new(format!("could not be started: {why}"))
    }

    pub(super) fn late() -> Self {
        Self::new(format!(
            "did not begin its work in time, and was killed: it begins by {TO_BE_CALLED}"
        ))
    }

    /// Returns the ending of a worker that sent an invalid answer.
    pub(super) fn confused() -> Self {
        Self::from(&FrameError::Garbled)
    }

    pub(super) fn not_opened(detail: &str) -> Self {
        Self::new(format!("could not open the channel again: {detail}"))
    }

    /// Returns the ending that the worker itself reported.
    pub(super) fn not_ready(why: NotReady) -> Self {
        match why {
            NotReady::Unasked => Self {
                text: format!(
                    "began to start an engine of its own and had not called {TO_BE_CALLED}"
                ),
                blame: Blame::Misuse,
            },
            NotReady::Unprepared(why) => {
                let why: String = why.chars().take(500).collect();
                Self::new(format!("could not prepare itself: {why}"))
            }
        }
    }

    /// Returns the same ending for a worker that was not ready yet.
    pub(super) fn before_it_was_ready(self) -> Self {
        if self.blame != Blame::Left {
            return self;
        }
        Self {
            text: format!("{} before it called {TO_BE_CALLED}", self.text),
            blame: Blame::Unasked,
        }
    }

    /// Returns whether the worker's program never calls the required function.
    pub(super) fn is_misuse(&self) -> bool {
        self.blame == Blame::Misuse
    }

    /// Returns whether the program exited before it called that function.
    pub(super) fn is_unasked(&self) -> bool {
        self.blame == Blame::Unasked
    }
}

impl From<&FrameError> for Ending {
    fn from(error: &FrameError) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_described_by_its_name() {
        let ended = |status| Ending::of(ExitStatus::from_raw(status)).to_string();
        assert_eq!(ended(11), "was ended by signal 11 (SIGSEGV)");
        assert_eq!(ended(64), "was ended by signal 64");
        assert_eq!(ended(3 << 8), "exited with status 3");
    }

    #[test]
    fn only_what_its_program_did_is_the_program_s_fault() {
        let killed = Ending::of(ExitStatus::from_raw(9)).before_it_was_ready();
        assert_eq!(killed.to_string(), "was ended by signal 9 (SIGKILL)");
        assert!(!killed.is_unasked());
        let left = Ending::of(ExitStatus::from_raw(2 << 8)).before_it_was_ready();
        assert!(left.is_unasked() && !left.is_misuse());
        assert!(left.to_string().contains("run_if_asked()"), "{left}");
        let late = Ending::late().before_it_was_ready();
        assert!(!late.is_unasked());
        assert!(Ending::not_ready(NotReady::Unasked).is_misuse());
    }
}
