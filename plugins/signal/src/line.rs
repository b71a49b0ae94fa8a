//! JSON-RPC over a TCP port or a unix socket: one object on each line, answers in any order, and
//! notifications of incoming messages between them.
//!
//! One connection is kept. An answer belongs to the request with its ID.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpStream, UnixStream},
    sync::{mpsc, oneshot},
    task::AbortHandle,
    time::{Instant, timeout_at},
};

use crate::{
    endpoint::Endpoint,
    reply::{Failure, read_rpc},
};

/// The maximum length of a line that is read, in bytes. An incoming message may be long; it is
/// discarded.
const LINE_MAX: u64 = 16 * 1024 * 1024;
/// The timeout of connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The requests without an answer, by their IDs.
type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;
/// A line to write, and the channel that reports whether it was written.
type Outgoing = (String, oneshot::Sender<io::Result<()>>);

/// The connection to a daemon.
pub(crate) struct Line {
    endpoint: Endpoint,
    next: AtomicU64,
    connection: tokio::sync::Mutex<Option<Arc<Connection>>>,
}

struct Connection {
    outgoing: mpsc::UnboundedSender<Outgoing>,
    waiting: Waiting,
    /// Both tasks. They end with the connection, even in the middle of a write that the daemon does
    /// not read.
    tasks: [AbortHandle; 2],
}

impl Line {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            next: AtomicU64::new(1),
            connection: tokio::sync::Mutex::new(None),
        }
    }

    /// Calls a method and returns its result.
    pub(crate) async fn call(
        &self,
        method: &str,
        parameters: Value,
        end: Instant,
    ) -> Result<Value, Failure> {
        loop {
            let (connection, fresh) = self.connect(end).await?;
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            let request =
                json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": parameters });
            let (sender, receiver) = oneshot::channel();
            lock(&connection.waiting).insert(id, sender);
            let _forget = Forget(&connection.waiting, id);
            if let Err(error) = connection.write(format!("{request}\n"), end).await {
                *self.connection.lock().await = None;
                if fresh || !matches!(error, Failure::NotReached(_)) {
                    return Err(error);
                }
                // The kept connection had ended. Nothing was sent.
                continue;
            }
            return match timeout_at(end, receiver).await {
                Ok(Ok(answer)) => read_rpc(&answer),
                Ok(Err(_)) => {
                    let text = "the daemon closed the connection before it answered";
                    Err(Failure::Lost(text.to_owned()))
                }
                Err(_) => Err(Failure::TimedOut("the daemon did not answer in time")),
            };
        }
    }

    /// Returns the kept connection or a new one, and whether it is new.
    async fn connect(&self, end: Instant) -> Result<(Arc<Connection>, bool), Failure> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = kept.as_ref().filter(|kept| !kept.outgoing.is_closed()) {
            return Ok((Arc::clone(connection), false));
        }
        let open = async {
            Ok::<_, io::Error>(match &self.endpoint {
                Endpoint::Unix(path) => Connection::over(UnixStream::connect(path).await?),
                Endpoint::Tcp(address) => {
                    let stream = TcpStream::connect(address.as_str()).await?;
                    stream.set_nodelay(true)?;
                    Connection::over(stream)
                }
                Endpoint::Http(_) => return Err(io::ErrorKind::Unsupported.into()),
            })
        };
        let limit = end.min(Instant::now() + CONNECT_TIMEOUT);
        let connection = match timeout_at(limit, open).await {
            Ok(Ok(connection)) => Arc::new(connection),
            Ok(Err(error)) => return Err(Failure::NotReached(error.to_string())),
            Err(_) => return Err(Failure::NotReached("connecting took too long".to_owned())),
        };
        *kept = Some(Arc::clone(&connection));
        Ok((connection, true))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Connection {
    /// Starts the two tasks of a connection. A task does the writing, so that a caller that is
    /// cancelled never leaves half a line behind.
    fn over(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        let (read, mut write) = tokio::io::split(stream);
        let (outgoing, mut lines) = mpsc::unbounded_channel::<Outgoing>();
        let waiting = Waiting::default();
        let known = Arc::clone(&waiting);
        let mut reading = tokio::spawn(async move { receive(read, &known).await });
        let read_task = reading.abort_handle();
        let known = Arc::clone(&waiting);
        let writing = tokio::spawn(async move {
            loop {
                tokio::select! {
                    biased;
                    _ = &mut reading => break,
                    line = lines.recv() => {
                        let Some((line, sender)) = line else { break };
                        let written = write.write_all(line.as_bytes()).await;
                        let failed = written.is_err();
                        let _ = sender.send(written);
                        if failed {
                            break;
                        }
                    }
                }
            }
            reading.abort();
            lines.close();
            // The calls that still wait learn that the connection is lost.
            lock(&known).clear();
        });
        let tasks = [read_task, writing.abort_handle()];
        Self {
            outgoing,
            waiting,
            tasks,
        }
    }

    /// Writes a whole line. After `NotReached`, the daemon cannot act on it. After `TimedOut`, it
    /// may.
    async fn write(&self, line: String, end: Instant) -> Result<(), Failure> {
        let gone = || Failure::NotReached("the connection was closed".to_owned());
        let (sender, receiver) = oneshot::channel();
        self.outgoing.send((line, sender)).map_err(|_| gone())?;
        match timeout_at(end, receiver).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(Failure::NotReached(error.to_string())),
            Ok(Err(_)) => Err(gone()),
            // The task may still write the line.
            Err(_) => Err(Failure::TimedOut("the daemon did not read in time")),
        }
    }
}

/// Passes each answer to the call that waits for it, and ignores other lines.
async fn receive(read: impl AsyncRead + Unpin, waiting: &Waiting) -> io::Result<()> {
    let mut reader = BufReader::new(read);
    let mut line = Vec::new();
    loop {
        line.clear();
        let octets = (&mut reader)
            .take(LINE_MAX)
            .read_until(b'\n', &mut line)
            .await?;
        if octets == 0 || line.last() != Some(&b'\n') {
            return Ok(());
        }
        let Ok(answer) = serde_json::from_slice::<Value>(&line) else {
            tracing::debug!("the daemon sent a line that is not JSON");
            continue;
        };
        let id = answer.get("id").and_then(Value::as_u64);
        let asker = id.and_then(|id| lock(waiting).remove(&id));
        if let Some(asker) = asker {
            let _ = asker.send(answer);
        }
    }
}

fn lock(
    waiting: &Mutex<HashMap<u64, oneshot::Sender<Value>>>,
) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Value>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes a request from the list when no call waits for it any more.
struct Forget<'a>(&'a Waiting, u64);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        lock(self.0).remove(&self.1);
    }
}
