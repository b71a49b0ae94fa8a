//! `hbd run`: watches hosts until it is told to end.

use std::{error::Error, net::SocketAddr, path::PathBuf, sync::Arc};

use annunciator::Engine;
use annunciator_monitor::{Location, Monitor, Prepared, Reloading, Running, StateFile};
use heartbeat::{
    control::{self, ControlError},
    http,
};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    Exit,
    arguments::{Arguments, Command, LogFormat},
    log::Log,
    output::Output,
    problems, setup,
};

/// Where systemd wants the state (`StateDirectory=`) when the configuration
/// names no file.
const STATE_DIRECTORY: &str = "STATE_DIRECTORY";

pub(crate) fn run(arguments: &Arguments, log: Option<&Log>, output: &Output) -> Exit {
    match prepare(arguments, log, output) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn prepare(arguments: &Arguments, log: Option<&Log>, output: &Output) -> Result<Exit, Exit> {
    let builder = setup::builder(arguments, output)?;
    let runtime = setup::runtime(output)?;
    let loaded = setup::load_from(&builder, output)?;
    if !is_for_programs(arguments) {
        problems::print(&loaded.warnings, output);
        setup::warn_of_disabled(&loaded, output);
    }
    let monitor = annunciator_monitor::MonitorConfig::of(&loaded.config);
    // Before the engine starts, which counts from then on.
    let lost = log.map(|log| log.lost.clone());
    let numbers = monitor
        .http
        .map(|_| http::Numbers::install(lost))
        .transpose();
    let numbers = numbers.map_err(|error| wrong(&error, output))?;
    let exit = runtime.block_on(async {
        let reloading = Arc::new(Reloading::new(builder.clone(), &monitor, &loaded.config));
        let (control, http) = (monitor.control.clone(), monitor.http.zip(numbers));
        let state = location(&monitor.state);
        let ready = annunciator_monitor::prepare(&loaded.config, monitor, &state).await;
        let mut ready = ready.map_err(|error| wrong(&error, output))?;
        let (builder, place) = match ready.deliveries(&loaded.config).await {
            Ok(Some(store)) => (builder.store(store), None),
            // What is wrong with it is told when the engine opens it by itself.
            Ok(None) | Err(_) => (builder, ready.state_file()),
        };
        let engine = setup::start(&builder, loaded, place, output).await?;
        let servers = Servers { control, http };
        watch(engine, ready, servers, reloading)
            .await
            .map_err(|error| wrong(&*error, output))
    });
    // A thread that reads a file or runs a plugin need not be waited for.
    runtime.shutdown_background();
    exit
}

/// Whether programs read the log, which has the warnings, too: between lines of JSON
/// they understand nothing else.
fn is_for_programs(arguments: &Arguments) -> bool {
    matches!(&arguments.command, Command::Run(run) if run.log_format == LogFormat::Json)
}

fn wrong(error: &dyn Error, output: &Output) -> Exit {
    output.error(&format!("error: {error}"));
    Exit::Failed
}

/// Where the monitor can be looked at.
struct Servers {
    control: Option<PathBuf>,
    http: Option<(SocketAddr, http::Numbers)>,
}

async fn watch(
    engine: Engine,
    ready: Prepared,
    servers: Servers,
    reloading: Arc<Reloading>,
) -> Result<Exit, Box<dyn Error>> {
    let mut signals = Signals::new()?;
    let Servers { control, http } = servers;
    let running = ready.start(engine, beat)?;
    let monitor = running.monitor();
    let http = match http {
        Some((address, numbers)) => {
            let (monitor, reloading) = (Arc::clone(monitor), Arc::clone(&reloading));
            let server = http::MetricsServer::start(address, numbers, monitor, reloading).await;
            or_without("its numbers", server)
        }
        None => None,
    };
    // Last: whoever asks there hears of all else.
    let subject = control::Subject {
        monitor: Arc::clone(monitor),
        reloading: Arc::clone(&reloading),
        http: http.as_ref().map(http::MetricsServer::address),
    };
    let control = control.map(|path| control::ControlServer::start(&path, subject));
    let control = match control {
        // The other one watches.
        Some(Err(error @ ControlError::InUse(_))) => return Err(error.into()),
        control => control.and_then(|server| or_without("its control socket", server)),
    };
    for address in running.addresses() {
        tracing::info!(%address, "heartbeats are taken");
    }
    if let Some(http) = &http {
        tracing::info!(address = %http.address(), "numbers are served");
    }
    // Where nobody asks for it, nobody hears it.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    let signal = obey(&mut signals, &running, &reloading).await;
    tracing::info!(signal, "the monitor ends");
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    drop((control, http));
    let cut_off = running.stop().await;
    if cut_off > 0 {
        tracing::warn!(
            cut_off,
            "messages were cut off; they are told again after the next start"
        );
    }
    Ok(Exit::Ok)
}

/// What is there for those who look at the monitor is no reason not to watch.
fn or_without<T>(what: &str, server: Result<T, impl Error>) -> Option<T> {
    server
        .inspect_err(|error| tracing::error!("{error}; the monitor watches without {what}"))
        .ok()
}

/// Takes the configuration again for as long as that is all that is asked;
/// answers the signal that ends the monitor.
async fn obey(
    signals: &mut Signals,
    running: &Running,
    reloading: &Arc<Reloading>,
) -> &'static str {
    let Signals {
        hangup,
        terminate,
        interrupt,
    } = signals;
    let reloads = async {
        loop {
            hangup.recv().await;
            let _ = sd_notify::notify(&[
                NotifyState::Reloading,
                NotifyState::monotonic_usec_now().unwrap_or(NotifyState::Reloading),
            ]);
            // On its own: one that takes its time must not hold up the end.
            let reload = reload(Arc::clone(running.monitor()), Arc::clone(reloading));
            let _ = tokio::spawn(reload).await;
            // Here, so that nobody hears it of a monitor that ends.
            let _ = sd_notify::notify(&[NotifyState::Ready]);
        }
    };
    tokio::select! {
        () = reloads => "SIGHUP",
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

async fn reload(monitor: Arc<Monitor>, reloading: Arc<Reloading>) {
    if let Err(error) = reloading.reload(&monitor).await {
        tracing::error!("the configuration was not taken, the old one stays: {error}");
    }
}

struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// Tells systemd's watchdog that the monitor does its work.
fn beat() {
    let _ = sd_notify::notify(&[NotifyState::Watchdog]);
}

fn location(state: &StateFile) -> Location {
    match state {
        StateFile::File(path) => Location::File(path.clone()),
        StateFile::Memory => Location::Memory,
        StateFile::Unset => {
            // systemd may name several, separated by colons.
            let folders = std::env::var_os(STATE_DIRECTORY).unwrap_or_default();
            let folder = std::env::split_paths(&folders).find(|path| path.is_absolute());
            folder.map_or_else(
                || {
                    tracing::warn!(
                        "what the monitor knows ends with it: name a file as `monitor.state`"
                    );
                    Location::Memory
                },
                |folder: PathBuf| Location::File(folder.join("state.sqlite")),
            )
        }
    }
}
