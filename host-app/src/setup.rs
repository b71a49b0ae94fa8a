//! From the arguments to a configuration and an engine.

use std::{path::PathBuf, pin::pin, time::Duration};

use annunciator::{Catalog, Engine, EngineBuilder, Loaded, StartError};
use futures_util::future::{Either, select, select_all};
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

use crate::{Exit, arguments::Arguments, output::Output, problems};

/// Where the configuration is looked for when nobody names one.
const PLACES: [&str; 2] = ["heartbeat.yaml", "/etc/heartbeat/heartbeat.yaml"];

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
    let builder = heartbeat::config::declare(Engine::builder(file));
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
        Exit::Wrong
    })
}

/// Runs something with an engine, which is shut down afterwards.
pub(crate) fn with_engine(
    arguments: &Arguments,
    output: &Output,
    run: impl AsyncFnOnce(&Engine) -> Exit,
) -> Result<Exit, Exit> {
    let builder = builder(arguments, output)?;
    let runtime = runtime(output)?;
    let loaded = load_from(&builder, output)?;
    runtime.block_on(async {
        let engine = start(&builder, loaded, output).await?;
        let running = pin!(run(&engine));
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

/// Starts an engine; problems are printed.
pub(crate) async fn start(
    builder: &EngineBuilder,
    loaded: Loaded,
    output: &Output,
) -> Result<Engine, Exit> {
    tell_disabled(&loaded, output);
    match builder.clone().start_with(loaded).await {
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
fn tell_disabled(loaded: &Loaded, output: &Output) {
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
