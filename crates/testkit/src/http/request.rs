//! A request as a stand-in sees it, read to its end.
//!
//! Parses the forms that services accept (URL-encoded, multipart, JSON); which
//! of them a route accepts is the route's to decide.

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use tokio::time::Instant;
use url::form_urlencoded;

/// One request.
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
    /// `GET`, `POST` and so on.
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// When its head had been read.
    pub fn arrived(&self) -> Instant {
        self.arrived
    }

    /// The path, undecoded, with its leading slash and without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path cut at its slashes: `/a/b` is `["a", "b"]`.
    pub fn segments(&self) -> Vec<&str> {
        self.path.trim_start_matches('/').split('/').collect()
    }

    /// What stands behind the question mark, undecoded.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// A parameter of the query, decoded.
    pub fn query_value(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    }

    /// A header's value, when it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The media type in lower case, without its parameters; empty when the
    /// header is missing.
    pub fn media_type(&self) -> String {
        let whole = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let bare = whole.split(';').next().unwrap_or_default();
        bare.trim().to_ascii_lowercase()
    }

    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text, with what is no UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// What serde_json says.
    pub fn json(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
    }

    /// The body's fields as a URL-encoded form, in order.
    pub fn url_encoded(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body)
            .into_owned()
            .collect::<Vec<_>>()
    }

    /// The body's parts as a multipart form, in order: name, media type, bytes.
    ///
    /// # Errors
    /// [`BadForm`] when the boundary or a part is malformed.
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

/// A multipart body that can't be read.
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
