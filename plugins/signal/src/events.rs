//! What a daemon over HTTP receives: a stream of server-sent events at `/api/v1/events`.
//!
//! The host's own requests end with the answer, so that this connection is the plugin's own, and
//! only over plain HTTP. The stream is that of `src/main/java/org/asamk/signal/http` in
//! <https://github.com/AsamK/signal-cli>, in the form of
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{ACCEPT, HOST},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    net::TcpStream,
    sync::mpsc,
    task::AbortHandle,
    time::{Instant, timeout, timeout_at},
};

use crate::reply::Failure;

/// The path of JSON-RPC and that of the events (signal-cli's manual, `daemon --http`).
const RPC_PATH: &str = "/api/v1/rpc";
const EVENTS_PATH: &str = "/api/v1/events";

/// The timeout of connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest silence of a stream. The daemon sends a line every 15 seconds to keep it alive
/// (`HttpServerHandler.java`); without that, the connection is lost.
const MAX_SILENCE: Duration = Duration::from_secs(60);

/// The maximum length of an event, in bytes. A reaction is short; a longer event is discarded.
const MAX_EVENT_LENGTH: usize = 256 * 1024;

/// The events of a daemon over HTTP.
pub(crate) struct Events {
    /// The address as `host:port`.
    authority: String,
    incoming: mpsc::Sender<Value>,
}

/// A stream of events. It ends when this is dropped.
pub(crate) struct Stream {
    /// Closed when the stream has ended.
    alive: mpsc::Sender<()>,
    tasks: [AbortHandle; 2],
}

impl Events {
    /// Returns the address of the events for that of JSON-RPC, or `None` if there is none that this
    /// plugin can read: over https, or at a path that is not the daemon's own.
    pub(crate) fn authority(rpc: &str) -> Option<String> {
        let authority = rpc.strip_prefix("http://")?.strip_suffix(RPC_PATH)?;
        if authority.is_empty() || authority.contains('/') {
            return None;
        }
        let port = authority.rsplit_once(':').map(|(_, port)| port);
        let has_port = port.is_some_and(|port| port.parse::<u16>().is_ok());
        Some(match has_port {
            true => authority.to_owned(),
            false => format!("{authority}:80"),
        })
    }

    pub(crate) fn new(authority: String, incoming: mpsc::Sender<Value>) -> Self {
        Self {
            authority,
            incoming,
        }
    }

    /// Begins to read what an account receives.
    ///
    /// # Errors
    /// The daemon cannot be reached, or does not answer with a stream.
    pub(crate) async fn subscribe(&self, account: &str, end: Instant) -> Result<Stream, Failure> {
        let limit = end.min(Instant::now() + CONNECT_TIMEOUT);
        // A plus sign would be a blank in a query.
        let query = format!("?account={}", account.replace('+', "%2B"));
        let opened = match timeout_at(limit, self.open(&query)).await {
            // A daemon that decodes a query twice knows no such account. It reports all then.
            Ok(Err(Failure::Status { status: 400, .. })) => timeout_at(limit, self.open("")).await,
            opened => opened,
        };
        match opened {
            Ok(opened) => opened,
            Err(_) => Err(Failure::TimedOut("the daemon did not answer in time")),
        }
    }

    async fn open(&self, query: &str) -> Result<Stream, Failure> {
        let not_reached = |error: &dyn ToString| Failure::NotReached(error.to_string());
        let stream = TcpStream::connect(self.authority.as_str())
            .await
            .map_err(|error| not_reached(&error))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| not_reached(&error))?;
        // It ends with the connection, or with the stream.
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        let connection = connection.abort_handle();
        let request = Request::get(format!("{EVENTS_PATH}{query}"))
            .header(HOST, &self.authority)
            .header(ACCEPT, "text/event-stream")
            .body(Empty::<Bytes>::new())
            .map_err(|error| not_reached(&error))?;
        let response = sender.send_request(request).await.map_err(|error| {
            connection.abort();
            not_reached(&error)
        })?;
        if response.status() != StatusCode::OK {
            connection.abort();
            return Err(Failure::Status {
                status: response.status().as_u16(),
                wait: None,
            });
        }
        let (alive, ended) = mpsc::channel(1);
        let incoming = self.incoming.clone();
        let reading = tokio::spawn(async move {
            read(response, &incoming).await;
            // The connection ends when its only sender is dropped.
            drop((sender, ended));
        });
        Ok(Stream {
            alive,
            tasks: [connection, reading.abort_handle()],
        })
    }
}

