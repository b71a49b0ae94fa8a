//! Bodies: JSON of a limited depth, and forms, which become the same kind of value.

use std::convert::Infallible;

use futures_util::{FutureExt as _, stream};
use serde_json::{Map, Value as Json};

use crate::{
    error::{IngestError, Reason},
    limits::{MAX_BODY_SIZE, MAX_DEPTH, MAX_ITEMS},
    request::Request,
};

/// Checks the size of a body.
///
/// # Errors
/// `too_long`.
pub(crate) fn check_size(body: &[u8]) -> Result<(), IngestError> {
    if body.len() > MAX_BODY_SIZE {
        let sentence = format!(
            "the body has {} bytes, and at most {MAX_BODY_SIZE} are read",
            body.len()
        );
        return Err(IngestError::sender(Reason::TooLong, sentence));
    }
    Ok(())
}

/// Reads JSON.
///
/// # Errors
/// `not_json` or `too_deep`.
pub(crate) fn json(body: &[u8]) -> Result<Json, IngestError> {
    if body.trim_ascii().is_empty() {
        return Err(IngestError::sender(Reason::NotJson, "the body is empty"));
    }
    // The parser's own bound is higher, and whoever reads the value below relies on this one.
    if depth(body) > MAX_DEPTH {
        let sentence = format!("the JSON is nested more than {MAX_DEPTH} levels deep");
        return Err(IngestError::sender(Reason::TooDeep, sentence));
    }
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let sentence = format!("not JSON: line {line}, column {column}");
        IngestError::sender(Reason::NotJson, sentence)
    })
}

/// Reads a form where the request has one, and JSON otherwise. JSON that is sent as a form,
/// as `curl -d` does, is JSON.
///
/// # Errors
/// `not_json`, `too_deep` or `wrong_type`.
pub(crate) fn json_or_form(request: &Request<'_>) -> Result<Json, IngestError> {
    let begins_as_json = matches!(request.body.trim_ascii_start().first(), Some(b'{' | b'['));
    match request.media_type().as_str() {
        "application/x-www-form-urlencoded" if !begins_as_json => {
            let fields = url::form_urlencoded::parse(request.body);
            Ok(form(fields.into_owned()))
        }
        "multipart/form-data" => multipart(request),
        _ => json(request.body),
    }
}

/// Returns how deep the brackets of a text are nested, without those in strings. Of what is
/// not JSON, any number may come out.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in body {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Makes an object of a form's fields. A field that comes repeatedly is a list.
fn form(fields: impl Iterator<Item = (String, String)>) -> Json {
    let mut object = Map::new();
    for (name, value) in fields.take(MAX_ITEMS) {
        let value = Json::String(value);
        match object.get_mut(&name) {
            None => {
                object.insert(name, value);
            }
            Some(Json::Array(list)) => list.push(value),
            Some(first) => *first = Json::Array(vec![first.take(), value]),
        }
    }
    Json::Object(object)
}

/// Reads `multipart/form-data`, without files.
fn multipart(request: &Request<'_>) -> Result<Json, IngestError> {
    let wrong = |what: &str| IngestError::sender(Reason::WrongType, what);
    let boundary = multer::parse_boundary(request.content_type())
        .map_err(|_| wrong("the form's boundary is missing in Content-Type"))?;
    let body = request.body.to_vec();
    let whole = stream::once(async move { Ok::<_, Infallible>(body) });
    let read = async move {
        let mut parts = multer::Multipart::new(whole, boundary);
        let mut fields = Vec::new();
        while let Some(part) = parts.next_field().await? {
            if fields.len() >= MAX_ITEMS {
                break;
            }
            if part.file_name().is_some() {
                continue;
            }
            let name = part.name().unwrap_or_default().to_owned();
            let value = part.bytes().await?;
            fields.push((name, String::from_utf8_lossy(&value).into_owned()));
        }
        Ok::<_, multer::Error>(fields)
    };
    // The whole body is there, so that nothing is waited for.
    match read.now_or_never() {
        Some(Ok(fields)) => Ok(form(fields.into_iter())),
        _ => Err(wrong("the body is not a form of several parts")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_are_not_nesting() {
        for (text, expected) in [
            ("", 0),
            ("[]", 1),
            (r#"{"a":[{"b":"[[[["}]}"#, 3),
            (r#"["\"[[["]"#, 1),
            (r#"["\\", [[1]]]"#, 3),
            ("]]]][", 1),
        ] {
            assert_eq!(depth(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn nesting_has_a_limit_of_its_own() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(json(nested(MAX_DEPTH).as_bytes()).is_ok());
        for deep in [MAX_DEPTH + 1, 100_000] {
            let error = json(nested(deep).as_bytes()).unwrap_err();
            assert_eq!(error.reason(), Reason::TooDeep);
        }
    }

    #[test]
    fn a_field_that_comes_repeatedly_is_a_list() {
        let request = Request::new(b"tag=a&tag=b&tag=c&body=x%20y+z", 0)
            .header("content-type", b"application/x-www-form-urlencoded");
        let expected = serde_json::json!({"tag": ["a", "b", "c"], "body": "x y z"});
        assert_eq!(json_or_form(&request).unwrap(), expected);
    }

    #[test]
    fn json_that_curl_sends_as_a_form_is_json() {
        let request = Request::new(b" {\"a\": 1}", 0)
            .header("Content-Type", b"application/x-www-form-urlencoded");
        assert_eq!(json_or_form(&request).unwrap(), serde_json::json!({"a": 1}));
    }

    #[test]
    fn a_form_of_parts_is_read_without_its_files() {
        let body = b"--X\r\nContent-Disposition: form-data; name=\"body\"\r\n\r\nhello\r\n\
            --X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nfile\r\n--X--\r\n";
        let request =
            Request::new(body, 0).header("Content-Type", b"multipart/form-data; boundary=X");
        let expected = serde_json::json!({"body": "hello"});
        assert_eq!(json_or_form(&request).unwrap(), expected);
        let cut =
            Request::new(&body[..40], 0).header("Content-Type", b"multipart/form-data; boundary=X");
        assert_eq!(json_or_form(&cut).unwrap_err().reason(), Reason::WrongType);
    }
}
