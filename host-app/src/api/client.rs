//! The client of the API at a control socket.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use annunciator_web::{PROBLEM_TYPE, Problem, page::part};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, StatusCode,
    body::Bytes,
    client::conn::http1,
    header::{CONTENT_TYPE, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use tokio::{net::UnixStream, runtime, time::timeout};

/// The timeout for requests that the monitor can answer at once.
const SHORT_TIMEOUT: Duration = Duration::from_secs(10);
/// The timeout for messages and reloads. A message is answered when its channels have
/// answered, which takes as long as an attempt: 30 s by default. A reload waits for
/// channels to open.
const LONG_TIMEOUT: Duration = Duration::from_secs(300);
/// Where the API begins.
const API: &str = "/api/v1";

/// Returns the path of a host, below the API.
#[must_use]
pub fn host_path(host: &str) -> String {
    format!("/hosts/{}", part(host))
}

/// An error returned when the monitor did not get a request, or did not carry it out.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No monitor answers.
    #[error("no monitor answers at {}: {source}", path.display())]
    NoMonitor {
        /// The path of the socket.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A process has the socket and does not answer.
    #[error(
        "the monitor at {} does not answer within {} s: is it stopped, or the machine very busy?",
        path.display(),
        timeout.as_secs()
    )]
    Mute {
        /// The path of the socket.
        path: PathBuf,
        /// The timeout that has passed.
        timeout: Duration,
    },
    /// The request is too long.
    #[error(
        "the request would have {length} bytes, and at most {max} are allowed: write a shorter text"
    )]
    TooLong {
        /// The length, in bytes.
        length: usize,
        /// The maximum, in bytes.
        max: usize,
    },
    /// The monitor ended before it answered.
    #[error(
        "the monitor ended before it answered: `hbd deliveries` shows what it had recorded by then"
    )]
    Gone,
    /// The answer is invalid.
    #[error("the monitor's answer cannot be understood, perhaps it is of another version: {0}")]
    Odd(String),
    /// The request could not be made.
    #[error("the request cannot be made: {0}")]
    Unmade(String),
    /// The monitor refused the request.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
}

/// A client of a running monitor.
///
/// Its methods block, and may be called from any thread.
#[derive(Debug, Clone)]
pub struct Client {
    socket: PathBuf,
}

/// A request.
struct Call<'a> {
    method: Method,
    path: &'a str,
    body: Option<Vec<u8>>,
    timeout: Duration,
}

impl Client {
    /// Creates the client of the monitor behind a control socket.
    #[must_use]
    pub fn new(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
        }
    }

    /// Asks for what is at a path below the API, such as `/status`.
    ///
    /// # Errors
    /// Returns [`ClientError`] if the monitor did not get the request, or refused it.
    pub fn get(&self, path: &str) -> Result<Json, ClientError> {
        self.call(Call {
            method: Method::GET,
            path,
            body: None,
            timeout: SHORT_TIMEOUT,
        })
    }

    /// Sends a body.
    ///
    /// # Errors
    /// The same as [`get`](Self::get).
    pub fn put(&self, path: &str, body: &Json) -> Result<Json, ClientError> {
        self.call(Call {
            method: Method::PUT,
            path,
            body: Some(encode(body)?),
            timeout: SHORT_TIMEOUT,
        })
    }

    /// Deletes what is at a path.
    ///
    /// # Errors
    /// The same as [`get`](Self::get).
    pub fn delete(&self, path: &str) -> Result<Json, ClientError> {
        self.call(Call {
            method: Method::DELETE,
            path,
            body: None,
            timeout: SHORT_TIMEOUT,
        })
    }

    /// Has something done that may take long, such as a reload.
    ///
    /// # Errors
    /// The same as [`get`](Self::get).
    pub fn post(&self, path: &str, body: Option<&Json>) -> Result<Json, ClientError> {
        self.call(Call {
            method: Method::POST,
            path,
            body: body.map(encode).transpose()?,
            timeout: LONG_TIMEOUT,
        })
    }

    /// Sends a body of at most `max` bytes, such as a notification.
    ///
    /// # Errors
    /// The same as [`get`](Self::get), and [`ClientError::TooLong`].
    pub fn post_within(&self, path: &str, body: &Json, max: usize) -> Result<Json, ClientError> {
        let body = encode(body)?;
        if body.len() > max {
            let length = body.len();
            return Err(ClientError::TooLong { length, max });
        }
        self.call(Call {
            method: Method::POST,
            path,
            body: Some(body),
            timeout: LONG_TIMEOUT,
        })
    }

    fn call(&self, call: Call<'_>) -> Result<Json, ClientError> {
        // A thread of its own, since the caller's may be one of a runtime, which must not
        // block.
        std::thread::scope(|scope| {
            let calling = scope.spawn(|| {
                let runtime = runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|error| ClientError::Unmade(error.to_string()))?;
                runtime.block_on(self.converse(call))
            });
            calling.join().unwrap_or(Err(ClientError::Gone))
        })
    }

    async fn converse(&self, call: Call<'_>) -> Result<Json, ClientError> {
        let limit = call.timeout;
        let conversing = self.converse_without_limit(call);
        timeout(limit, conversing).await.unwrap_or_else(|_| {
            Err(ClientError::Mute {
                path: self.socket.clone(),
                timeout: limit,
            })
        })
    }

    async fn converse_without_limit(&self, call: Call<'_>) -> Result<Json, ClientError> {
        let stream = UnixStream::connect(&self.socket).await;
        let stream = stream.map_err(|source| ClientError::NoMonitor {
            path: self.socket.clone(),
            source,
        })?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|_| ClientError::Gone)?;
        let connection = tokio::spawn(connection);
        let request = request(call)?;
        let response = sender.send_request(request).await;
        let response = response.map_err(|_| ClientError::Gone)?;
        let status = response.status();
        let is_problem =
            response.headers().get(CONTENT_TYPE) == Some(&HeaderValue::from_static(PROBLEM_TYPE));
        let body = response.into_body().collect().await;
        let body = body.map_err(|_| ClientError::Gone)?.to_bytes();
        connection.abort();
        read(status, is_problem, &body)
    }
}

