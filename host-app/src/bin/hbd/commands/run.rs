//! `hbd run`: watches hosts until a signal ends it.

use std::{
    error::Error,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use annunciator::{Engine, store::SqliteFile};
use annunciator_monitor::{AcknowledgeLink, Location, Prepared, Reloading, StateFile};
use annunciator_web::{AckLinks, Act, Acts, Server, Tls, WebConfig};
use futures_util::future::join_all;
use heartbeat::{
    api::{self, ControlError},
    http,
};
use jiff::Timestamp;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    Exit,
    arguments::{Arguments, Command, LogFormat},
    log::Log,
    output::Output,
    problems, setup,
};

/// The variable with the folder for the state, which systemd sets (`StateDirectory=`). It
/// is used if the configuration names no file.
const STATE_DIRECTORY: &str = "STATE_DIRECTORY";

/// The file of acts, beside the state's.
const ACTS: &str = "acts.jsonl";

/// The file of the key with which links in messages are signed, beside the state's.
const LINK_KEY: &str = "acknowledge.key";

/// How long the end of the monitor waits for requests that are being answered.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

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
    // Before the engine starts, so that everything is counted.
    let lost = log.map(|log| log.lost.clone());
    let numbers = http::Numbers::install(lost).map_err(|error| wrong(&error, output))?;
    let exit = runtime.block_on(async {
        let reloading = Arc::new(Reloading::new(builder.clone(), &monitor, &loaded.config));
        let (control, http) = (monitor.control.clone(), monitor.http);
        let web = WebConfig::of(&loaded.config);
        let state = location(&monitor.state);
        let ready = annunciator_monitor::prepare(&loaded.config, monitor, &state).await;
        let mut ready = ready.map_err(|error| wrong(&error, output))?;
        let (builder, place) = match ready.deliveries(&loaded.config).await {
            Ok(Some(store)) => (builder.store(store), None),
            // The engine reports the problem when it opens the file itself.
            Ok(None) | Err(_) => (builder, ready.state_file()),
        };
        let engine = setup::start(&builder, loaded, place, output).await?;
        let links = links(&web, ready.state_file().as_deref());
        let making = links
            .clone()
            .map(|links| AcknowledgeLink::new(move |incident, at_ms| links.link(incident, at_ms)));
        let ready = ready
            .linking_to(web.external_url.clone())
            .acknowledged_at(making);
        let servers = Servers {
            control,
            http,
            numbers,
            web,
            database: ready.database(),
            state_file: ready.state_file(),
            links,
        };
        watch(engine, ready, servers, reloading)
            .await
            .map_err(|error| wrong(&*error, output))
    });
    // Does not wait for threads that read a file or run a plugin.
    runtime.shutdown_background();
    exit
}

/// Returns whether programs read the log. Warnings then go to the log, too, since programs
/// understand nothing else between lines of JSON.
fn is_for_programs(arguments: &Arguments) -> bool {
    matches!(&arguments.command, Command::Run(run) if run.log_format == LogFormat::Json)
}

fn wrong(error: &dyn Error, output: &Output) -> Exit {
    output.error(error);
    Exit::Failed
}

/// The servers through which the monitor can be inspected.
struct Servers {
    control: Option<PathBuf>,
    http: Option<SocketAddr>,
    numbers: http::Numbers,
    web: WebConfig,
    /// Where tokens are kept.
    database: Option<Arc<SqliteFile>>,
    /// The state's file, beside which acts are recorded.
    state_file: Option<PathBuf>,
    /// The links in messages by which incidents are taken over.
    links: Option<Arc<AckLinks>>,
}

