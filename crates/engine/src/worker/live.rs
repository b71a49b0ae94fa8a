//! One worker that runs: calls go to it, several at a time, and answers come
//! back, or its ending does.

use std::{
    collections::HashMap,
    io,
    os::fd::BorrowedFd,
    pin::pin,
    process::ExitStatus,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use annunciator_core::{code::LogLevel, ffi::RStr, services::HostBox};
use tokio::{
    io::{AsyncWriteExt as _, BufReader},
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    process::Child,
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    ending::Ending,
    frame::{encode, read},
    message::{Answer, Call, SPEAKS, ToHost, ToWorker},
    process,
    program::WorkerProgram,
    said,
    serving::Serving,
};
use crate::plugin::NoAnswer;

/// How long a worker may take until it says that it is there.
const START_LIMIT: Duration = Duration::from_secs(10);
/// How long a call that was cancelled may go on before its worker is killed.
const GRACE: Duration = Duration::from_secs(1);
/// How long a worker that has hung up is given to end by itself.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Frames that wait to be written; whoever has more waits.
const MOST_FRAMES: usize = 64;

/// What is needed to start a worker.
pub(super) struct Start<'a> {
    pub(super) program: &'a WorkerProgram,
    pub(super) image: BorrowedFd<'a>,
    /// The plugin's file and note.
    pub(super) path: &'a str,
    pub(super) note_json: &'a str,
    /// Whom its plugin asks; none for one that only describes itself.
    pub(super) host: Option<Arc<HostBox>>,
    /// For the log.
    pub(super) channel: &'a str,
}

/// A worker. It is killed when this is dropped.
pub(super) struct Live {
    line: Arc<Line>,
    host: Option<Arc<HostBox>>,
    file: String,
    ended: watch::Receiver<Option<Ending>>,
}

/// What calls share with whoever attends to the worker.
struct Line {
    outgoing: mpsc::Sender<Vec<u8>>,
    calls: Mutex<Calls>,
    kill: CancellationToken,
    why: Mutex<Option<Ending>>,
    runtime: Handle,
}

#[derive(Default)]
struct Calls {
    next: u64,
    open: HashMap<u64, Waiting>,
    is_over: bool,
}

/// Who waits for the end of a call.
enum Waiting {
    Caller(oneshot::Sender<Answer>),
    /// Nobody any more; it is only to end.
    Nobody,
}

impl Live {
    /// Starts a worker and waits until it is there.
    pub(super) async fn start(start: Start<'_>) -> Result<Self, Ending> {
        let not_started = |error: io::Error| Ending::not_started(&error);
        let (child, socket) = process::start(start.program, start.image).map_err(not_started)?;
        let (reader, writer) = socket.into_split();
        let (outgoing, frames) = mpsc::channel(MOST_FRAMES);
        let (end, ended) = watch::channel(None);
        let (ready, is_ready) = oneshot::channel();
        let line = Arc::new(Line {
            outgoing: outgoing.clone(),
            calls: Mutex::default(),
            kill: CancellationToken::new(),
            why: Mutex::default(),
            runtime: Handle::current(),
        });
        let attended = Attended {
            child,
            reader,
            line: Arc::clone(&line),
            serving: Serving::new(start.host.clone(), outgoing),
            ready: Some(ready),
            channel: start.channel.to_owned(),
            writing: AbortOnDropHandle::new(tokio::spawn(write(writer, frames))),
        };
        drop(tokio::spawn(attended.attend(end)));
        let live = Self {
            line,
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
            // A worker that is gone is seen by its ending.
            let _ = live.line.outgoing.send(hello.unwrap_or_default()).await;
            is_ready.await.ok()
        };
        match timeout(START_LIMIT, greeting).await {
            Ok(Some(())) => Ok(live),
            Ok(None) => Err(live.ended().await),
            Err(_) => Err(Ending::late()),
        }
    }

    /// How it ended, when it has.
    pub(super) async fn ended(&self) -> Ending {
        let mut ended = self.ended.clone();
        let ended = ended.wait_for(Option::is_some).await;
        let ending = ended.ok().and_then(|ending| ending.clone());
        ending.unwrap_or_else(Ending::told_to)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.line.calls().is_over
    }

