//! The worker's side: one plugin for one channel, called by one program.
//!
//! A thread of its own listens to the program, and ends the process as soon as the program is gone,
//! whatever the plugin does. No call is answered on that thread: the plugin's code runs on the
//! threads of a pool, as in the program.

mod confine;
mod dispatcher;
mod end;
mod events;
mod link;
mod remote;

use std::{
    io::{self, BufReader},
    os::{fd::AsFd as _, unix::net::UnixStream},
    process,
    sync::Arc,
    thread,
};

use annunciator_core::{code::LogLevel, ffi::RString, services::LogRecordV1};
use rustix::{
    fs::{Mode, OFlags},
    io::fcntl_dupfd_cloexec,
};
use tokio::{
    runtime::{Builder, Handle},
    signal::unix::{SignalKind, signal},
};

use self::{dispatcher::Dispatcher, end::end_now, link::Link};
use super::{
    frame::read_blocking,
    message::{NotReady, SPEAKS, ToHost, ToWorker},
    process::take_over,
    stage::Stage,
};
use crate::plugin::SealedImage;

/// Runs the worker until the program is gone.
#[expect(clippy::print_stderr, reason = "there is nobody else to tell")]
pub(super) fn run(stage: Stage) -> ! {
    let ran = match stage {
        Stage::Started => Err(confine::execute_again()),
        Stage::Confined => confined(),
    };
    if let Err(error) = ran {
        match fcntl_dupfd_cloexec(io::stdin(), 3) {
            Ok(socket) => not_ready(socket.into(), &error),
            Err(_) => eprintln!("this worker process could not prepare itself: {error}"),
        }
    }
    process::exit(2)
}

/// Runs the worker on a thread of its own, because the caller may be in a runtime, which allows no
/// other on its thread.
fn confined() -> io::Result<()> {
    let running = thread::Builder::new()
        .name("worker".to_owned())
        .spawn(try_run)?;
    let panicked = |_| Err(io::Error::other("its thread panicked"));
    running.join().unwrap_or_else(panicked)
}

/// Reports to the program that the worker cannot start.
fn not_ready(socket: UnixStream, why: &io::Error) {
    let why = NotReady::Unprepared(why.to_string());
    // The message is short enough for a frame.
    let _ = Link::new(socket).send(&ToHost::NotReady(why));
}

fn try_run() -> io::Result<()> {
    let lacking = confine::finish();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let image = take_over(io::stdin().as_fd())?;
    // From here on, every failure is reported.
    let socket = socket()?;
    thread::Builder::new()
        .name("worker-link".to_owned())
        .spawn(move || {
            let _ = listen(socket, SealedImage::given(image), lacking, &handle);
            end_now();
        })?;
    runtime.block_on(ignore_signals());
    Ok(())
}

/// Returns the socket that is the standard input. Child processes must not inherit it.
fn socket() -> io::Result<UnixStream> {
    let socket = UnixStream::from(fcntl_dupfd_cloexec(io::stdin(), 3)?);
    let nothing = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(nothing)?;
    Ok(socket)
}

/// Ignores signals. They may be sent to all processes of a program to end it, and the program
/// decides when its workers end.
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

/// Listens to the program. Returns when it is gone or sends an invalid message.
fn listen(
    socket: UnixStream,
    image: SealedImage,
    lacking: Vec<String>,
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
    // The program learns the version of this worker's protocol, and closes the connection if it
    // differs.
    let ready = ToHost::Ready {
        speaks: SPEAKS.to_owned(),
    };
    link.send(&ready).ok()?;
    if speaks != SPEAKS {
        return None;
    }
    events::install(&link);
    for message in lacking {
        let record = LogRecordV1 {
            level: LogLevel::INFO,
            target: module_path!().into(),
            message: message.into(),
            fields_json: RString::new(),
        };
        link.send(&ToHost::Log(record)).ok()?;
    }
    let mut dispatcher =
        Dispatcher::new(Arc::clone(&link), handle.clone(), &path, &note_json, image);
    loop {
        match read_blocking(&mut reader).ok()?? {
            ToWorker::Hello { .. } => return None,
            ToWorker::Call { id, level, call } => {
                link.set_log_level(level);
                dispatcher.call(id, call);
            }
            ToWorker::Cancel { id } => dispatcher.cancel(id),
            ToWorker::HostAnswer { id, answer } => link.deliver_answer(id, answer),
        }
    }
}
