//! The program that is executed as a worker.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::ending::Ending;

/// The program that is executed as worker processes.
///
/// It must call [`run_if_asked`](crate::worker::run_if_asked) first in its `main`, and be built
/// with the same version of this engine.
#[derive(Debug, Clone)]
pub struct WorkerProgram {
    path: PathBuf,
    variables: Vec<String>,
    /// The reason why no worker of the program can ever work, if known.
    misuse: Arc<Mutex<Option<Ending>>>,
    /// Whether one of its workers has been ready.
    has_worked: Arc<AtomicBool>,
}

impl PartialEq for WorkerProgram {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.variables == other.variables
    }
}

impl Eq for WorkerProgram {}

/// The running program, even if its file was replaced meanwhile.
const THIS: &str = "/proc/self/exe";

impl WorkerProgram {
    /// Returns the running program, even if its file has been replaced since it started.
    #[must_use]
    pub fn this() -> Self {
        Self::at(THIS)
    }

    /// Returns the program at this path.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            variables: Vec::new(),
            misuse: Arc::default(),
            has_worked: Arc::default(),
        }
    }

    /// Passes a variable of the program's environment to workers, besides those that [every worker
    /// has](crate::worker#environment).
    ///
    /// The plugins of all channels can read it. Put secrets into the settings of a channel instead.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>) -> Self {
        self.variables.push(name.into());
        self
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the names of the additional variables that its workers have.
    pub(super) fn variables(&self) -> &[String] {
        &self.variables
    }

    /// Records how a worker ended before it was ready.
    pub(super) fn note(&self, ending: &Ending) {
        // Another program may be replaced at any time. This one cannot be, and if workers of it
        // have been ready, it calls the entry point.
        let is_unasked = ending.is_unasked()
            && self.path == Path::new(THIS)
            && !self.has_worked.load(Ordering::Relaxed);
        let is_certain = ending.is_misuse() || is_unasked;
        if is_certain {
            self.slot().get_or_insert_with(|| ending.clone());
        }
    }

    /// Records that a worker was ready.
    pub(super) fn note_ready(&self) {
        self.has_worked.store(true, Ordering::Relaxed);
    }

    /// Returns why starting another worker is of no use, if so.
    pub(super) fn misuse(&self) -> Option<Ending> {
        self.slot().clone()
    }

    /// Clears a misuse that was found, so that the next worker is started again.
    pub(crate) fn clear_misuse(&self) {
        *self.slot() = None;
    }

    /// Checks that workers of the program may work.
    ///
    /// # Errors
    /// [`WorkerError`] when it is known that none of its workers works.
    pub(crate) fn check(&self) -> Result<(), WorkerError> {
        match self.misuse() {
            None => Ok(()),
            Some(ending) => Err(WorkerError(format!(
                "this program cannot run plugins in processes of their own: the worker process that it started {ending}"
            ))),
        }
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Ending>> {
        self.misuse.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error when a program is not embedded as workers require. Displayed, it says what to call,
/// and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WorkerError(pub(super) String);
