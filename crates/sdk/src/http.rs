//! HTTP requests that the host makes, and their responses.

use std::time::{Duration, SystemTime};

use annunciator_core::{
    ffi::{RString, RVec},
    services::{HttpHeaderV1, HttpRequestV1, HttpResponseV1},
};
use serde::{Serialize, de::DeserializeOwned};

/// An HTTP request for [`Host::http`](crate::Host::http).
#[derive(Debug, Clone)]
#[must_use]
pub struct HttpRequest(HttpRequestV1);

impl HttpRequest {
    /// Creates a request with any method to an absolute `http` or `https` address.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self(HttpRequestV1 {
            method: RString::from(method),
            url: RString::from(url.into()),
            headers: RVec::new(),
            body: RVec::new(),
            timeout_ms: 0,
            max_response_bytes: 0,
            follow_redirects: false,
            ca_file: RString::new(),
            extension_json: RString::new(),
        })
    }

    /// Creates a GET request.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// Creates a POST request.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.headers.push(HttpHeaderV1 {
            name: RString::from(name),
            value: RString::from(value.into()),
        });
        self
    }

    /// Sets the body.
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = RVec::from(body.into());
        self.header("Content-Type", content_type)
    }

    /// Sets a JSON body. A value that cannot be written as JSON results in an empty body, which a
    /// server refuses.
    pub fn json(self, value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).unwrap_or_default();
        self.body("application/json", body)
    }

    /// Limits the time from connecting to the last byte of the response.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// Limits how many bytes of the response's body are read.
    pub fn max_response(mut self, bytes: u64) -> Self {
        self.0.max_response_bytes = bytes;
        self
    }

    /// Trusts the certificates in a PEM file in addition to the system's.
    pub fn ca_file(mut self, path: impl Into<String>) -> Self {
        self.0.ca_file = RString::from(path.into());
        self
    }

    /// Limits the time of the request to what is left of its attempt.
    pub(crate) fn bounded(mut self, left: Option<Duration>) -> Self {
        let Some(left) = left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX))
        else {
            return self;
        };
        if self.0.timeout_ms == 0 || self.0.timeout_ms > left {
            self.0.timeout_ms = left.max(1);
        }
        self
    }

    pub(crate) fn into_raw(self) -> HttpRequestV1 {
        self.0
    }
}

/// The response to a request, with any status.
#[derive(Debug, Clone)]
pub struct HttpResponse(HttpResponseV1);

impl HttpResponse {
    pub(crate) fn new(raw: HttpResponseV1) -> Self {
        Self(raw)
    }

    /// Returns the status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// Returns whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.0.status)
    }

    /// Returns the first header with a name, which is not case-sensitive.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value.as_str())
    }

    /// Returns the body, up to the request's limit.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0.body
    }

    /// Returns the body as text; invalid UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.body).into_owned()
    }

    /// Parses the body as JSON.
    ///
    /// # Errors
    /// Fails with serde's error if the body is not JSON or does not have this shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.0.body)
    }

    /// Returns whether the body was longer than the request's limit.
    #[must_use]
    pub fn truncated(&self) -> bool {
        self.0.truncated
    }

    /// Returns the delay in `Retry-After` (RFC 9110, 10.2.3), which is a number of seconds or a
    /// date; a date is compared with `now`.
    #[must_use]
    pub fn retry_after(&self, now: SystemTime) -> Option<Duration> {
        let text = self.header("Retry-After")?.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let date = httpdate::parse_http_date(text).ok()?;
        Some(date.duration_since(now).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_retry_after(value: &str) -> Option<Duration> {
        let raw = HttpResponseV1 {
            status: 429,
            headers: RVec::from(vec![HttpHeaderV1 {
                name: "retry-after".into(),
                value: value.into(),
            }]),
            body: RVec::new(),
            truncated: false,
            extension_json: RString::new(),
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        HttpResponse::new(raw).retry_after(now)
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        assert_eq!(with_retry_after("120"), Some(Duration::from_secs(120)));
        let date = "Sun, 06 Nov 1994 08:50:37 GMT";
        assert_eq!(with_retry_after(date), Some(Duration::from_secs(60)));
        let past = "Sun, 06 Nov 1994 08:00:00 GMT";
        assert_eq!(with_retry_after(past), Some(Duration::ZERO));
        assert_eq!(with_retry_after("soon"), None);
    }
}
