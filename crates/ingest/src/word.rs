//! Words and times as programs write them: severities, kinds, moments.

use annunciator::{Kind, Severity};
use jiff::Timestamp;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::limits::MAX_TIME_MS;

/// Numbers of at least this size are milliseconds, and others are seconds: as seconds it
/// would be the year 5138, as milliseconds it is 1973.
const MIN_MILLISECONDS: f64 = 1e11;

/// Returns the severity that a word stands for, in the vocabularies of Prometheus rules,
/// syslog, Nagios, Grafana and Apprise.
pub(crate) fn severity(word: &str) -> Option<Severity> {
    let word = word.trim().to_ascii_lowercase();
    Some(match word.as_str() {
        "critical" | "crit" | "page" | "error" | "err" | "emergency" | "emerg" | "alert"
        | "fatal" | "high" | "disaster" | "failure" | "down" => Severity::Critical,
        "warning" | "warn" | "average" | "medium" | "minor" | "major" => Severity::Warning,
        "info" | "informational" | "information" | "none" | "notice" | "debug" | "low" | "ok"
        | "success" => Severity::Info,
        _ => return None,
    })
}

/// Returns the kind that a word stands for.
pub(crate) fn kind(word: &str) -> Option<Kind> {
    let word = word.trim().to_ascii_lowercase();
    match word.as_str() {
        "firing" | "reminder" => Some(Kind::Problem),
        "resolved" => Some(Kind::Recovery),
        // A test is what a person requests of the engine itself.
        "test" => None,
        word => Kind::named(word),
    }
}

/// A time that a payload may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Milliseconds since the Unix epoch.
    At(i64),
    /// There is none. Go writes the first moment of year 1 for it.
    Absent,
    /// It is something else, or before 1970, or after 9999.
    Wrong,
}

impl Moment {
    /// Reads RFC 3339, or a number of seconds or milliseconds since the Unix epoch.
    pub(crate) fn of(value: &Json) -> Self {
        match value {
            Json::Null => Self::Absent,
            Json::Number(number) => number.as_f64().map_or(Self::Wrong, Self::of_number),
            Json::String(text) => Self::of_text(text.trim()),
            _ => Self::Wrong,
        }
    }

    fn of_text(text: &str) -> Self {
        if text.is_empty() || text.starts_with("0001-01-01T00:00:00") {
            return Self::Absent;
        }
        if let Ok(at) = text.parse::<Timestamp>() {
            return Self::of_milliseconds(at.as_millisecond());
        }
        text.parse().map_or(Self::Wrong, Self::of_number)
    }

    fn of_number(number: f64) -> Self {
        if !number.is_finite() {
            return Self::Wrong;
        }
        let ms = match number >= MIN_MILLISECONDS {
            true => number,
            false => number * 1000.0,
        };
        // The conversion saturates, and what is out of range is refused below.
        #[expect(clippy::cast_possible_truncation, reason = "saturates, as wanted")]
        Self::of_milliseconds(ms as i64)
    }

    fn of_milliseconds(ms: i64) -> Self {
        match (0..=MAX_TIME_MS).contains(&ms) {
            true => Self::At(ms),
            false => Self::Wrong,
        }
    }

    /// Returns the time, if there is one.
    pub(crate) fn at(self) -> Option<i64> {
        match self {
            Self::At(ms) => Some(ms),
            Self::Absent | Self::Wrong => None,
        }
    }
}

/// Returns a value as text: a text as it is, a number and a boolean as JSON writes them.
/// An empty text and null are none; a list and an object are `None`, too.
pub(crate) fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) if text.trim().is_empty() => None,
        Json::String(text) => Some(text.clone()),
        Json::Number(_) | Json::Bool(_) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Returns a short name for a text of any length: the first 128 bits of its SHA-256, so that
/// no sender finds two texts with one name.
pub(crate) fn digest(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Returns a link, if the text is one that a person may click: an address of HTTP.
pub(crate) fn link(text: &str) -> Option<String> {
    let url = url::Url::parse(text.trim()).ok()?;
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    is_http.then(|| url.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_in_every_form_that_programs_write() {
        let at = 1_633_168_800_500;
        for (value, expected) in [
            (json!("2021-10-02T10:00:00.5Z"), Moment::At(at)),
            (json!("2021-10-02T12:00:00.500+02:00"), Moment::At(at)),
            (json!(1_633_168_800.5), Moment::At(at)),
            (json!(at), Moment::At(at)),
            (json!("1633168800.5"), Moment::At(at)),
            (json!("0001-01-01T00:00:00Z"), Moment::Absent),
            (json!(null), Moment::Absent),
            (json!(""), Moment::Absent),
            (json!("yesterday"), Moment::Wrong),
            (json!("2021-10-02T10:00:00"), Moment::Wrong),
            (json!(-5), Moment::Wrong),
            (json!(1e300), Moment::Wrong),
            (json!("inf"), Moment::Wrong),
            (json!(MAX_TIME_MS), Moment::At(MAX_TIME_MS)),
            (json!(MAX_TIME_MS + 1), Moment::Wrong),
            (json!("-009999-01-01T00:00:00Z"), Moment::Wrong),
            (json!(true), Moment::Wrong),
        ] {
            assert_eq!(Moment::of(&value), expected, "{value}");
        }
    }

    #[test]
    fn only_addresses_of_http_are_links() {
        assert!(link("https://example.org/a?b#c").is_some());
        for text in [
            "javascript:alert(1)",
            "data:text/html,x",
            "/graph",
            "",
            "http://",
        ] {
            assert!(link(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_word_of_no_vocabulary_is_no_severity() {
        assert_eq!(severity(" PAGE "), Some(Severity::Critical));
        assert_eq!(severity("none"), Some(Severity::Info));
        assert_eq!(severity("ticket"), None);
    }
}
