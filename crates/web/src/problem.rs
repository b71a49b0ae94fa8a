//! Problem details: how the API says what is wrong, as RFC 9457 has it.
//!
//! <https://www.rfc-editor.org/rfc/rfc9457>

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use metrics::counter;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

/// The content type of problem details.
pub const CONTENT_TYPE: &str = "application/problem+json";
/// The metric that counts refused requests, by reason.
pub(crate) const REFUSED: &str = "annunciator_web_refused_total";

/// Why a request was refused: one word for programs and for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The body is not JSON, or nested too deeply.
    NotJson,
    /// The body is JSON and not what this request takes.
    WrongBody,
    /// A part of the address is not what this request takes.
    WrongQuery,
    /// The content type of the body is not one that this request takes.
    WrongContentType,
    /// The body is too long.
    TooLong,
    /// The body did not arrive in time.
    TooSlow,
    /// Nobody can be told from the request.
    Unauthenticated,
    /// An address has sent too many wrong tokens.
    TooManyAttempts,
    /// Whoever asks may not do this.
    Forbidden,
    /// The request is for a name that is not this server's.
    ForeignHost,
    /// A web page of another origin has sent the request.
    ForeignOrigin,
    /// There is nothing at this address.
    NotFound,
    /// The address does not take this method.
    WrongMethod,
    /// An idempotency key was used before, for something else.
    Conflict,
    /// What is asked for makes no sense, such as a host that does not exist.
    Invalid,
    /// No channel is configured for a notification.
    NoChannel,
    /// Too many event streams are open.
    TooManyStreams,
    /// It could not be done now, through no fault of who asked.
    Unavailable,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 18] = [
        Self::NotJson,
        Self::WrongBody,
        Self::WrongQuery,
        Self::WrongContentType,
        Self::TooLong,
        Self::TooSlow,
        Self::Unauthenticated,
        Self::TooManyAttempts,
        Self::Forbidden,
        Self::ForeignHost,
        Self::ForeignOrigin,
        Self::NotFound,
        Self::WrongMethod,
        Self::Conflict,
        Self::Invalid,
        Self::NoChannel,
        Self::TooManyStreams,
        Self::Unavailable,
    ];

    /// Returns the reason's name, such as `not_json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().0
    }

    /// Returns the status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        self.facts().1
    }

    fn title(self) -> &'static str {
        self.facts().2
    }

    fn facts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::NotJson => ("not_json", StatusCode::BAD_REQUEST, "The body is not JSON"),
            Self::WrongBody => (
                "wrong_body",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The body is not what this request takes",
            ),
            Self::WrongQuery => (
                "wrong_query",
                StatusCode::BAD_REQUEST,
                "The address is not what this request takes",
            ),
            Self::WrongContentType => (
                "wrong_content_type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The content type is not one that this request takes",
            ),
            Self::TooLong => (
                "too_long",
                StatusCode::PAYLOAD_TOO_LARGE,
                "The body is too long",
            ),
            Self::TooSlow => (
                "too_slow",
                StatusCode::REQUEST_TIMEOUT,
                "The body did not arrive in time",
            ),
            Self::Unauthenticated => (
                "unauthenticated",
                StatusCode::UNAUTHORIZED,
                "It is not known who asks",
            ),
            Self::Forbidden => (
                "forbidden",
                StatusCode::FORBIDDEN,
                "Whoever asks may not do this",
            ),
            Self::TooManyAttempts => (
                "too_many_attempts",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many wrong tokens",
            ),
            Self::ForeignHost => (
                "foreign_host",
                StatusCode::MISDIRECTED_REQUEST,
                "The request is for another server",
            ),
            Self::ForeignOrigin => (
                "foreign_origin",
                StatusCode::FORBIDDEN,
                "A page of another origin may not do this",
            ),
            Self::NotFound => ("not_found", StatusCode::NOT_FOUND, "There is nothing here"),
            Self::WrongMethod => (
                "wrong_method",
                StatusCode::METHOD_NOT_ALLOWED,
                "This address does not take the method",
            ),
            Self::Conflict => (
                "conflict",
                StatusCode::CONFLICT,
                "The idempotency key was used before, for something else",
            ),
            Self::Invalid => (
                "invalid",
                StatusCode::UNPROCESSABLE_ENTITY,
                "This cannot be done",
            ),
            Self::NoChannel => (
                "no_channel",
                StatusCode::UNPROCESSABLE_ENTITY,
                "Nobody would be notified",
            ),
            Self::TooManyStreams => (
                "too_many_streams",
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many event streams are open",
            ),
            Self::Unavailable => (
                "unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "This could not be done now",
            ),
        }
    }
}

/// What is wrong with one part of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    /// The place in the body, as a JSON Pointer (RFC 6901); empty for the whole.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

/// The answer to a request that was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The kind of problem, as a URI: `urn:annunciator:problem:` and the reason.
    #[schema(value_type = String)]
    pub r#type: Box<str>,
    /// The kind of problem, in words.
    #[schema(value_type = String)]
    pub title: Box<str>,
    /// The status of the answer.
    pub status: u16,
    /// What is wrong with this request, in words.
    pub detail: String,
    /// What is wrong with which part of the body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// Further members, by the kind of problem.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub more: Map<String, Json>,
    #[serde(skip)]
    reason: Option<Reason>,
}

/// The beginning of every problem's type.
const TYPE_PREFIX: &str = "urn:annunciator:problem:";

impl Problem {
    /// Creates a problem with a sentence about this request.
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            r#type: format!("{TYPE_PREFIX}{}", reason.name()).into(),
            title: reason.title().into(),
            status: reason.status().as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            more: Map::new(),
            reason: Some(reason),
        }
    }

    /// Adds what is wrong at a place of the body.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(FieldProblem {
            pointer: pointer.into(),
            detail: detail.into(),
        });
        self
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// Returns the reason, also of a problem that was read; `None` if this version does not know
    /// it.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        let name = self.r#type.strip_prefix(TYPE_PREFIX)?;
        Reason::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let reason = self.reason.unwrap_or(Reason::Unavailable);
        counter!(REFUSED, "reason" => reason.name()).increment(1);
        // Names and texts always fit.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (reason.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        if reason == Reason::Unauthenticated {
            let bearer = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, bearer);
        }
        // For whoever shows it in another form, such as a page.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_problem_is_read_as_it_was_written() {
        let problem = Problem::new(Reason::WrongBody, "`x` is unknown")
            .at("/a/0", "no number")
            .with("key", "k");
        let json = serde_json::to_value(&problem).unwrap();
        assert_eq!(json["type"], "urn:annunciator:problem:wrong_body");
        assert_eq!((&json["status"], &json["key"]), (&422.into(), &"k".into()));
        let read: Problem = serde_json::from_value(json).unwrap();
        assert_eq!(read.reason(), Some(Reason::WrongBody));
        assert_eq!((read.errors, read.detail), (problem.errors, problem.detail));
    }

    #[test]
    fn each_reason_has_a_name_of_its_own_and_a_status_that_refuses() {
        let names: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            let status = reason.status();
            assert!(status.is_client_error() || status.is_server_error());
        }
    }
}
