//! Reads the parts of a request within bounds, and says in problem details what is wrong with
//! them.

use std::{fmt, marker::PhantomData, sync::LazyLock, time::Duration};

use axum::{
    body::Body,
    extract::{
        FromRequest, FromRequestParts, Path as AxumPath, Query as AxumQuery, Request,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, header, request::Parts},
};
use http_body_util::BodyExt as _;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::error::Category;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::problem::{Problem, Reason};

/// How long a client may take to send a body: everything in it is known beforehand.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// The length of a short body, in bytes. Only one longer body is in memory at a time.
const MAX_SHORT_BODY: usize = 64 * 1024;

/// Permits one long body at a time in this process.
static LONG_BODY: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(1));

/// A JSON body, which is an object of at most `MAX` bytes.
#[derive(Debug, Clone)]
pub struct JsonBody<T, const MAX: usize = MAX_SHORT_BODY>(pub T);

impl<S: Sync, T: DeserializeOwned, const MAX: usize> FromRequest<S> for JsonBody<T, MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        check_content_type(request.headers(), "application/json")?;
        let (bytes, _permit) = read_in_time(request.into_body(), MAX).await?;
        parse(&bytes).map(Self)
    }
}

/// The fields of a form, of at most 64 KiB.
#[derive(Debug, Clone)]
pub struct FormBody<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for FormBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        check_content_type(request.headers(), "application/x-www-form-urlencoded")?;
        let (bytes, _permit) = read_in_time(request.into_body(), MAX_SHORT_BODY).await?;
        let read = serde_urlencoded::from_bytes(&bytes);
        let value = read.map_err(|error| Problem::new(Reason::WrongBody, error.to_string()))?;
        Ok(Self(value))
    }
}

/// The fields of a form that is a button alone: none.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoFields {}

/// A body of any content type, of at most `MAX` bytes.
#[derive(Debug)]
pub struct RawBody<const MAX: usize = MAX_SHORT_BODY> {
    /// The body.
    pub bytes: Vec<u8>,
    /// The permit of a long body, which the caller holds as long as it holds the body.
    pub permit: Option<SemaphorePermit<'static>>,
}

impl<S: Sync, const MAX: usize> FromRequest<S> for RawBody<MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (bytes, permit) = read_in_time(request.into_body(), MAX).await?;
        Ok(Self { bytes, permit })
    }
}

/// Requires one content type. Where that is JSON, a page of another origin cannot send it without
/// being asked; forms are protected by the check of the origin.
fn check_content_type(headers: &HeaderMap, required: &str) -> Result<(), Problem> {
    let text = headers.get(header::CONTENT_TYPE);
    let text = text
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(required) {
        return Ok(());
    }
    let detail = format!("send the body as `Content-Type: {required}`");
    Err(Problem::new(Reason::WrongContentType, detail))
}

/// Reads a body whole within [`BODY_TIMEOUT`]. The time includes the wait for others, so that a
/// silent client blocks nobody for longer.
async fn read_in_time(
    body: Body,
    max: usize,
) -> Result<(Vec<u8>, Option<SemaphorePermit<'static>>), Problem> {
    let read = timeout(BODY_TIMEOUT, read(body, max)).await;
    read.unwrap_or_else(|_| {
        let detail = format!("a body has to arrive within {} s", BODY_TIMEOUT.as_secs());
        Err(Problem::new(Reason::TooSlow, detail))
    })
}

/// Reads a body whole. A long one holds the permit until the caller has parsed it.
async fn read(
    mut body: Body,
    max: usize,
) -> Result<(Vec<u8>, Option<SemaphorePermit<'static>>), Problem> {
    let (mut bytes, mut permit) = (Vec::new(), None);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let detail = format!("the body was cut off: {error}");
            Problem::new(Reason::NotJson, detail)
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > max {
            let detail = format!("the body is longer than {max} bytes");
            return Err(Problem::new(Reason::TooLong, detail));
        }
        if permit.is_none() && bytes.len() + data.len() > MAX_SHORT_BODY {
            permit = LONG_BODY.acquire().await.ok();
        }
        bytes.extend_from_slice(&data);
    }
    Ok((bytes, permit))
}

