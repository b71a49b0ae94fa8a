//! From the arguments to a configuration and an engine.

use std::{fs::OpenOptions, io::ErrorKind, path::PathBuf, pin::pin, sync::Arc, time::Duration};

use annunciator::{
    Catalog, Config, Engine, EngineBuilder, Loaded, StartError, StorePlace,
    store::{MemoryStore, StoreError},
    worker::WorkerProgram,
};
use annunciator_monitor::StateFile;
use futures_util::future::{Either, select, select_all};
use heartbeat::unkept::{self, Setting};
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

use crate::{
    Exit,
    arguments::Arguments,
    beside,
    output::{Output, one_line},
    problems,
};

/// Where the configuration is looked for when nobody names one.
const PLACES: [&str; 2] = ["heartbeat.yaml", "/etc/heartbeat/heartbeat.yaml"];
/// What a command has claimed of a store that others share it also ends: as long
/// as two attempts may take, unless the configuration says otherwise. What takes
/// longer is left to the others.
const LAST: Duration = Duration::from_secs(60);

/// Who has in memory what a command could not keep.
const CALL: &str = "this call";

/// Where a command keeps its deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// In memory: they end with the command.
    InMemory,
    /// Where the monitor keeps its own, if it does: what is left there is
    /// delivered by it.
    WithMonitor,
}

/// The engine's builder for this call.
pub(crate) fn builder(arguments: &Arguments, output: &Output) -> Result<EngineBuilder, Exit> {
    let Some(file) = file(arguments) else {
        let places = PLACES.join(" nor ");
        output.error(&format!(
            "error: there is no configuration: neither {places} exists"
        ));
        output.error("help: name one with --config FILE or HBD_CONFIG");
        return Err(Exit::Wrong);
    };
    Ok(builder_for(arguments, file))
}

/// The builder for a call that needs no configuration.
pub(crate) fn builder_without_file(arguments: &Arguments) -> EngineBuilder {
    builder_for(arguments, file(arguments).unwrap_or_default())
}

/// The plugins of this call; there need not be a configuration.
pub(crate) fn plugins(arguments: &Arguments) -> Catalog {
    builder_without_file(arguments).find_plugins()
}

fn builder_for(arguments: &Arguments, file: PathBuf) -> EngineBuilder {
    let builder = annunciator_monitor::declare(Engine::builder(file));
    // Options of signal-cli's script, which its plugin passes on.
    let builder = builder.worker(WorkerProgram::this().variable("SIGNAL_CLI_OPTS"));
    arguments
        .plugin_dir
        .iter()
        .fold(builder, |builder, dir| builder.plugin_dir(dir))
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

/// Loads the configuration; problems are printed.
pub(crate) fn load(arguments: &Arguments, output: &Output) -> Result<Loaded, Exit> {
    load_from(&builder(arguments, output)?, output)
}

/// Loads the configuration of a builder; problems are printed.
pub(crate) fn load_from(builder: &EngineBuilder, output: &Output) -> Result<Loaded, Exit> {
    builder.load().map_err(|error| {
        problems::print_error(&error, output);
        beside::suggest_missing(builder, &error, output);
        Exit::Wrong
    })
}

/// Runs something with an engine, which is shut down afterwards.
pub(crate) fn with_engine(
    arguments: &Arguments,
    output: &Output,
    keep: Keep,
    run: impl AsyncFnOnce(&Engine) -> Exit,
) -> Result<Exit, Exit> {
    // People are told by the monitor, and not with each command.
    let builder = builder(arguments, output)?.notify_of_alerts(false);
    // An attempt that is under way is not cut off: what came of it is worth knowing.
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
                output.error(&format!("warning: {}", one_line(&warning)));
            }
            None
        }),
    };
    runtime.block_on(async {
        let engine = start(&builder, loaded, place, output).await?;
        if keep == Keep::WithMonitor
            && let Some(warning) = unkept::of_engine(&engine, CALL)
        {
            output.error(&format!("warning: {}", one_line(&warning)));
        }
        let running = pin!(async {
            let exit = run(&engine).await;
            if is_shared(&engine) {
                let _ = engine.shutdown(LAST).await;
            }
            exit
        });
        let signalled = pin!(signalled());
        let exit = match select(running, signalled).await {
            Either::Left((exit, _)) => exit,
            Either::Right((signal, _)) => {
                output.error("interrupted: it is not known what came of the deliveries under way");
                Exit::Interrupted(signal)
            }
        };
        // Nobody waits any more: what is under way ends, child processes too.
        let _ = engine.shutdown(Duration::ZERO).await;
        Ok(exit)
    })
}

/// Whether others deliver what this engine leaves behind.
pub(crate) fn is_shared(engine: &Engine) -> bool {
    engine.store().is_some_and(|store| store.is_shared())
}

/// The state file of the configuration's monitor, where it is there and deliveries are
/// kept in it.
///
/// # Errors
/// [`StoreError::Unusable`] when it is there and may not be read and written.
fn state_file(config: &Config) -> Result<Option<PathBuf>, StoreError> {
    let StateFile::File(path) = annunciator_monitor::MonitorConfig::of(config).state else {
        return Ok(None);
    };
    if config.delivery().store != StorePlace::Unsaid {
        return Ok(None);
    }
    match OpenOptions::new().read(true).write(true).open(&path) {
        Ok(_) => Ok(Some(path)),
        // It is made when the monitor first runs.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::Unusable {
            path,
            action: "opened",
            detail: error.to_string(),
        }),
    }
}

/// Starts an engine that keeps its deliveries in this file, unless the
/// configuration says where; problems are printed.
pub(crate) async fn start(
    builder: &EngineBuilder,
    loaded: Loaded,
    place: Option<PathBuf>,
    output: &Output,
) -> Result<Engine, Exit> {
    let by_default = place.is_some() && loaded.config.delivery().store == StorePlace::Unsaid;
    let keeping = builder.clone().default_store(move |_| place.clone());
    let mut started = keeping.start_with(loaded).await;
    if let Err(StartError::Store(error)) = &started
        && by_default
    {
        // Nobody asked for this file: that it is of no use stops nothing.
        tracing::error!("{error}; until the next start deliveries are stored in memory");
        let setting = match error.path() {
            Some(path) => Setting::MonitorState.at(builder.file(), path),
            None => Setting::MonitorState.name().to_owned(),
        };
        let warning = unkept::warning(&setting, error, "this program");
        output.error(&format!("warning: {}", one_line(&warning)));
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
            output.error(&format!("error: {error}"));
            Err(Exit::Wrong)
        }
    }
}

/// Waits for a signal that asks this program to end; answers its number.
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

/// A disabled channel is worth a word even when nobody asked for a check.
pub(crate) fn warn_of_disabled(loaded: &Loaded, output: &Output) {
    for channel in loaded.config.channels() {
        if let Some(error) = channel.disabled() {
            output.error(&format!(
                "warning: channel {} is disabled: {error}",
                channel.name()
            ));
        }
    }
}

/// The runtime of a command.
pub(crate) fn runtime(output: &Output) -> Result<Runtime, Exit> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| {
            output.error(&format!(
                "error: this program could not start its threads: {error}"
            ));
            Exit::Failed
        })
}
