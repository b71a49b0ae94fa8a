//! The signal-cli stand-in: an executable that is installed as `signal-cli`, and the daemon with
//! its three JSON-RPC transports.
//!
//! Both accept the arguments of 0.13.19, answer as its code does, and follow a script of who gets
//! a message and what fails. No message leaves the machine.

mod answer;
mod arguments;
mod binary;
mod cli;
mod daemon;
mod http;
mod program;
mod request;
mod script;
mod stream;

pub use self::binary::find as find_program;
pub use self::cli::SignalCli;
pub use self::daemon::{EVENTS, SignalDaemon};
pub use self::program::{Call, main as program_main};
pub use self::request::Send;
pub use self::script::{Fault, ResultType, Script, Verdict};
