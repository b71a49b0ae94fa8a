//! What happens in a worker: one plugin, one channel, one program that asks.
//!
//! A thread of its own listens to the program, and ends the process the moment
//! that nobody is there any more, whatever the plugin does. No frame is answered
//! on it: the plugin's code runs on the threads of a pool, as in the program.

mod events;
mod link;
mod remote;
mod served;

use std::{
    io::{self, BufReader},
    os::unix::net::UnixStream,
    process,
    sync::Arc,
    thread,
};

use annunciator_core::{code::LogLevel, ffi::RString, services::LogRecordV1};
use rustix::{
    fs::{Mode, OFlags},
    process::{Resource, Rlimit, Signal, getpid, getrlimit, kill_process, setrlimit},
};
use tokio::{
    runtime::{Builder, Handle},
    signal::unix::{SignalKind, signal},
};

use self::{link::Link, served::Served};
use super::{
    frame::read_blocking,
    message::{SPEAKS, ToHost, ToWorker},
    process::take_over,
};
use crate::plugin::Place;

/// What a worker's code may have of memory of its own, in bytes. One that leaks
/// ends before the machine is in need.
const MEMORY: u64 = 512 * 1024 * 1024;

/// Runs the worker until nobody needs it.
#[expect(clippy::print_stderr, reason = "there is nobody else to tell")]
pub(super) fn run() -> ! {
    if let Err(error) = try_run() {
        eprintln!("this is a worker process, which only its program can start: {error}");
    }
    process::exit(2)
}

fn try_run() -> io::Result<()> {
    let socket = socket()?;
    let image = take_over(&socket)?;
    // A service manager may forbid it, and then has bounds of its own.
    let bounded = bound();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("worker-link".to_owned())
        .spawn(move || {
            let _ = listen(socket, Place::given(image), bounded, &handle);
            end();
        })?;
    runtime.block_on(ignore_signals());
    Ok(())
}

/// The socket that is the standard input, which children must not inherit.
fn socket() -> io::Result<UnixStream> {
    let socket = UnixStream::from(rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?);
    // It is one, with somebody at the other end.
    socket.peer_addr()?;
    let nothing = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(nothing)?;
    Ok(socket)
}

fn bound() -> io::Result<()> {
    let lower = |resource, to: u64| {
        let maximum = getrlimit(resource).maximum;
        let limit = Rlimit {
            current: Some(maximum.map_or(to, |maximum| maximum.min(to))),
            maximum,
        };
        setrlimit(resource, limit)
    };
    lower(Resource::Data, MEMORY)?;
    // What it leaves behind could hold secrets.
    lower(Resource::Core, 0)?;
    Ok(())
}

/// Whoever ends the program may tell all its processes; the program knows when.
async fn ignore_signals() {
    let kinds = [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
        SignalKind::user_defined1(),
        SignalKind::user_defined2(),
    ];
    let _ignored: Vec<_> = kinds.into_iter().map(signal).collect();
    std::future::pending::<()>().await;
}

/// Ends the process now: no destructor and no handler of the plugin's runs.
fn end() -> ! {
    let _ = kill_process(getpid(), Signal::KILL);
    process::abort()
}

/// Listens to the program. Returns when it is gone, or says nonsense.
fn listen(
    socket: UnixStream,
    image: Place,
    bounded: io::Result<()>,
    handle: &Handle,
) -> Option<()> {
    let link = Arc::new(Link::new(socket.try_clone().ok()?));
    let mut reader = BufReader::new(socket);
    let hello = read_blocking(&mut reader).ok()??;
    let ToWorker::Hello {
        speaks,
        path,
        note_json,
    } = hello
    else {
        return None;
    };
    // The program hears what this one speaks, and hangs up if need be.
    let ready = ToHost::Ready {
        speaks: SPEAKS.to_owned(),
    };
    link.send(&ready).ok()?;
    if speaks != SPEAKS {
        return None;
    }
    events::install(&link);
    if let Err(error) = bounded {
        let message = format!("the memory of this worker process is not bounded: {error}");
        let record = LogRecordV1 {
            level: LogLevel::INFO,
            target: module_path!().into(),
            message: message.into(),
            fields_json: RString::new(),
        };
        link.send(&ToHost::Log(record)).ok()?;
    }
    let mut served = Served::new(Arc::clone(&link), handle.clone(), &path, &note_json, image);
    loop {
        match read_blocking(&mut reader).ok()?? {
            ToWorker::Hello { .. } => return None,
            ToWorker::Call { id, level, call } => {
                link.keep_log(level);
                served.call(id, call);
            }
            ToWorker::Cancel { id } => served.cancel(id),
            ToWorker::Told { id, told } => link.told(id, told),
        }
    }
}