async fn watch(
    engine: Engine,
    ready: Prepared,
    servers: Servers,
    reloading: Arc<Reloading>,
) -> Result<Exit, Box<dyn Error>> {
    let mut signals = Signals::new()?;
    let Servers {
        control,
        http,
        numbers,
        web,
        database,
        state_file,
        links,
    } = servers;
    let acts = match state_file {
        Some(state) => Acts::in_file(state.with_file_name(ACTS)),
        None => Acts::in_memory(),
    };
    let running = ready.start(engine, beat)?;
    let monitor = running.monitor();
    drop(tokio::spawn(numbers.clone().tidy()));
    let observed = http::Observed {
        numbers,
        monitor: Arc::clone(monitor),
        reloading: Arc::clone(&reloading),
    };
    let http = match http {
        Some(address) => {
            let server = http::serve(address, observed.clone()).await;
            or_without("its numbers", server)
        }
        None => None,
    };
    // Last, so that its answers include everything else.
    let tls = web.tls.clone().map(Tls::open).transpose();
    let tls = or_without("its web address", tls.map(|tls| tls.map(Arc::new)));
    let subject = Arc::new(api::Subject {
        monitor: Arc::clone(monitor),
        reloading,
        http: http.as_ref().and_then(Server::address),
        web: web.clone(),
        tls: tls.clone().flatten(),
        acts: acts.clone(),
        links,
    });
    let router = api::router(Arc::clone(&subject), observed, &web, database).await;
    let control = control.map(|path| api::at_socket(&path, &web, router.clone()));
    let control = match control {
        // Another monitor is watching already.
        Some(Err(error @ ControlError::InUse(_))) => return Err(error.into()),
        control => control.and_then(|server| or_without("its control socket", server)),
    };
    let web = match (web.listen, tls) {
        (Some(address), Some(tls)) => {
            if let Some(tls) = &tls {
                drop(tokio::spawn(Arc::clone(tls).watch()));
            }
            let server = api::at_address(address, tls, router).await;
            or_without("its web address", server)
        }
        _ => None,
    };
    for address in running.addresses() {
        tracing::info!(%address, "heartbeats are received");
    }
    if let Some(address) = http.as_ref().and_then(Server::address) {
        tracing::info!(%address, "metrics are served");
    }
    if let Some(address) = web.as_ref().and_then(Server::address) {
        tracing::info!(%address, "the API is served");
    }
    // Without systemd, this does nothing.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    let signal = obey(&mut signals, &subject).await;
    tracing::info!(signal, "the monitor ends");
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    let servers = control.into_iter().chain(web).chain(http);
    join_all(servers.map(|server| server.stop(DRAIN_TIMEOUT))).await;
    acts.written().await;
    let cut_off = running.stop().await;
    if cut_off > 0 {
        tracing::warn!(
            cut_off,
            "messages were interrupted; they are sent again after the next start"
        );
    }
    Ok(Exit::Ok)
}

/// Returns the links by which incidents are taken over, where people can reach the pages.
fn links(web: &WebConfig, state: Option<&Path>) -> Option<Arc<AckLinks>> {
    let (url, state) = (web.external_url.as_deref()?, state?);
    web.listen?;
    let links = AckLinks::open(&state.with_file_name(LINK_KEY), url);
    let links = links.inspect_err(|error| {
        tracing::error!("{error}; messages have no link to acknowledge them");
    });
    links.ok().map(Arc::new)
}

/// Starts without a server that fails, since inspection is less important than watching.
fn or_without<T>(what: &str, server: Result<T, impl Error>) -> Option<T> {
    server
        .inspect_err(|error| tracing::error!("{error}; the monitor watches without {what}"))
        .ok()
}

/// Reloads the configuration on each request to do so; returns the signal that ends the
/// monitor.
async fn obey(signals: &mut Signals, subject: &Arc<api::Subject>) -> &'static str {
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
            // In a task of its own, so that a slow reload does not delay the end.
            let _ = tokio::spawn(reload(Arc::clone(subject))).await;
            // Sent here, so that a monitor that is ending does not report itself as ready.
            let _ = sd_notify::notify(&[NotifyState::Ready]);
        }
    };
    tokio::select! {
        () = reloads => "SIGHUP",
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

async fn reload(subject: Arc<api::Subject>) {
    let at_ms = Timestamp::now().as_millisecond();
    let reloaded = subject.reload().await;
    subject.acts.record(Act {
        at_ms,
        act: "reload".to_owned(),
        by: Some("SIGHUP".to_owned()),
        done: Some(reloaded.is_ok()),
        ..Act::default()
    });
    match reloaded {
        Ok(reloaded) => {
            for key in reloaded.after_restart {
                tracing::warn!("{key} changed, which takes effect after a restart");
            }
        }
        Err(error) => {
            tracing::error!("the configuration was rejected, the old one stays: {error}");
        }
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

/// Notifies systemd's watchdog that the monitor works.
fn beat() {
    let _ = sd_notify::notify(&[NotifyState::Watchdog]);
}

fn location(state: &StateFile) -> Location {
    match state {
        StateFile::File(path) => Location::File(path.clone()),
        StateFile::Memory => Location::Memory,
        StateFile::Unset => {
            // systemd may name several folders, separated by colons.
            let folders = std::env::var_os(STATE_DIRECTORY).unwrap_or_default();
            let folder = std::env::split_paths(&folders).find(|path| path.is_absolute());
            folder.map_or_else(
                || {
                    tracing::warn!(
                        "the monitor's state is lost when it ends: name a file as `monitor.state`"
                    );
                    Location::Memory
                },
                |folder: PathBuf| Location::File(folder.join("state.sqlite")),
            )
        }
    }
}
