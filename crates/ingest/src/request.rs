//! One HTTP request to a source, as plain data.

/// What the names of headers and parameters with secrets contain. No expression sees these,
/// so that no secret gets into a notification.
const SECRET_NAMES: [&str; 8] = [
    "authorization",
    "cookie",
    "token",
    "secret",
    "password",
    "api-key",
    "apikey",
    // By which Apprise names a configuration instead of in the path.
    "x-apprise-config-id",
];

/// One request to a source. The caller has checked who sends it, and bounds the body while
/// it reads it.
///
/// ```
/// use annunciator_ingest::Request;
///
/// let request = Request::new(b"{}", 1_700_000_000_000)
///     .header("Content-Type", b"application/json")
///     .path("api/v2/alerts");
/// # let _ = request;
/// ```
#[derive(Clone)]
#[must_use]
pub struct Request<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) now_ms: i64,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    headers: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Request<'a> {
    /// Creates a request from its body and the current time in milliseconds since the Unix
    /// epoch.
    pub fn new(body: &'a [u8], now_ms: i64) -> Self {
        Self {
            body,
            now_ms,
            path: "",
            query: "",
            headers: Vec::new(),
        }
    }

    /// Adds a header. Its name may be in upper or lower case.
    pub fn header(mut self, name: &'a str, value: &'a [u8]) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sets the path behind the source's name, percent-encoded as it was sent. The default
    /// is none.
    pub fn path(mut self, path: &'a str) -> Self {
        self.path = path.trim_matches('/');
        self
    }

    /// Sets the query, percent-encoded as it was sent, without `?`. The default is none.
    pub fn query(mut self, query: &'a str) -> Self {
        self.query = query;
        self
    }

    /// Returns the headers: their names in lower case, and their values with what is not
    /// UTF-8 replaced. Those that hold secrets are left out.
    pub(crate) fn open_headers(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let headers = self.headers.iter();
        headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .filter(|(name, _)| is_open(name))
            .map(|(name, value)| (name, String::from_utf8_lossy(value).into_owned()))
    }

    /// Returns the parameters of the query, decoded, without those that hold secrets.
    pub(crate) fn open_parameters(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let parameters = url::form_urlencoded::parse(self.query.as_bytes()).into_owned();
        parameters.filter(|(name, _)| is_open(&name.to_ascii_lowercase()))
    }

    /// Returns the value of `Content-Type`.
    pub(crate) fn content_type(&self) -> String {
        let mut headers = self.headers.iter();
        let found = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        found.map_or_else(String::new, |(_, value)| {
            String::from_utf8_lossy(value).into_owned()
        })
    }

    /// Returns the media type of the body, in lower case and without parameters.
    pub(crate) fn media_type(&self) -> String {
        let content_type = self.content_type();
        let essence = content_type.split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    }
}

/// Returns whether a name in lower case is none of a secret.
fn is_open(name: &str) -> bool {
    !SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("path", &self.path)
            .field("length", &self.body.len())
            .field("now_ms", &self.now_ms)
            .finish_non_exhaustive()
    }
}
