//! The calls of the REST API v4 that a bot makes:
//! <https://developers.mattermost.com/api-documentation/>.
//!
//! Each has the bot's token in a header, and reads a limited part of the answer. The caller
//! interprets it.

use annunciator_sdk::{Host, HostError, HttpRequest, HttpResponse, Secret};

use crate::address::Address;
use crate::config::Config;

/// The maximum size of an answer that is read, in bytes. The server returns a post as a whole.
const MAX_RESPONSE_SIZE: u64 = 1024 * 1024;

/// A client of the API, with what every call contains.
pub(crate) struct Api {
    address: Address,
    token: Secret<String>,
    ca_file: Option<String>,
    logins: Vec<String>,
    host: Host,
}

impl Api {
    pub(crate) fn new(
        address: Address,
        token: &Secret<String>,
        config: &Config,
        host: Host,
    ) -> Self {
        Self {
            address,
            token: token.clone(),
            ca_file: config.ca_file.clone(),
            logins: config.logins(),
            host,
        }
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// Returns the address of a path below `/api/v4`.
    pub(crate) fn url(&self, segments: &[&str]) -> String {
        self.address.join(&[&["api", "v4"], segments].concat())
    }

    /// Makes a call.
    ///
    /// # Errors
    /// [`HostError`], if the host has no answer. Its text may contain secrets.
    pub(crate) async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HostError> {
        let bearer = format!("Bearer {}", self.token.expose().trim());
        let request = request
            .header("Authorization", bearer)
            .max_response(MAX_RESPONSE_SIZE);
        let request = match &self.ca_file {
            Some(path) => request.ca_file(path),
            None => request,
        };
        self.host.http(request).await
    }

    /// Returns all secrets, which no text may show.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let token = self.token.expose().trim().to_owned();
        [token].into_iter().chain(self.logins.clone()).collect()
    }
}