    /// Makes a call. Dropping the future cancels it.
    pub(super) async fn call(&self, call: Call, limit: Duration) -> Result<Answer, NoAnswer> {
        let (sender, answer) = oneshot::channel();
        let Some(open) = self.line.begin(sender) else {
            return Err(self.crashed().await);
        };
        let frame = encode(&ToWorker::Call {
            id: open.id,
            level: self.level(),
            call,
        });
        let Ok(frame) = frame else {
            return Err(NoAnswer::NotCalled(self.file.clone()));
        };
        let asking = async {
            self.line.outgoing.send(frame).await.ok()?;
            answer.await.ok()
        };
        match timeout(limit, asking).await {
            Ok(Some(Answer::Nothing(why))) => Err(why),
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(self.crashed().await),
            Err(_) => Err(NoAnswer::Late(self.file.clone())),
        }
    }

    /// Has it end now. For one that answers nonsense, or is closed.
    pub(super) fn kill(&self, why: Ending) {
        self.line.kill(why);
    }

    async fn crashed(&self) -> NoAnswer {
        NoAnswer::Crashed {
            file: self.file.clone(),
            ending: self.ended().await.to_string(),
        }
    }

    /// The most detailed level that the host keeps.
    fn level(&self) -> u32 {
        let host = self.host.as_ref();
        let keeps = |level: &&LogLevel| {
            host.is_some_and(|host| host.log_enabled(**level, RStr::from_str("")))
        };
        let most = LogLevel::KNOWN.iter().filter(keeps).max();
        most.map_or(0, |level| level.0)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.line.kill(Ending::told_to());
    }
}

