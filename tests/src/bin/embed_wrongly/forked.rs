//! An engine that is there twice: in a process, and in a child that was forked from
//! it. What each call answers in the child stands in the file `forked`.

use std::{error::Error, fmt, fs, time::Duration};

use annunciator::{Engine, Loaded, Route};
use futures_util::FutureExt as _;
use nix::{
    sys::wait::{WaitStatus, waitpid},
    unistd::{ForkResult, fork},
};
use tokio::runtime::Runtime;

/// Forks, and answers whether the engine still works in the parent afterwards.
pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let runtime = Runtime::new()?;
    let builder = Engine::builder("heartbeat.yaml");
    let engine = runtime.block_on(builder.clone().start())?;
    let loaded = builder.load()?;
    // SAFETY: the child calls what asks for the process's number first and does
    // nothing else, writes a file, and ends without any destructor. The other threads
    // of its parent are not in its way: the C library's own locks are whole.
    match unsafe { fork() }? {
        ForkResult::Child => {
            let said = in_child(&engine, loaded).join("\n");
            let written = fs::write("forked", said);
            // SAFETY: it ends the process, and runs nothing that belongs to its
            // parent.
            unsafe { nix::libc::_exit(i32::from(written.is_err())) }
        }
        ForkResult::Parent { child } => {
            let ended = waitpid(child, None)?;
            let report = runtime.block_on(engine.notify_default("hello"))?;
            if ended != WaitStatus::Exited(child, 0) || !report.all_delivered() {
                return Err(format!("{ended:?} {report:?}").into());
            }
            Ok(())
        }
    }
}

/// Calls everything, and polls it once: it must answer at once, since nobody else
/// runs here.
fn in_child(engine: &Engine, loaded: Loaded) -> Vec<String> {
    let names = &["a"][..];
    let drained = engine.shutdown(Duration::from_secs(10)).now_or_never();
    let drained = drained.map(|drained| drained.refused.map_or(Ok(()), Err));
    vec![
        said(engine.notify_host("web", "hello").now_or_never()),
        said(engine.notify_default("hello").now_or_never()),
        said(engine.notify_channels(names, "hello").now_or_never()),
        said(engine.notify_unrecorded(names, "hello").now_or_never()),
        said(
            engine
                .notify_with("b: {type: steady}", "hello")
                .now_or_never(),
        ),
        said(engine.submit(Route::Defaults, "hello", None).now_or_never()),
        said(engine.check(&[]).now_or_never()),
        said(engine.reload(loaded).now_or_never()),
        said(drained),
    ]
}

fn said<T, E: fmt::Display>(answer: Option<Result<T, E>>) -> String {
    match answer {
        None => "it waits".to_owned(),
        Some(Ok(_)) => "it says that all is well".to_owned(),
        Some(Err(error)) => error.to_string(),
    }
}