/// What is read from a JSON object, and from nothing else: what serde derives for a struct takes an
/// array of its fields too, in the order in which the source declares them.
struct FromObject<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for FromObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = deserializer.deserialize_map(ObjectVisitor(PhantomData));
        read.map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader);
    let read = read.map(|FromObject(value)| value);
    let value = read.map_err(|error| {
        let pointer = pointer(error.path());
        let error = error.into_inner();
        let detail = error.to_string();
        // Another type where one of a few words is expected counts as wrong syntax to the reader.
        let is_json = || serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
        match error.classify() {
            Category::Data => Problem::new(Reason::WrongBody, detail.clone()).at(pointer, detail),
            Category::Syntax if is_json() => {
                Problem::new(Reason::WrongBody, detail.clone()).at(pointer, detail)
            }
            _ => Problem::new(Reason::NotJson, detail),
        }
    })?;
    let end = reader.end();
    end.map_err(|error| Problem::new(Reason::NotJson, error.to_string()))?;
    Ok(value)
}

/// Returns a path as a JSON Pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let segments = path.iter().map(|segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => "/?".to_owned(),
    });
    segments.collect()
}

/// The query of an address.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = AxumQuery::from_request_parts(parts, state).await;
        let read: Result<AxumQuery<T>, QueryRejection> = read;
        match read {
            Ok(AxumQuery(value)) => Ok(Self(value)),
            Err(error) => Err(Problem::new(Reason::WrongQuery, error.body_text())),
        }
    }
}

/// The variable segments of an address.
#[derive(Debug, Clone)]
pub struct Segments<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segments<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = AxumPath::from_request_parts(parts, state).await;
        let read: Result<AxumPath<T>, PathRejection> = read;
        match read {
            Ok(AxumPath(value)) => Ok(Self(value)),
            Err(error) => Err(Problem::new(Reason::WrongQuery, error.body_text())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{StreamExt as _, stream};

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[serde(rename = "a/b")]
        _number: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        _list: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    enum OneOfAFew {
        A,
    }

    #[derive(Debug, Deserialize)]
    struct Word {
        _word: OneOfAFew,
    }

    fn problem(text: &str) -> Problem {
        parse::<Outer>(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_wrong_value_is_named_by_its_place() {
        let wrong = problem(r#"{"_list": [{"a/b": 1}, {"a/b": "x"}]}"#);
        assert_eq!(wrong.reason(), Some(Reason::WrongBody));
        assert_eq!(wrong.errors[0].pointer, "/_list/1/a~1b");
        let word = parse::<Word>(b"{\"_word\": null}").unwrap_err();
        assert_eq!(word.reason(), Some(Reason::WrongBody));
        assert_eq!(word.errors[0].pointer, "/_word");
        let unknown = problem(r#"{"_list": [], "more": 1}"#);
        assert!(
            unknown.detail.contains("unknown field `more`"),
            "{unknown:?}"
        );
    }

    #[test]
    fn a_body_that_is_no_object_is_refused_although_serde_would_take_it() {
        assert!(serde_json::from_str::<Outer>("[[]]").is_ok());
        for text in ["[[]]", "[]", "null", "1", r#""_list""#] {
            let wrong = problem(text);
            assert_eq!(wrong.reason(), Some(Reason::WrongBody), "{text}");
            assert!(wrong.detail.contains("expected an object"), "{wrong:?}");
        }
        assert!(parse::<Outer>(br#"{"_list": []}"#).is_ok());
    }

    #[test]
    fn what_is_not_json_or_too_deep_is_no_body() {
        let deep = format!("{{\"_list\": {}", "[".repeat(100_000));
        for text in ["", "hello", "{", "{\"_list\": []} x", &deep] {
            let found = problem(text).reason();
            let is_refused = [Some(Reason::NotJson), Some(Reason::WrongBody)].contains(&found);
            assert!(is_refused, "{found:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_end_is_waited_for_no_longer_than_the_bound() {
        let begun = stream::once(async { Ok::<_, Infallible>("{") });
        let body = Body::from_stream(begun.chain(stream::pending()));
        let problem = read_in_time(body, MAX_SHORT_BODY).await.unwrap_err();
        assert_eq!(problem.reason(), Some(Reason::TooSlow));
    }

    #[test]
    fn only_json_is_taken() {
        let with = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            check_content_type(&headers, "application/json").is_ok()
        };
        assert!(with("application/json") && with("Application/JSON; charset=utf-8"));
        assert!(!with("text/plain") && !with("application/x-www-form-urlencoded"));
        assert!(check_content_type(&HeaderMap::new(), "application/json").is_err());
    }
}
