//! Pings as clients of Healthchecks send them: a job says that it has begun, ended or failed.
//!
//! The addresses: <https://healthchecks.io/docs/http_api/>. Knows no jobs and no keys.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The maximum length of a body that is kept, in bytes: the default of Healthchecks
/// (`PING_BODY_LIMIT`, <https://healthchecks.io/docs/self_hosted_configuration/>).
pub const MAX_PING_BODY: usize = 10_000;
/// The maximum length of a key and of a host, in bytes.
const MAX_PART_LENGTH: usize = 253;

/// What a job says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// It has succeeded.
    Success,
    /// It has begun.
    Start,
    /// It has failed.
    Fail,
    /// Something for the record, which changes nothing.
    Log,
    /// It has ended with this exit status, where 0 is a success.
    ExitStatus(u8),
}

impl Signal {
    /// Reads the last part of a path.
    fn named(part: &str) -> Option<Self> {
        match part {
            "start" => Some(Self::Start),
            "fail" => Some(Self::Fail),
            "log" => Some(Self::Log),
            digits if !digits.is_empty() && digits.bytes().all(|one| one.is_ascii_digit()) => {
                digits.parse().ok().map(Self::ExitStatus)
            }
            _ => None,
        }
    }

    /// Returns whether the job has ended well, or `None` if it has not ended.
    #[must_use]
    pub fn is_success(self) -> Option<bool> {
        match self {
            Self::Success => Some(true),
            Self::Fail => Some(false),
            Self::ExitStatus(status) => Some(status == 0),
            Self::Start | Self::Log => None,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success | Self::ExitStatus(0) => f.write_str("success"),
            Self::Start => f.write_str("start"),
            Self::Fail => f.write_str("failure"),
            Self::Log => f.write_str("log"),
            Self::ExitStatus(status) => write!(f, "failure with exit status {status}"),
        }
    }
}

/// One ping: what a job says, and its output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// What the job says.
    pub signal: Signal,
    /// The id of the run, by which a start belongs to an end.
    pub run_id: Option<Uuid>,
    /// The body as text, with what is not UTF-8 replaced; at most [`MAX_PING_BODY`] bytes.
    pub body: Box<str>,
    /// Whether the body was longer.
    pub is_cut: bool,
}

impl Ping {
    /// Creates a ping without a body.
    #[must_use]
    pub fn new(signal: Signal) -> Self {
        Self {
            signal,
            run_id: None,
            body: Box::default(),
            is_cut: false,
        }
    }

    /// Sets the body, of which [`MAX_PING_BODY`] bytes are kept.
    #[must_use]
    pub fn with_body(mut self, body: &[u8]) -> Self {
        let (text, is_cut) = kept(body);
        self.body = text.into();
        self.is_cut = is_cut;
        self
    }
}

/// A request for the address of a ping.
#[derive(Clone, PartialEq, Eq)]
pub struct PingRequest {
    /// The key, which is a secret: whoever knows it may ping.
    pub key: String,
    /// The host, if the address names one.
    pub host: Option<String>,
    /// The ping, without the body.
    pub ping: Ping,
}

/// Why a request is no ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PingError {
    /// Another method than those of Healthchecks.
    #[error("use GET, HEAD or POST")]
    WrongMethod,
    /// The path is not of the known form.
    #[error(
        "the path is not KEY or KEY/HOST, with /start, /fail, /log or an exit status of 0 to 255 behind it or without"
    )]
    WrongPath,
    /// The run's id is no UUID.
    #[error("`rid` is not a UUID")]
    WrongRunId,
}

impl PingRequest {
    /// Reads a request: the method, and the path behind `/ping/` and the query as they were
    /// sent.
    ///
    /// A host whose name is a number or the name of a signal cannot be pinged without a
    /// signal behind it.
    ///
    /// # Errors
    /// What the sender has to correct.
    pub fn read(method: &str, path: &str, query: &str) -> Result<Self, PingError> {
        if !matches!(method, "GET" | "HEAD" | "POST") {
            return Err(PingError::WrongMethod);
        }
        let mut parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let last = parts.last().copied().unwrap_or_default();
        let signal = match Signal::named(last) {
            Some(signal) if parts.len() > 1 => {
                parts.pop();
                signal
            }
            // A number beyond 255 is meant as a status.
            None if parts.len() > 1 && last.bytes().all(|one| one.is_ascii_digit()) => {
                return Err(PingError::WrongPath);
            }
            _ => Signal::Success,
        };
        let (key, host) = match parts[..] {
            [key] => (part(key)?, None),
            [key, host] => (part(key)?, Some(part(host)?)),
            _ => return Err(PingError::WrongPath),
        };
        let mut parameters = url::form_urlencoded::parse(query.as_bytes());
        let run_id = parameters.find(|(name, _)| name == "rid");
        let run_id = run_id.map(|(_, value)| Uuid::parse_str(&value));
        let run_id = run_id.transpose().map_err(|_| PingError::WrongRunId)?;
        let ping = Ping {
            run_id,
            ..Ping::new(signal)
        };
        Ok(Self { key, host, ping })
    }
}

