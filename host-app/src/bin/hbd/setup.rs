//! Turns arguments into a configuration and an engine.

use std::{fs::OpenOptions, io::ErrorKind, path::PathBuf, pin::pin, sync::Arc, time::Duration};

use annunciator::{
    Catalog, Config, Engine, EngineBuilder, Loaded, StartError, StorePlace,
    store::{MemoryStore, StoreError},
    worker::WorkerProgram,
};
use annunciator_monitor::StateFile;
use annunciator_web::unkept::{self, Setting};
use futures_util::future::{Either, select, select_all};
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

use crate::{
    Exit,
    arguments::Arguments,
    beside,
    output::{ErrorDetails, Output},
    problems,
};

/// The places of the configuration if none is named.
const PLACES: [&str; 2] = ["heartbeat.yaml", "/etc/heartbeat/heartbeat.yaml"];
/// How long a command continues to deliver what it has claimed from a shared store: two
/// attempts by default. Other processes deliver the rest later.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(60);

/// The owner of messages that could only be stored in memory.
const CALL: &str = "this call";

/// The store of a command's deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// In memory: deliveries end with the command.
    InMemory,
    /// In the monitor's store, if there is one: the monitor delivers the rest.
    WithMonitor,
}

/// Returns the engine's builder for this call.
pub(crate) fn builder(arguments: &Arguments, output: &Output) -> Result<EngineBuilder, Exit> {
    let Some(file) = file(arguments) else {
        let places = PLACES.join(" nor ");
        output.error(format!(
            "there is no configuration: neither {places} exists"
        ));
        output.help("name one with --config FILE or HBD_CONFIG");
        return Err(Exit::Wrong);
    };
    Ok(builder_for(arguments, file))
}

/// Returns a builder for a call that needs no configuration.
pub(crate) fn builder_without_file(arguments: &Arguments) -> EngineBuilder {
    builder_for(arguments, file(arguments).unwrap_or_default())
}

/// Returns the plugins of this call, with or without a configuration.
pub(crate) fn plugins(arguments: &Arguments) -> Catalog {
    builder_without_file(arguments).find_plugins()
}

/// Returns the builder for a file, which need not exist yet.
pub(crate) fn builder_for(arguments: &Arguments, file: PathBuf) -> EngineBuilder {
    let builder = annunciator_monitor::declare(Engine::builder(file));
    let builder = annunciator_web::declare(builder);
    let builder = annunciator_ingest::declare(builder);
    // The options of signal-cli's script, which its plugin passes on.
    let builder = builder.worker(WorkerProgram::this().variable("SIGNAL_CLI_OPTS"));
    arguments.plugin_dir.iter().fold(builder, |builder, dir| {
        builder.plugin_dir_by(dir, "--plugin-dir")
    })
}

fn file(arguments: &Arguments) -> Option<PathBuf> {
    let found = || {
        PLACES
            .iter()
            .map(PathBuf::from)
            .find(|place| place.exists())
    };
    arguments.config.clone().or_else(found)
}

/// Loads the configuration; prints its problems.
pub(crate) fn load(arguments: &Arguments, output: &Output) -> Result<Loaded, Exit> {
    load_from(&builder(arguments, output)?, output)
}

/// Loads the configuration of a builder; prints its problems.
pub(crate) fn load_from(builder: &EngineBuilder, output: &Output) -> Result<Loaded, Exit> {
    builder.load().map_err(|error| {
        problems::print_error(&error, output);
        beside::suggest_missing(builder, &error, output);
        Exit::Wrong
    })
}

/// Runs a function with an engine, which is shut down afterwards.
pub(crate) fn with_engine(
    arguments: &Arguments,
    output: &Output,
    keep: Keep,
    run: impl AsyncFnOnce(&Engine) -> Exit,
) -> Result<Exit, Exit> {
    // The monitor notifies people of alerts, not every command.
    let builder = builder(arguments, output)?.notify_of_alerts(false);
    // An attempt in progress is not cut off, since its outcome matters.
    let mut builder = builder.await_attempts(true);
    let runtime = runtime(output)?;
    let loaded = load_from(&builder, output)?;
    warn_of_disabled(&loaded, output);
    let place = match keep {
        Keep::InMemory => {
            builder = builder.store(Arc::<MemoryStore>::default());
            None
        }
        Keep::WithMonitor => state_file(&loaded.config).unwrap_or_else(|error| {
            if let Some(path) = error.path() {
                let setting = Setting::MonitorState.at(builder.file(), path);
                let warning = unkept::warning(&setting, &error, CALL);
                output.warning(&warning);
            }
            None
        }),
    };
    runtime.block_on(async {
        let engine = start(&builder, loaded, place, output).await?;
        if keep == Keep::WithMonitor
            && let Some(warning) = unkept::of_engine(&engine, CALL)
        {
            output.warning(&warning);
        }
        let running = pin!(async {
            let exit = run(&engine).await;
            if is_shared(&engine) {
                let _ = engine.shutdown(SHUTDOWN_TIMEOUT).await;
            }
            exit
        });
        let signalled = pin!(signalled());
        let exit = match select(running, signalled).await {
            Either::Left((exit, _)) => exit,
            Either::Right((signal, _)) => {
                let sentence = "the outcomes of the deliveries in flight are not known";
                output.failed(
                    ErrorDetails::new(sentence),
                    &format!("interrupted: {sentence}"),
                );
                Exit::Interrupted(signal)
            }
        };
        // Nobody waits for it any more: ends what is in progress, with its child processes.
        let _ = engine.shutdown(Duration::ZERO).await;
        Ok(exit)
    })
}

