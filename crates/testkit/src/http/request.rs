//! A request as a stand-in sees it, read to its end.
//!
//! It parses the forms that services accept (URL-encoded, multipart, JSON); a route decides which
//! of them it accepts.

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use tokio::time::Instant;
use url::form_urlencoded;

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) arrived: Instant,
}

impl Request {
    /// Returns the method, such as `GET` or `POST`.
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// Returns when the request's head had been read.
    pub fn arrived(&self) -> Instant {
        self.arrived
    }

    /// Returns the path, not decoded, with its leading slash and without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the segments of the path: `/a/b` is `["a", "b"]`.
    pub fn segments(&self) -> Vec<&str> {
        self.path.trim_start_matches('/').split('/').collect()
    }

    /// Returns the query after the question mark, not decoded.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// Returns a parameter of the query, decoded.
    pub fn query_value(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    }

    /// Returns the value of a header, if it is present and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the media type in lower case without its parameters; empty if the header is
    /// missing.
    pub fn media_type(&self) -> String {
        let whole = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let bare = whole.split(';').next().unwrap_or_default();
        bare.trim().to_ascii_lowercase()
    }

    /// Returns the body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the body as text; invalid UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Parses the body as JSON.
    ///
    /// # Errors
    /// Fails with serde_json's error.
    pub fn json(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
    }

    /// Parses the body as a URL-encoded form, and returns its fields in order.
    pub fn url_encoded(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body)
            .into_owned()
            .collect::<Vec<_>>()
    }

    /// Parses the body as a multipart form, and returns its parts in order, as name, media type
    /// and bytes.
    ///
    /// # Errors
    /// Fails with [`BadForm`] if the boundary or a part is malformed.
    pub async fn multipart(&self) -> Result<Vec<(String, Option<String>, Bytes)>, BadForm> {
        let content_type = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let boundary = multer::parse_boundary(content_type).map_err(BadForm)?;
        let mut form = multer::Multipart::with_reader(self.body.as_ref(), boundary);
        let mut parts = Vec::new();
        while let Some(field) = form.next_field().await.map_err(BadForm)? {
            let name = field.name().unwrap_or_default().to_owned();
            let media_type = field.content_type().map(ToString::to_string);
            parts.push((name, media_type, field.bytes().await.map_err(BadForm)?));
        }
        Ok(parts)
    }
}

/// The error of a multipart body that cannot be read.
#[derive(Debug)]
pub struct BadForm(multer::Error);

impl std::fmt::Display for BadForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "malformed multipart body: {}", self.0)
    }
}

impl std::error::Error for BadForm {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}
