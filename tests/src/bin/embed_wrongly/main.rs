//! A program that embeds the engine, in most cases wrongly: how stands in the file
//! `shape` of its folder, since a worker has neither its arguments nor its
//! variables. Each process of it leaves a line in the file `processes`.

mod forked;

use std::{
    error::Error,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    process::{self, ExitCode},
    thread,
    time::Duration,
};

use annunciator::{
    Engine,
    worker::{self, WorkerProgram},
};
use rustix::io::{FdFlags, fcntl_setfd};
use tokio::runtime::{Builder, Runtime};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(9)
        }
    }
}

fn run() -> Result {
    let mut processes = OpenOptions::new()
        .create(true)
        .append(true)
        .open("processes")?;
    writeln!(processes, "{}", process::id())?;
    match fs::read_to_string("shape")?.as_str() {
        "asks first, with a file that is open" => {
            let open = File::open(if is_worker() { "processes" } else { "shape" })?;
            fcntl_setfd(&open, FdFlags::empty())?;
            worker::run_if_asked();
            Runtime::new()?.block_on(notify_and_wait())
        }
        "never asks" => Runtime::new()?.block_on(notify()),
        "never asks and tries for ever" => Runtime::new()?.block_on(async {
            loop {
                match start().await {
                    Ok(_) => return Ok(()),
                    // Its parent gives up at once.
                    Err(_) if is_worker() => {}
                    Err(error) => return Err(error),
                }
            }
        }),
        "never asks and ends" if is_worker() => process::exit(3),
        "never asks and ends" => Runtime::new()?.block_on(notify()),
        "never asks and closes its input" => {
            let nothing = File::open("/dev/null")?;
            rustix::stdio::dup2_stdin(nothing)?;
            Runtime::new()?.block_on(notify())
        }
        "asks when it has started" => Runtime::new()?.block_on(async {
            let started = start().await;
            worker::run_if_asked();
            started.map(drop)
        }),
        "asks within a runtime" => Runtime::new()?.block_on(async {
            worker::run_if_asked();
            notify().await
        }),
        "asks within a runtime of one thread" => {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                worker::run_if_asked();
                notify().await
            })
        }
        "asks in a task" => Runtime::new()?.block_on(async {
            tokio::spawn(async { worker::run_if_asked() }).await?;
            notify().await
        }),
        "asks on a thread" => {
            let asking = thread::spawn(worker::run_if_asked);
            asking.join().map_err(|_| "it panicked")?;
            Runtime::new()?.block_on(notify())
        }
        "forks" => forked::run(),
        shape => Err(format!("there is no shape {shape:?}").into()),
    }
}

fn is_worker() -> bool {
    std::env::args().nth(1).as_deref() == Some("--annunciator-worker")
}

async fn start() -> Result<Engine> {
    let builder = Engine::builder("heartbeat.yaml").worker(WorkerProgram::this());
    Ok(builder.start().await?)
}

async fn notify() -> Result {
    let engine = start().await?;
    let report = engine.notify_default("hello").await?;
    for (name, channel) in report.channels() {
        channel
            .failures()
            .for_each(|failure| eprintln!("{name}: {failure}"));
    }
    let _ = engine.shutdown(Duration::from_secs(10)).await;
    if report.all_delivered() {
        return Ok(());
    }
    Err("it was not delivered".into())
}

/// Keeps its workers until there is no more input.
async fn notify_and_wait() -> Result {
    let engine = start().await?;
    let report = engine.notify_default("hello").await?;
    let mut out = io::stdout();
    writeln!(out, "delivered: {}", report.all_delivered())?;
    out.flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    let _ = engine.shutdown(Duration::from_secs(10)).await;
    Ok(())
}
