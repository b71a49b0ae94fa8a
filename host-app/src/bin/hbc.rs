//! `hbc`: sends this machine's heartbeats to a monitor.
//!
//! Reads the arguments and runs the library's sender.

use std::process::ExitCode;

use clap::Parser as _;
use heartbeat::sender::{self, SenderArguments};

fn main() -> ExitCode {
    sender::run(&SenderArguments::parse()).into()
}
