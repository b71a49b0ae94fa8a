//! The log, on standard error.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use crate::arguments::{Arguments, Command, LogFormat};

/// Installs the log. `HBD_LOG` overrides the level, in the syntax of
/// tracing's filters.
pub(crate) fn install(arguments: &Arguments) {
    let (quiet, format) = match &arguments.command {
        Command::Run(run) => ("info", run.log_format),
        _ => ("off", LogFormat::Text),
    };
    let level = match arguments.verbose {
        0 => quiet,
        1 => "info,annunciator=debug,heartbeat=debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("HBD_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
