//! The log on standard error. A monitor never waits for its reader: lines that nobody reads
//! in time are lost and counted.

use std::io::{self, IsTerminal as _};

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, fmt::writer::BoxMakeWriter};

use crate::arguments::{Arguments, Command, LogFormat};

/// The maximum number of lines that wait for the reader; further ones are lost.
const MAX_LINES: usize = 10_000;

/// The log of a monitor, written on a thread of its own. When it is dropped, the last lines
/// are written, as far as somebody reads them.
#[derive(Debug)]
pub(crate) struct Log {
    /// How many lines were lost.
    pub(crate) lost: ErrorCounter,
    _written: WorkerGuard,
}

/// Installs the log. `HBD_LOG` overrides the level, in the syntax of tracing's filters.
pub(crate) fn install(arguments: &Arguments) -> Option<Log> {
    let (quiet, format, queued) = match &arguments.command {
        Command::Run(run) => ("info", run.log_format, true),
        _ => ("off", LogFormat::Text, false),
    };
    let level = match arguments.verbose {
        0 => quiet,
        1 => "info,annunciator=debug,annunciator_monitor=debug,heartbeat=debug",
        _ => "trace",
    };
    let (writer, log) = if queued {
        let (queue, written) = NonBlockingBuilder::default()
            .lossy(true)
            .buffered_lines_limit(MAX_LINES)
            .thread_name("hbd-log")
            .finish(io::stderr());
        let log = Log {
            lost: queue.error_counter(),
            _written: written,
        };
        (BoxMakeWriter::new(queue), Some(log))
    } else {
        (BoxMakeWriter::new(io::stderr), None)
    };
    let filter = EnvFilter::try_from_env("HBD_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(writer);
    match format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
    }
    if queued {
        // The default hook writes to standard error itself, and would block if nobody reads
        // it.
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            let payload = panic.payload();
            let text = payload.downcast_ref::<&str>().copied();
            let what = text.or_else(|| payload.downcast_ref().map(String::as_str));
            let what = what.unwrap_or("for an unknown reason");
            tracing::error!(
                place,
                "the monitor panicked, which is a fault in it: {what}"
            );
        }));
    }
    log
}
