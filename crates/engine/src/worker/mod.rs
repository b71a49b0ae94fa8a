//! Worker processes: they run plugins outside of the program, so that a plugin that crashes ends
//! neither the program nor another channel.
//!
//! A worker is the embedding program, or another program that contains this engine, executed again
//! with one argument. It loads exactly those bytes of the plugin that were verified. The program
//! and the worker exchange frames of a private protocol, which requires equal builds, over a socket
//! that is the worker's standard input. Whatever the plugin asks of its host, the program carries
//! out, so that the plugin behaves as if it ran there.
//!
//! # Environment
//! A worker has no privileges. Of the program's environment, it has only the variables that it
//! needs to find files and to format text (`PATH`, `HOME`, `TMPDIR`, `USER`, `LOGNAME`, `LANG`,
//! `LANGUAGE`, `LC_*`, `TZ`, `TZDIR`, `XDG_DATA_HOME` and its like, `SSL_CERT_FILE`,
//! `SSL_CERT_DIR`, `LD_LIBRARY_PATH`, `JAVA_HOME`, `JDK_HOME`), and those that
//! [`WorkerProgram::variable`] names.
//!
//! # Inside
//! `message` and `frame` are the protocol. `process` starts a worker, and `live` is one that runs;
//! `pending_calls` and `connection` exchange messages with it, and `host_calls` carries out what
//! its plugin calls. `supervisor` starts another worker when one ends. `out_of_process` is what is
//! known of a plugin that is not loaded in this process. `stage` recognises whether a process is a
//! worker, `entry` is what its program then calls, and `child` is what happens in the worker
//! itself.

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
