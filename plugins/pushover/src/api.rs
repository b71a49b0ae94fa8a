//! The calls of Pushover's API: <https://pushover.net/api>.
//!
//! A call has the token and the parameters in its body, reads a limited part of the answer, and
//! uses no more connections than the service allows. The caller interprets the answer.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use annunciator_sdk::{Host, HostError, HttpRequest, HttpResponse, Secret};
use futures_util::lock::Mutex;
use url::{Url, form_urlencoded};

use crate::config::Config;

/// The maximum size of an answer that is read, in bytes.
const MAX_RESPONSE_SIZE: u64 = 64 * 1024;

/// The number of connections that the service allows at the same time:
/// <https://pushover.net/api#friendly>.
const CONNECTIONS: usize = 2;

/// The reason why a call has no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// No connection became free in time, so nothing was sent.
    Late,
    /// The host could not make the call, or lost the answer.
    Failed(HostError),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late => f.write_str("no time was left to send it"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// A client of the API, with what every call contains.
pub(crate) struct Api {
    base: String,
    token: Secret<String>,
    /// The logins in the addresses of the settings, which the service may repeat in its answers.
    logins: Vec<String>,
    ca_file: Option<String>,
    host: Host,
    connections: [Mutex<()>; CONNECTIONS],
    next: AtomicUsize,
}

impl Api {
    pub(crate) fn new(config: &Config, host: Host) -> Self {
        Self {
            base: config.api_url.trim_end_matches('/').to_owned(),
            token: config.token.clone(),
            logins: config.logins(),
            ca_file: config.ca_file.clone(),
            host,
            connections: Default::default(),
            next: AtomicUsize::new(0),
        }
    }

    /// Returns all secrets, which no text may show, except the recipient's key.
    pub(crate) fn secrets(&self) -> Vec<&str> {
        let logins = self.logins.iter().map(String::as_str);
        logins.chain([self.token()]).collect()
    }

    pub(crate) fn token(&self) -> &str {
        self.token.expose()
    }

    pub(crate) fn url(&self, path: &str) -> Option<Url> {
        Url::parse(&format!("{}{path}", self.base)).ok()
    }

    /// Adds what every request needs: the limit of the answer's size, and `ca_file`.
    pub(crate) fn limited(&self, request: HttpRequest) -> HttpRequest {
        let request = request.max_response(MAX_RESPONSE_SIZE);
        match &self.ca_file {
            Some(path) => request.ca_file(path),
            None => request,
        }
    }

    /// Makes a call with the token and the parameters in the body, which ends by `until`. An
    /// attempt that the engine cut off would not report which recipients got the message.
    ///
    /// # Errors
    /// [`NoAnswer`], if nothing was sent in time, or the host has no answer.
    pub(crate) async fn post(
        &self,
        path: &str,
        fields: &[(&'static str, String)],
        until: Option<SystemTime>,
    ) -> Result<HttpResponse, NoAnswer> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("token", self.token())
            .extend_pairs(fields)
            .finish();
        let request = HttpRequest::post(format!("{}{path}", self.base))
            .body("application/x-www-form-urlencoded", body);
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % CONNECTIONS;
        let _connection = match self.connections.get(turn) {
            Some(connection) => Some(connection.lock().await),
            None => None,
        };
        let mut request = self.limited(request);
        if let Some(until) = until {
            let left = until.duration_since(self.host.now()).unwrap_or_default();
            if left.is_zero() {
                return Err(NoAnswer::Late);
            }
            request = request.timeout(left);
        }
        self.host.http(request).await.map_err(NoAnswer::Failed)
    }
}