fn encode(body: &Json) -> Result<Vec<u8>, ClientError> {
    serde_json::to_vec(body).map_err(|error| ClientError::Unmade(error.to_string()))
}

fn request(call: Call<'_>) -> Result<Request<Full<Bytes>>, ClientError> {
    let mut request = Request::builder()
        .method(call.method)
        .uri(format!("{API}{}", call.path))
        // Requests need one; a Unix socket has none.
        .header(HOST, "localhost");
    if call.body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let body = Full::from(call.body.unwrap_or_default());
    let request = request.body(body);
    request.map_err(|error| ClientError::Unmade(error.to_string()))
}

fn read(status: StatusCode, is_problem: bool, body: &[u8]) -> Result<Json, ClientError> {
    let odd = |error: serde_json::Error| ClientError::Odd(error.to_string());
    if is_problem {
        let problem: Problem = serde_json::from_slice(body).map_err(odd)?;
        return Err(ClientError::Refused(Box::new(problem)));
    }
    if !status.is_success() {
        return Err(ClientError::Odd(format!("the status is {status}")));
    }
    serde_json::from_slice(body).map_err(odd)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_request_that_is_too_long_is_refused_with_the_bound() {
        let client = Client::new(Path::new("none"));
        let error = client.post_within("/notifications", &"x".repeat(100).into(), 10);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("and at most 10 are allowed"), "{error}");
    }

    #[tokio::test]
    async fn a_monitor_that_says_nothing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        // It never accepts, like a monitor that is stopped.
        let _listener = UnixListener::bind(&path).unwrap();
        let call = Call {
            method: Method::GET,
            path: "/status",
            body: None,
            timeout: Duration::from_millis(10),
        };
        let error = Client::new(&path).converse(call).await.unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, ClientError::Mute { .. }), "{said}");
        assert!(said.starts_with("the monitor at /"), "{said}");
        assert!(said.contains("control.sock does not answer"), "{said}");
    }

    #[test]
    fn any_name_of_a_host_is_one_segment() {
        assert_eq!(host_path("web-01.example"), "/hosts/web-01.example");
        assert_eq!(host_path("a/b c?ä"), "/hosts/a%2Fb%20c%3F%C3%A4");
        assert_eq!(host_path(".."), "/hosts/%2E%2E");
    }

    #[test]
    fn no_monitor_is_said_so() {
        let error = Client::new(Path::new("/nowhere/x")).get("/status");
        let error = error.unwrap_err();
        assert!(matches!(error, ClientError::NoMonitor { .. }), "{error}");
    }
}
