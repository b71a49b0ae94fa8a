//! The sender: announces to a monitor that this machine is alive, with its metrics, and
//! when it boots and shuts down.
//!
//! It waits in one place, for a deadline or an event of its threads: signals, the resolver,
//! and the sampler. Each of these may block without delaying a heartbeat.

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

/// Runs the sender with these arguments until it is done or a signal ends it.
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

/// Installs the log on standard error: only what needs attention, unless more is requested.
fn install_log(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    // An embedding program may have installed another log.
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .try_init();
}