/// Returns whether other processes deliver what this engine leaves open.
pub(crate) fn is_shared(engine: &Engine) -> bool {
    engine.store().is_some_and(|store| store.is_shared())
}

/// Returns the state file of the configuration's monitor, if it exists and stores
/// deliveries.
///
/// # Errors
/// Returns [`StoreError::Unusable`] if it exists and may not be read and written.
fn state_file(config: &Config) -> Result<Option<PathBuf>, StoreError> {
    let StateFile::File(path) = annunciator_monitor::MonitorConfig::of(config).state else {
        return Ok(None);
    };
    if config.delivery().store != StorePlace::Unset {
        return Ok(None);
    }
    match OpenOptions::new().read(true).write(true).open(&path) {
        Ok(_) => Ok(Some(path)),
        // The monitor creates it when it first runs.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::Unusable {
            path,
            action: "opened",
            detail: error.to_string(),
        }),
    }
}

/// Starts an engine that stores its deliveries in this file, unless the configuration names
/// another place. Prints problems.
pub(crate) async fn start(
    builder: &EngineBuilder,
    loaded: Loaded,
    place: Option<PathBuf>,
    output: &Output,
) -> Result<Engine, Exit> {
    let by_default = place.is_some() && loaded.config.delivery().store == StorePlace::Unset;
    let keeping = builder.clone().default_store(move |_| place.clone());
    let mut started = keeping.start_with(loaded).await;
    if let Err(StartError::Store(error)) = &started
        && by_default
    {
        // Nobody requested this file, so an unusable one does not prevent the start.
        tracing::error!("{error}; until the next start deliveries are stored in memory");
        let setting = match error.path() {
            Some(path) => Setting::MonitorState.at(builder.file(), path),
            None => Setting::MonitorState.name().to_owned(),
        };
        let warning = unkept::warning(&setting, error, "this program");
        output.warning(&warning);
        let loaded = load_from(builder, output)?;
        started = builder.clone().start_with(loaded).await;
    }
    match started {
        Ok(engine) => Ok(engine),
        Err(StartError::Config(error)) => {
            problems::print_error(&error, output);
            Err(Exit::Wrong)
        }
        Err(error) => {
            output.error(&error);
            Err(Exit::Wrong)
        }
    }
}

/// Waits for a signal that asks this program to end; returns its number.
async fn signalled() -> u8 {
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let waiting = kinds.map(|kind| {
        Box::pin(async move {
            match signal(kind) {
                Ok(mut signals) => signals.recv().await,
                Err(_) => std::future::pending().await,
            };
            u8::try_from(kind.as_raw_value()).unwrap_or(u8::MAX)
        })
    });
    select_all(waiting).await.0
}

/// Warns about disabled channels, once for each cause, even if no check was requested.
pub(crate) fn warn_of_disabled(loaded: &Loaded, output: &Output) {
    let mut causes: Vec<(String, Vec<&str>)> = Vec::new();
    for channel in loaded.config.channels() {
        let Some(error) = channel.disabled() else {
            continue;
        };
        let cause = error.to_string();
        match causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, names)) => names.push(channel.name()),
            None => causes.push((cause, vec![channel.name()])),
        }
    }
    for (cause, names) in causes {
        output.warning(match &*names {
            [one] => format!("channel {one} is disabled: {cause}"),
            [names @ .., last] => {
                format!(
                    "channels {} and {last} are disabled: {cause}",
                    names.join(", ")
                )
            }
            [] => continue,
        });
    }
}

/// Creates the runtime of a command.
pub(crate) fn runtime(output: &Output) -> Result<Runtime, Exit> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| {
            output.error(format!("this program could not start its threads: {error}"));
            Exit::Failed
        })
}