impl Line {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` when the worker is no more.
    fn begin(self: &Arc<Self>, caller: oneshot::Sender<Answer>) -> Option<Open> {
        let mut calls = self.calls();
        if calls.is_over {
            return None;
        }
        calls.next += 1;
        let id = calls.next;
        calls.open.insert(id, Waiting::Caller(caller));
        Some(Open {
            line: Arc::clone(self),
            id,
        })
    }

    fn answered(&self, id: u64, answer: Answer) {
        let waiting = self.calls().open.remove(&id);
        if let Some(Waiting::Caller(caller)) = waiting {
            // Who has just stopped waiting hears nothing.
            let _ = caller.send(answer);
        }
    }

    /// A call has ended that nobody waits for.
    fn gone(&self, id: u64) {
        let mut calls = self.calls();
        if let Some(Waiting::Nobody) = calls.open.get(&id) {
            calls.open.remove(&id);
        }
    }

    fn kill(&self, why: Ending) {
        let mut reason = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        reason.get_or_insert(why);
        self.kill.cancel();
    }

    fn why(&self) -> Option<Ending> {
        let mut why = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        why.take()
    }
}

/// A call that is under way: where it is dropped without an answer, it is
/// cancelled, and the worker that does not let go of it is killed.
struct Open {
    line: Arc<Line>,
    id: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut calls = self.line.calls();
        let Some(waiting) = calls.open.get_mut(&self.id) else {
            return;
        };
        *waiting = Waiting::Nobody;
        drop(calls);
        let cancel = encode(&ToWorker::Cancel { id: self.id }).unwrap_or_default();
        if self.line.outgoing.try_send(cancel).is_err() {
            self.line.kill(Ending::stuck());
            return;
        }
        let (line, id) = (Arc::downgrade(&self.line), self.id);
        drop(self.line.runtime.spawn(async move {
            tokio::time::sleep(GRACE).await;
            let line = line.upgrade();
            if let Some(line) = line.filter(|line| line.calls().open.contains_key(&id)) {
                line.kill(Ending::stuck());
            }
        }));
    }
}

async fn write(mut to: OwnedWriteHalf, mut frames: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = frames.recv().await {
        if to.write_all(&frame).await.is_err() {
            // Whoever listens notices.
            return;
        }
    }
}

/// A worker as whoever attends to it has it.
struct Attended {
    child: Child,
    reader: OwnedReadHalf,
    line: Arc<Line>,
    serving: Serving,
    ready: Option<oneshot::Sender<()>>,
    channel: String,
    writing: AbortOnDropHandle<()>,
}

/// Why nobody listens any more.
enum Cut {
    Closed,
    Wrong(Ending),
}

impl Attended {
    /// Listens until the worker ends or is ended, and tells how.
    async fn attend(mut self, end: watch::Sender<Option<Ending>>) {
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
            line,
            mut serving,
            mut ready,
            channel: _channel,
            writing,
        } = self;
        let cut = {
            let mut listening = pin!(listen(reader, &line, &mut serving, &mut ready));
            tokio::select! {
                cut = &mut listening => Some(cut),
                () = line.kill.cancelled() => None,
                _ = child.wait() => {
                    // What it said before is still on its way.
                    timeout(LAST_WORDS, listening).await.ok()
                }
            }
        };
        let ending = match cut {
            None => end_now(&mut child, line.why()).await,
            Some(Cut::Wrong(ending)) => end_now(&mut child, Some(ending)).await,
            Some(Cut::Closed) => match timeout(LAST_WORDS, child.wait()).await {
                Ok(Ok(status)) => Ending::of(status),
                _ => end_now(&mut child, Some(Ending::closed())).await,
            },
        };
        drop((writing, serving));
        for stream in streams.into_iter().flatten() {
            // Somebody else may have inherited it.
            let _ = timeout(LAST_WORDS, stream).await;
        }
        let mut calls = line.calls();
        calls.is_over = true;
        let open = std::mem::take(&mut calls.open);
        drop(calls);
        // Who waits asks how it ended.
        end.send_replace(Some(ending));
        drop((ready, open));
    }
}

fn log(
    from: impl tokio::io::AsyncRead + Unpin + Send + 'static,
    channel: &str,
    stream: &'static str,
) -> AbortOnDropHandle<()> {
    let channel = channel.to_owned();
    AbortOnDropHandle::new(tokio::spawn(async move {
        said::log(from, &channel, stream).await;
    }))
}

/// Kills it; answers how it ended.
async fn end_now(child: &mut Child, why: Option<Ending>) -> Ending {
    let of = |status: Option<ExitStatus>| status.map_or_else(Ending::closed, Ending::of);
    let ended = child.try_wait().ok().flatten();
    if ended.is_none() {
        // It fails only where the process is gone.
        let _ = child.start_kill();
    }
    let killed = timeout(LAST_WORDS, child.wait()).await;
    let status = ended.or_else(|| killed.ok().and_then(Result::ok));
    why.unwrap_or_else(|| of(status))
}

async fn listen(
    reader: OwnedReadHalf,
    line: &Line,
    serving: &mut Serving,
    ready: &mut Option<oneshot::Sender<()>>,
) -> Cut {
    let mut reader = BufReader::new(reader);
    loop {
        let heard = match read::<ToHost>(&mut reader).await {
            Ok(Some(heard)) => heard,
            Ok(None) | Err(super::frame::FrameError::Io(_)) => return Cut::Closed,
            Err(error) => return Cut::Wrong(Ending::from(&error)),
        };
        let is_ready = ready.is_none();
        match heard {
            ToHost::Ready { speaks } if speaks == SPEAKS => {
                // Once; whoever waits for it has not gone away.
                let _ = ready.take().map(|ready| ready.send(()));
            }
            ToHost::Ready { speaks } => return Cut::Wrong(Ending::foreign(&speaks)),
            _ if !is_ready => return Cut::Wrong(Ending::confused()),
            ToHost::Answer { id, answer } => line.answered(id, answer),
            ToHost::Gone { id } => line.gone(id),
            ToHost::Log(record) => serving.log(record),
            ToHost::Ask { id, ask } => {
                if let Err(ending) = serving.ask(id, ask) {
                    return Cut::Wrong(ending);
                }
            }
            ToHost::Withdraw { id } => serving.withdraw(id),
        }
    }
}
