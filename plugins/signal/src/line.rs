//! JSON-RPC over a TCP port or a unix socket: one object on each line, answers in any order, and
//! notifications of incoming messages between them.
//!
//! One connection is kept. An answer belongs to the request with its ID. What the daemon receives
//! is passed on, as long as somebody takes it.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
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

/// The maximum number of notifications of incoming messages that wait to be read.
pub(crate) const MAX_INCOMING: usize = 64;
/// The maximum length of a notification that is passed on, in bytes. A reaction is short, and so is
/// a reply that says `ack`; a notification may contain whole attachments.
const MAX_INCOMING_LENGTH: usize = 256 * 1024;

/// Passes on what a daemon receives, while somebody takes it.
#[derive(Clone)]
struct Incoming {
    sender: mpsc::Sender<Value>,
    is_taken: Arc<AtomicBool>,
}

impl Incoming {
    /// Passes on the parameters of a notification of this length.
    fn pass(&self, notification: &mut Value, length: usize) {
        if length > MAX_INCOMING_LENGTH || !self.is_taken.load(Ordering::Relaxed) {
            return;
        }
        let parameters = notification.get_mut("params").map(Value::take);
        if self
            .sender
            .try_send(parameters.unwrap_or_default())
            .is_err()
        {
            tracing::debug!("the daemon receives more than can be read");
        }
    }
}

/// The connection to a daemon.
pub(crate) struct Line {
    endpoint: Endpoint,
    /// Takes the parameters of each notification of an incoming message.
    incoming: Incoming,
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
    /// Creates a connection that passes on what the daemon receives. If nobody takes it, or not
    /// fast enough, it is discarded.
    pub(crate) fn new(endpoint: Endpoint, incoming: mpsc::Sender<Value>) -> Self {
        Self {
            endpoint,
            incoming: Incoming {
                sender: incoming,
                is_taken: Arc::default(),
            },
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

    /// Subscribes to what an account receives. A daemon receives only then if it was started with
    /// `--receive-mode=manual`; in its other modes, it reports that to every connection anyway.
    ///
    /// # Errors
    /// The daemon cannot be reached or does not answer. A version without subscriptions reports to
    /// every connection, and so does one that refuses.
    pub(crate) async fn subscribe(
        &self,
        account: &str,
        end: Instant,
    ) -> Result<Subscription, Failure> {
        self.incoming.is_taken.store(true, Ordering::Relaxed);
        let parameters = json!({ "account": account });
        let id = match self.call("subscribeReceive", parameters, end).await {
            Ok(result) => result.as_i64(),
            Err(Failure::Refused { code, message, .. }) => {
                tracing::debug!(code, "the daemon takes no subscription: {message}");
                None
            }
            Err(failure) => return Err(failure),
        };
        let connection = self.connection.lock().await.clone();
        let connection = connection.ok_or_else(|| {
            Failure::Lost("the connection ended after the subscription".to_owned())
        })?;
        Ok(Subscription { id, connection })
    }

    /// Ends a subscription. It has ended anyway if the connection is gone.
    pub(crate) async fn unsubscribe(
        &self,
        account: &str,
        subscription: Subscription,
        end: Instant,
    ) {
        self.incoming.is_taken.store(false, Ordering::Relaxed);
        if let Some(id) = subscription.id {
            let parameters = json!({ "account": account, "subscription": id });
            if let Err(failure) = self.call("unsubscribeReceive", parameters, end).await {
                tracing::debug!("the subscription has not ended: {failure:?}");
            }
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
                Endpoint::Unix(path) => {
                    let stream = UnixStream::connect(path).await?;
                    Connection::over(stream, self.incoming.clone())
                }
                Endpoint::Tcp(address) => {
                    let stream = TcpStream::connect(address.as_str()).await?;
                    stream.set_nodelay(true)?;
                    Connection::over(stream, self.incoming.clone())
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

/// A subscription to what an account receives.
pub(crate) struct Subscription {
    id: Option<i64>,
    connection: Arc<Connection>,
}

impl Subscription {
    /// Waits until the connection is gone.
    pub(crate) async fn ended(&self) {
        self.connection.outgoing.closed().await;
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
    fn over(stream: impl AsyncRead + AsyncWrite + Send + 'static, incoming: Incoming) -> Self {
        let (read, mut write) = tokio::io::split(stream);
        let (outgoing, mut lines) = mpsc::unbounded_channel::<Outgoing>();
        let waiting = Waiting::default();
        let known = Arc::clone(&waiting);
        let mut reading = tokio::spawn(async move { receive(read, &known, &incoming).await });
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

/// Passes each answer to the call that waits for it, passes on what the daemon receives, and
/// ignores other lines.
async fn receive(
    read: impl AsyncRead + Unpin,
    waiting: &Waiting,
    incoming: &Incoming,
) -> io::Result<()> {
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
        let Ok(mut answer) = serde_json::from_slice::<Value>(&line) else {
            tracing::debug!("the daemon sent a line that is not JSON");
            continue;
        };
        if answer.get("method").and_then(Value::as_str) == Some("receive") {
            incoming.pass(&mut answer, line.len());
            continue;
        }
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