/// Decodes a part of a path.
fn part(part: &str) -> Result<String, PingError> {
    let decoded = percent_decode_str(part).decode_utf8();
    let decoded = decoded.map_err(|_| PingError::WrongPath)?;
    let is_right = (1..=MAX_PART_LENGTH).contains(&decoded.len())
        && !decoded.contains('/')
        && !decoded.chars().any(char::is_control);
    match is_right {
        true => Ok(decoded.into_owned()),
        false => Err(PingError::WrongPath),
    }
}

/// Returns the text that is kept of a body, and whether it was longer.
fn kept(body: &[u8]) -> (String, bool) {
    // A character that is cut in the middle must not become a replacement.
    let read = &body[..body.len().min(MAX_PING_BODY + 4)];
    let mut text = String::from_utf8_lossy(read).into_owned();
    let is_cut = text.len() > MAX_PING_BODY || read.len() < body.len();
    let end = (0..=MAX_PING_BODY)
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    (text, is_cut)
}

impl fmt::Debug for PingRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PingRequest")
            .field("host", &self.host)
            .field("ping", &self.ping)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Result<(String, Option<String>, Signal), PingError> {
        PingRequest::read("GET", path, "").map(|read| (read.key, read.host, read.ping.signal))
    }

    #[test]
    fn every_path_of_healthchecks_is_known() {
        for (path, host, signal) in [
            ("k", None, Signal::Success),
            ("k/", None, Signal::Success),
            ("k/start", None, Signal::Start),
            ("k/fail", None, Signal::Fail),
            ("k/log", None, Signal::Log),
            ("k/0", None, Signal::ExitStatus(0)),
            ("k/255", None, Signal::ExitStatus(255)),
            ("k/web", Some("web"), Signal::Success),
            ("k/web/start", Some("web"), Signal::Start),
            ("k/web/7", Some("web"), Signal::ExitStatus(7)),
            ("k/my%20job", Some("my job"), Signal::Success),
            ("k/log/log", Some("log"), Signal::Log),
        ] {
            let expected = ("k".to_owned(), host.map(str::to_owned), signal);
            assert_eq!(read(path), Ok(expected), "{path}");
        }
        // A key may look like a signal.
        let expected = ("start".to_owned(), None, Signal::Success);
        assert_eq!(read("start"), Ok(expected));
    }

    #[test]
    fn other_paths_are_refused() {
        for path in [
            "",
            "/",
            "k/256",
            "k/9999999999",
            "k/web/256",
            "a/b/c",
            "a/b/c/start",
            "k//start",
            "k/%2F",
            "k/%ff",
            "k/a%0ab",
        ] {
            assert_eq!(read(path), Err(PingError::WrongPath), "{path}");
        }
        for method in ["PUT", "get", ""] {
            let read = PingRequest::read(method, "k", "");
            assert_eq!(read, Err(PingError::WrongMethod));
        }
    }

    #[test]
    fn a_run_has_a_uuid() {
        let id = "123e4567-e89b-12d3-a456-426614174000";
        let read = PingRequest::read("POST", "k", &format!("a=b&rid={id}")).unwrap();
        assert_eq!(read.ping.run_id.unwrap().to_string(), id);
        let wrong = PingRequest::read("POST", "k", "rid=1");
        assert_eq!(wrong, Err(PingError::WrongRunId));
    }

    #[test]
    fn a_long_body_is_cut_between_characters_and_says_so() {
        let body = |text: String| {
            let ping = Ping::new(Signal::Success).with_body(text.as_bytes());
            (ping.body.len(), ping.is_cut)
        };
        assert_eq!(body("x".repeat(MAX_PING_BODY)), (MAX_PING_BODY, false));
        assert_eq!(body("x".repeat(MAX_PING_BODY + 1)), (MAX_PING_BODY, true));
        assert_eq!(body("x".repeat(MAX_PING_BODY * 9)), (MAX_PING_BODY, true));
        let odd = format!("x{}", "ä".repeat(MAX_PING_BODY));
        assert_eq!(body(odd), (MAX_PING_BODY - 1, true));
        // Three of four bytes would fit, and so would the replacement of these.
        let odd = format!("{}\u{1f514}", "x".repeat(MAX_PING_BODY - 3));
        assert_eq!(body(odd), (MAX_PING_BODY - 3, true));
        let ping = Ping::new(Signal::Success).with_body(b"a\xffb");
        assert_eq!(&*ping.body, "a\u{fffd}b");
    }

    #[test]
    fn only_an_end_is_a_success_or_a_failure() {
        for (signal, expected) in [
            (Signal::Success, Some(true)),
            (Signal::ExitStatus(0), Some(true)),
            (Signal::ExitStatus(1), Some(false)),
            (Signal::Fail, Some(false)),
            (Signal::Start, None),
            (Signal::Log, None),
        ] {
            assert_eq!(signal.is_success(), expected);
        }
    }

    #[test]
    fn the_key_is_in_no_log() {
        let read = PingRequest::read("GET", "very-secret", "").unwrap();
        assert!(!format!("{read:?}").contains("very-secret"));
    }
}