impl Stream {
    /// Waits until the stream has ended.
    pub(crate) async fn ended(&self) {
        self.alive.closed().await;
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Passes on each event until the stream ends.
async fn read(response: Response<Incoming>, incoming: &mpsc::Sender<Value>) {
    let mut body = response.into_body();
    let mut parser = Parser::default();
    while let Ok(Some(Ok(frame))) = timeout(MAX_SILENCE, body.frame()).await {
        let Ok(bytes) = frame.into_data() else {
            continue;
        };
        for data in parser.feed(&bytes) {
            let Ok(parameters) = serde_json::from_slice(&data) else {
                tracing::debug!("the daemon sent an event that is not JSON");
                continue;
            };
            if incoming.try_send(parameters).is_err() {
                tracing::debug!("the daemon receives more than can be read");
            }
        }
    }
}

/// Finds the data of events in a stream.
#[derive(Default)]
struct Parser {
    line: Vec<u8>,
    data: Vec<u8>,
    /// Whether the event is too long, so that the rest of it is skipped.
    is_skipped: bool,
}

impl Parser {
    /// Takes the next bytes, and returns the data of the events that end in them.
    fn feed(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        for byte in bytes {
            if *byte != b'\n' {
                self.is_skipped |= self.line.len() + self.data.len() >= MAX_EVENT_LENGTH;
                if !self.is_skipped {
                    self.line.push(*byte);
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            if line.is_empty() && !self.is_skipped {
                let data = std::mem::take(&mut self.data);
                found.extend((!data.is_empty()).then_some(data));
            } else if let Some(data) = line.strip_prefix(b"data:") {
                self.data.extend_from_slice(data);
            }
            if line.is_empty() && std::mem::take(&mut self.is_skipped) {
                self.data.clear();
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(found: Vec<Vec<u8>>) -> Vec<String> {
        let texts = found
            .into_iter()
            .map(|data| String::from_utf8(data).unwrap());
        texts.collect()
    }

    #[test]
    fn events_are_found_wherever_the_stream_is_cut() {
        let stream =
            b":\nid:1\nevent:receive\ndata:{\"a\":1}\n\n:\r\ndata:{\"b\":\r\ndata: 2}\r\n\r\n";
        for length in 1..stream.len() {
            let mut parser = Parser::default();
            let parts = stream.chunks(length).flat_map(|part| parser.feed(part));
            let found = texts(parts.collect());
            assert_eq!(found, ["{\"a\":1}", "{\"b\": 2}"], "{length}");
        }
    }

    #[test]
    fn an_event_that_is_too_long_is_skipped_and_the_next_is_not() {
        let mut parser = Parser::default();
        let long = format!("data:{}\n", "x".repeat(MAX_EVENT_LENGTH + 1));
        assert!(parser.feed(long.as_bytes()).is_empty());
        assert!(parser.feed(long.as_bytes()).is_empty());
        assert!(parser.data.len() <= MAX_EVENT_LENGTH);
        assert_eq!(texts(parser.feed(b"\ndata:1\n\n")), ["1"]);
    }

    #[test]
    fn only_the_daemons_own_path_over_http_has_events() {
        for (rpc, expected) in [
            ("http://h:8080/api/v1/rpc", Some("h:8080")),
            ("http://h/api/v1/rpc", Some("h:80")),
            ("http://[::1]/api/v1/rpc", Some("[::1]:80")),
            ("http://[::1]:1/api/v1/rpc", Some("[::1]:1")),
            ("https://h/api/v1/rpc", None),
            ("http://h/x/rpc", None),
            ("http://h/x/api/v1/rpc", None),
        ] {
            assert_eq!(Events::authority(rpc).as_deref(), expected, "{rpc}");
        }
    }
}
