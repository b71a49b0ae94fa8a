//! The entry point of workers: a program calls it first, and becomes a worker if it was started as
//! one.

use rustix::net::{SendFlags, send};

use super::{
    child,
    frame::encode,
    message::{NotReady, ToHost},
    program::WorkerError,
    stage::{Stage, has_socket},
};

/// Runs a plugin if this process was started as a worker, and then does not return; does nothing
/// otherwise.
///
/// Call it first in `main`, before the program reads arguments, starts threads or writes anything:
/// whatever the program does before is done twice in every worker.
///
/// The call may be inside a tokio runtime, such as that of `#[tokio::main]`. A worker does not use
/// that runtime.
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
        child::run(stage);
    }
}

/// Refuses to start an engine in a worker, because its workers would start further ones, and
/// reports that to the program that started the worker.
///
/// # Errors
/// [`WorkerError`] in a process that was started as a worker and did not become one.
pub(crate) fn refuse_in_worker() -> Result<(), WorkerError> {
    match Stage::of_this_process() {
        // A process that called the entry point is confined, and works when the socket is no
        // longer its standard input.
        None => return Ok(()),
        Some(Stage::Confined) if !has_socket() => return Ok(()),
        Some(_) => {}
    }
    if has_socket()
        && let Ok(frame) = encode(&ToHost::NotReady(NotReady::Unasked))
    {
        // If the program is gone, no answer is needed.
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let _ = send(std::io::stdin(), &frame, flags);
    }
    Err(WorkerError(
        "this process was started as a worker, to run one plugin for the program that started it, and has begun the program's own work instead: call `annunciator::worker::run_if_asked()` first thing in `main`, before arguments are read, threads are started, or an engine is"
            .to_owned(),
    ))
}
