//! The program that is executed as a worker, and how a process knows that it is
//! one.

use std::{
    env,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::net::{
    AddressFamily, SendFlags, SocketType, send,
    sockopt::{socket_domain, socket_type},
};

use super::{ending::Ending, frame::encode, inside, message::ToHost};

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
    fn of_this_process() -> Option<Self> {
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
fn has_socket() -> bool {
    let stdin = std::io::stdin();
    let stdin = stdin.as_fd();
    socket_domain(stdin).is_ok_and(|domain| domain == AddressFamily::UNIX)
        && socket_type(stdin).is_ok_and(|kind| kind == SocketType::STREAM)
}

/// The program that runs plugins in processes of their own. It calls
/// [`run_if_asked`] first thing in its `main`, and has the same version of this
/// engine.
#[derive(Debug, Clone)]
pub struct WorkerProgram {
    path: PathBuf,
    variables: Vec<String>,
    /// Why no worker of it will ever work, as far as is known.
    misuse: Arc<Mutex<Option<Ending>>>,
    /// One of its workers was ready once.
    has_worked: Arc<AtomicBool>,
}

impl PartialEq for WorkerProgram {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.variables == other.variables
    }
}

impl Eq for WorkerProgram {}

/// The running program, also when its file was replaced meanwhile.
const THIS: &str = "/proc/self/exe";

impl WorkerProgram {
    /// The running program. It is the same also when its file was replaced
    /// meanwhile.
    #[must_use]
    pub fn this() -> Self {
        Self::at(THIS)
    }

    /// Another program, by its path.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            variables: Vec::new(),
            misuse: Arc::default(),
            has_worked: Arc::default(),
        }
    }

    /// Lets workers have this variable of the program's environment too, besides
    /// those that [every worker has](crate::worker#environment). Every channel's
    /// plugin can read it: a secret belongs into a channel's settings.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>) -> Self {
        self.variables.push(name.into());
        self
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Variables that its workers have too.
    pub(super) fn variables(&self) -> &[String] {
        &self.variables
    }

    /// Takes note of how a worker ended before it came to its work.
    pub(super) fn note(&self, ending: &Ending) {
        // Another program may be mended at any time; this one is what it is, and one
        // whose workers have worked calls what it has to.
        let is_unasked = ending.is_unasked()
            && self.path == Path::new(THIS)
            && !self.has_worked.load(Ordering::Relaxed);
        let is_certain = ending.is_misuse() || is_unasked;
        if is_certain {
            self.slot().get_or_insert_with(|| ending.clone());
        }
    }

    /// Takes note of a worker that is ready.
    pub(super) fn note_ready(&self) {
        self.has_worked.store(true, Ordering::Relaxed);
    }

    /// Why there is no use in starting another worker.
    pub(super) fn misuse(&self) -> Option<Ending> {
        self.slot().clone()
    }

    /// Forgets what was known: it is to be tried again.
    pub(crate) fn doubt(&self) {
        *self.slot() = None;
    }

    /// # Errors
    /// [`WorkerError`] when it became known that none of its workers works.
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

/// The program is not embedded as workers need it. The text says what to call, and
/// where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WorkerError(String);

/// Refuses what would start workers in a worker, each of which would start others,
/// and tells the program that has started this one.
///
/// # Errors
/// [`WorkerError`] in a process that was started as a worker and did not become one.
pub(crate) fn refuse_in_worker() -> Result<(), WorkerError> {
    match Stage::of_this_process() {
        // Whoever asks is confined; and at work when the socket is in use.
        None => return Ok(()),
        Some(Stage::Confined) if !has_socket() => return Ok(()),
        Some(_) => {}
    }
    if has_socket()
        && let Ok(frame) = encode(&ToHost::NotReady(NotReady::Unasked))
    {
        // Whoever is gone needs no answer.
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let _ = send(std::io::stdin(), &frame, flags);
    }
    Err(WorkerError(
        "this process was started as a worker, to run one plugin for the program that started it, and has begun the program's own work instead: call `annunciator::worker::run_if_asked()` first thing in `main`, before arguments are read, threads are started, or an engine is"
            .to_owned(),
    ))
}

/// Why a worker did not come to its work, as it says itself.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) enum NotReady {
    /// Its program never asked whether it is one.
    Unasked,
    /// It could not prepare itself.
    Unprepared(String),
}

/// Runs a plugin for the program that has started this one, where it was started
/// for that, and then does not return. To be called first thing in `main`: before
/// arguments are read, threads are started, or anything is written. What a program
/// does before it is done in every worker, twice.
///
/// It may be called with a runtime around it, as in a `main` under
/// `#[tokio::main]`; the worker does without that runtime.
///
/// # Examples
/// ```
/// // The first line of `main`.
/// annunciator::worker::run_if_asked();
/// ```
pub fn run_if_asked() {
    if let Some(stage) = Stage::of_this_process()
        && has_socket()
    {
        inside::run(stage);
    }
}
