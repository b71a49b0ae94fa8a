//! A stand-in's answer: status, headers, body.
//!
//! The only headers that are added are `content-length`, and `content-type` where a constructor
//! names one.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::Value;

/// An answer of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Answer {
    /// Creates an answer without headers and body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Creates an answer of plain text.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self::status(status)
            .header("content-type", "text/plain; charset=utf-8")
            .body(body.into())
    }

    /// Creates a web page, such as a proxy's error or a login form.
    pub fn html(status: u16, body: impl Into<String>) -> Self {
        Self::status(status)
            .header("content-type", "text/html; charset=utf-8")
            .body(body.into())
    }

    /// Creates an answer of JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::status(status)
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Replaces the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Returns the status.
    pub fn status_code(&self) -> u16 {
        self.status
    }

    /// Converts to hyper's form. A status or header that HTTP does not allow is a mistake of the
    /// test, and is answered by 500 with a text that says so.
    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let Ok(status) = StatusCode::from_u16(self.status) else {
            return refused(format!("stand-in: {} is no HTTP status", self.status));
        };
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = status;
        for (name, value) in self.headers {
            let (Ok(parsed), Ok(value)) = (
                HeaderName::from_bytes(name.as_bytes()),
                HeaderValue::from_str(&value),
            ) else {
                return refused(format!(
                    "stand-in: {name} is not a header that HTTP can carry"
                ));
            };
            response.headers_mut().append(parsed, value);
        }
        response
    }
}

fn refused(why: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(why)));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
