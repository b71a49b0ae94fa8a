//! The log, on standard error.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

/// Installs the log. `HBD_LOG` overrides the level, in the syntax of
/// tracing's filters.
pub(crate) fn install(verbose: u8) {
    let level = match verbose {
        0 => "off",
        1 => "info,annunciator=debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("HBD_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
}
