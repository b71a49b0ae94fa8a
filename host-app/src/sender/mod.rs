//! The sender: tells a monitor that this machine is alive, what it measures,
//! and when it boots and goes down.
//!
//! It waits in one place, for whichever comes first of a deadline and a word
//! from its threads: signals, the resolver of names, and the sampler, each of
//! which may block without holding up a heartbeat.

mod addresses;
mod arguments;
mod boot;
mod composer;
mod counter;
mod disks;
mod ending;
mod happening;
mod link;
mod memory;
mod plan;
mod repeat;
mod sampler;
mod server;
mod session;

use std::io::{self, IsTerminal as _, Write as _};

use tracing::level_filters::LevelFilter;

pub use arguments::SenderArguments;
pub use ending::Ending;
use plan::Plan;
use session::Session;

/// Does what the arguments say, until it is done or a signal ends it.
#[must_use]
pub fn run(arguments: &SenderArguments) -> Ending {
    install_log(arguments.verbose);
    let ending = Plan::new(arguments)
        .and_then(Session::start)
        .and_then(|session| session.run());
    ending.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr().lock(), "error: {error}");
        error.ending()
    })
}

/// The log, on standard error: only what somebody should see to, unless more is
/// wanted.
fn install_log(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    // Another log may be installed already, in an embedding program.
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .try_init();
}
