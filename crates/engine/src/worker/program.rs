//! The program that is executed as a worker.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::inside;

/// The only argument of a worker.
pub(super) const ARGUMENT: &str = "--annunciator-worker";

/// The program that runs plugins in processes of their own. It calls
/// [`run_if_asked`] first thing in its `main`, and has the same version of this
/// engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerProgram(PathBuf);

impl WorkerProgram {
    /// The running program. It is the same also when its file was replaced
    /// meanwhile.
    #[must_use]
    pub fn this() -> Self {
        Self("/proc/self/exe".into())
    }

    /// Another program, by its path.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

/// Runs a plugin for the program that has started this one, where it was started
/// for that, and then does not return. To be called first thing in `main`: before
/// arguments are read, threads are started, or anything is written.
///
/// # Examples
/// ```
/// // The first line of `main`.
/// annunciator::worker::run_if_asked();
/// ```
pub fn run_if_asked() {
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == ARGUMENT) && arguments.next().is_none() {
        inside::run();
    }
}
