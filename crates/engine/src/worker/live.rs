//! A running worker: accepts several calls at a time, and returns their answers, or how the worker
//! ended.

use std::{io, os::fd::BorrowedFd, sync::Arc, time::Duration};

use annunciator_core::{code::LogLevel, ffi::RStr, services::HostBox};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

use super::{
    connection::Connection,
    ending::Ending,
    frame::encode,
    host_calls::HostCalls,
    message::{Answer, Call, SPEAKS, ToWorker},
    pending_calls::PendingCalls,
    process,
    program::WorkerProgram,
};
use crate::plugin::CallError;

/// The maximum time for a worker to report that it is ready.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum number of frames that wait to be written. Callers with more frames wait.
const MAX_QUEUED_FRAMES: usize = 64;

/// The parameters of a worker's start.
pub(super) struct Start<'a> {
    pub(super) program: &'a WorkerProgram,
    pub(super) image: BorrowedFd<'a>,
    /// The path and the note of the plugin's file.
    pub(super) path: &'a str,
    pub(super) note_json: &'a str,
    /// The host of the plugin, or `None` for a worker that only describes the plugin.
    pub(super) host: Option<Arc<HostBox>>,
    /// The channel's name, for the log.
    pub(super) channel: &'a str,
}

/// A running worker. Dropping it kills the worker.
pub(super) struct Live {
    pending: Arc<PendingCalls>,
    host: Option<Arc<HostBox>>,
    file: String,
    ended: watch::Receiver<Option<Ending>>,
}

impl Live {
    /// Starts a worker and waits until it is ready.
    pub(super) async fn start(start: Start<'_>) -> Result<Self, Ending> {
        if let Some(ending) = start.program.misuse() {
            return Err(ending);
        }
        let not_started = |error: io::Error| Ending::not_started(&error);
        let (child, socket) = process::start(start.program, start.image).map_err(not_started)?;
        let (reader, writer) = socket.into_split();
        let (outgoing, frames) = mpsc::channel(MAX_QUEUED_FRAMES);
        let (end, ended) = watch::channel(None);
        let (ready, is_ready) = oneshot::channel();
        let pending = Arc::new(PendingCalls::new(outgoing.clone()));
        let serving = HostCalls::new(start.host.clone(), outgoing);
        let connection = Connection::new(
            child,
            (reader, writer),
            frames,
            &pending,
            serving,
            ready,
            start.channel,
        );
        drop(tokio::spawn(connection.run(end)));
        let live = Self {
            pending,
            host: start.host,
            file: start.path.to_owned(),
            ended,
        };
        let hello = encode(&ToWorker::Hello {
            speaks: SPEAKS.to_owned(),
            path: start.path.to_owned(),
            note_json: start.note_json.to_owned(),
        });
        let greeting = async {
            // If the worker is gone, its ending shows that.
            let _ = live.pending.send(hello.unwrap_or_default()).await;
            is_ready.await.ok()
        };
        match timeout(START_TIMEOUT, greeting).await {
            Ok(Some(())) => {
                start.program.note_ready();
                Ok(live)
            }
            Ok(None) => {
                let ending = live.ended().await;
                start.program.note(&ending);
                Err(ending)
            }
            Err(_) => Err(Ending::late()),
        }
    }

    /// Waits until the worker has ended. Returns how it ended.
    pub(super) async fn ended(&self) -> Ending {
        let mut ended = self.ended.clone();
        let ended = ended.wait_for(Option::is_some).await;
        let ending = ended.ok().and_then(|ending| ending.clone());
        ending.unwrap_or_else(Ending::requested)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.pending.is_over()
    }

    /// Makes a call. Dropping the future cancels it.
    pub(super) async fn call(&self, call: Call, limit: Duration) -> Result<Answer, CallError> {
        let (sender, answer) = oneshot::channel();
        let Some(open) = self.pending.begin(sender) else {
            return Err(self.crashed().await);
        };
        let frame = encode(&ToWorker::Call {
            id: open.id(),
            level: self.level(),
            call,
        });
        let Ok(frame) = frame else {
            return Err(CallError::NotCalled(self.file.clone()));
        };
        let asking = async {
            self.pending.send(frame).await.ok()?;
            answer.await.ok()
        };
        match timeout(limit, asking).await {
            Ok(Some(Answer::Nothing(why))) => Err(why),
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(self.crashed().await),
            Err(_) => Err(CallError::Late(self.file.clone())),
        }
    }

    /// Kills the worker: it has sent an invalid answer, or its channel is closed.
    pub(super) fn kill(&self, why: Ending) {
        self.pending.kill(why);
    }

    async fn crashed(&self) -> CallError {
        CallError::Crashed {
            file: self.file.clone(),
            ending: self.ended().await.to_string(),
        }
    }

    /// Returns the most detailed log level that the host records.
    fn level(&self) -> u32 {
        let host = self.host.as_ref();
        let is_logged = |level: &&LogLevel| {
            host.is_some_and(|host| host.log_enabled(**level, RStr::from_str("")))
        };
        let most = LogLevel::KNOWN.iter().filter(is_logged).max();
        most.map_or(0, |level| level.0)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.pending.kill(Ending::requested());
    }
}
