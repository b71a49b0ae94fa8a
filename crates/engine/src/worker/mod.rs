//! Worker processes: plugins run out of process, so that one that crashes ends neither the
//! program nor another channel.
//!
//! A worker is the embedding program (or another one that has this engine),
//! executed again with one argument. It loads the same bytes of the plugin that
//! were verified, and is spoken to over a socket that is its standard input:
//! frames of a private protocol between equal builds. Everything the plugin asks
//! of its host is asked of the program, so that it behaves as if it ran there.
//!
//! # Environment
//! A worker has no privileges and nothing of its program's that it does not need: of
//! its environment the variables that say where things are and how they are written
//! (`PATH`, `HOME`, `TMPDIR`, `USER`, `LOGNAME`, `LANG`, `LC_*`, `TZ`, `TZDIR`, `XDG_DATA_HOME` and its like,
//! `SSL_CERT_FILE`, `SSL_CERT_DIR`, `LD_LIBRARY_PATH`, `JAVA_HOME`, `JDK_HOME`), and those that
//! [`WorkerProgram::variable`] names.
//!
//! # Inside
//! `message` and `frame` are the protocol, `process` starts a worker, `live` is
//! one that runs, `pending_calls` and `connection` are how it is spoken to, `host_calls`
//! carries out what its plugin calls, `supervisor` starts another one where it ends, and
//! `out_of_process` is what there is to know of a plugin that is not loaded here.
//! `stage` is how a process knows that it is a worker, `entry` what its program calls
//! then, and `child` what happens in the worker itself.

mod child;
mod connection;
mod ending;
mod entry;
mod frame;
mod host_calls;
mod live;
mod message;
mod out_of_process;
mod output;
mod pending_calls;
mod process;
mod program;
mod restart_backoff;
mod stage;
mod supervisor;

pub(crate) use entry::refuse_in_worker;
pub use entry::run_if_asked;
pub(crate) use out_of_process::OutOfProcess;
pub use program::{WorkerError, WorkerProgram};
pub(crate) use supervisor::{ProviderContext, Supervisor, WORKERS_ENDED};
