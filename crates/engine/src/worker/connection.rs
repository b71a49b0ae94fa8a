//! The connection to a worker: reads its messages until it ends or is killed.

use std::{pin::pin, process::ExitStatus, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWriteExt as _, BufReader},
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    process::Child,
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    ending::Ending,
    frame::{FrameError, read},
    host_calls::HostCalls,
    message::{SPEAKS, ToHost},
    output,
    pending_calls::PendingCalls,
};

/// The maximum time for a worker that has closed its socket to end by itself.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

async fn write(mut to: OwnedWriteHalf, mut frames: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = frames.recv().await {
        if to.write_all(&frame).await.is_err() {
            // The task that listens detects the end.
            return;
        }
    }
}

/// The connection to a worker.
pub(super) struct Connection {
    child: Child,
    reader: OwnedReadHalf,
    pending: Arc<PendingCalls>,
    serving: HostCalls,
    ready: Option<oneshot::Sender<()>>,
    channel: String,
    writing: AbortOnDropHandle<()>,
}

/// The reason why the connection ends.
enum Cut {
    Closed,
    Wrong(Ending),
}

impl Connection {
    pub(super) fn new(
        child: Child,
        (reader, writer): (OwnedReadHalf, OwnedWriteHalf),
        frames: mpsc::Receiver<Vec<u8>>,
        pending: &Arc<PendingCalls>,
        serving: HostCalls,
        ready: oneshot::Sender<()>,
        channel: &str,
    ) -> Self {
        Self {
            child,
            reader,
            pending: Arc::clone(pending),
            serving,
            ready: Some(ready),
            channel: channel.to_owned(),
            writing: AbortOnDropHandle::new(tokio::spawn(write(writer, frames))),
        }
    }

    /// Reads messages until the worker ends or is killed, and sends how it ended to `end`.
    pub(super) async fn run(mut self, end: watch::Sender<Option<Ending>>) {
        let streams = [
            self.child
                .stdout
                .take()
                .map(|out| log(out, &self.channel, "standard output")),
            self.child
                .stderr
                .take()
                .map(|out| log(out, &self.channel, "standard error")),
        ];
        let Self {
            mut child,
            reader,
            pending,
            mut serving,
            mut ready,
            channel: _channel,
            writing,
        } = self;
        let cut = {
            let mut listening = pin!(listen(reader, &pending, &mut serving, &mut ready));
            tokio::select! {
                cut = &mut listening => Some(cut),
                () = pending.killed() => None,
                _ = child.wait() => {
                    // Messages that the worker has sent before may not have been read yet.
                    timeout(EXIT_TIMEOUT, listening).await.ok()
                }
            }
        };
        let ending = match cut {
            None => end_now(&mut child, pending.why()).await,
            Some(Cut::Wrong(ending)) => end_now(&mut child, Some(ending)).await,
            Some(Cut::Closed) => match timeout(EXIT_TIMEOUT, child.wait()).await {
                Ok(Ok(status)) => Ending::of(status),
                _ => end_now(&mut child, Some(Ending::closed())).await,
            },
        };
        drop((writing, serving));
        for stream in streams.into_iter().flatten() {
            // Another process may have inherited the stream.
            let _ = timeout(EXIT_TIMEOUT, stream).await;
        }
        let ending = match ready {
            None => ending,
            // The worker was not reported as ready.
            Some(_) => ending.before_it_was_ready(),
        };
        let open = pending.over();
        // Waiting callers then read how it ended.
        end.send_replace(Some(ending));
        drop((ready, open));
    }
}

fn log(
    from: impl AsyncRead + Unpin + Send + 'static,
    channel: &str,
    stream: &'static str,
) -> AbortOnDropHandle<()> {
    let channel = channel.to_owned();
    AbortOnDropHandle::new(tokio::spawn(async move {
        output::log(from, &channel, stream).await;
    }))
}

/// Kills the worker. Returns how it ended.
async fn end_now(child: &mut Child, why: Option<Ending>) -> Ending {
    let of = |status: Option<ExitStatus>| status.map_or_else(Ending::closed, Ending::of);
    let ended = child.try_wait().ok().flatten();
    if ended.is_none() {
        // Fails only if the process is gone.
        let _ = child.start_kill();
    }
    let killed = timeout(EXIT_TIMEOUT, child.wait()).await;
    let status = ended.or_else(|| killed.ok().and_then(Result::ok));
    why.unwrap_or_else(|| of(status))
}

async fn listen(
    reader: OwnedReadHalf,
    pending: &PendingCalls,
    serving: &mut HostCalls,
    ready: &mut Option<oneshot::Sender<()>>,
) -> Cut {
    let mut reader = BufReader::new(reader);
    loop {
        let heard = match read::<ToHost>(&mut reader).await {
            Ok(Some(heard)) => heard,
            Ok(None) | Err(FrameError::Io(_)) => return Cut::Closed,
            Err(error) => return Cut::Wrong(Ending::from(&error)),
        };
        let is_ready = ready.is_none();
        match heard {
            ToHost::Ready { speaks } if speaks == SPEAKS => {
                // Sent once; the receiver lives as long as it is awaited.
                let _ = ready.take().map(|ready| ready.send(()));
            }
            ToHost::NotReady(why) if !is_ready => return Cut::Wrong(Ending::not_ready(why)),
            ToHost::Ready { speaks } => return Cut::Wrong(Ending::foreign(&speaks)),
            _ if !is_ready => return Cut::Wrong(Ending::confused()),
            ToHost::Answer { id, answer } => pending.answered(id, answer),
            ToHost::Gone { id } => pending.gone(id),
            ToHost::Log(record) => serving.log(record),
            ToHost::HostCall { id, ask } => {
                if let Err(ending) = serving.ask(id, ask) {
                    return Cut::Wrong(ending);
                }
            }
            ToHost::Withdraw { id } => serving.withdraw(id),
            ToHost::NotReady(_) => return Cut::Wrong(Ending::confused()),
        }
    }
}
