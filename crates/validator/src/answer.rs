//! A remote's answers: one answer for all requests, or one for each kind.

use annunciator_core::services::HttpRequestV1;
use serde::{Deserialize, Serialize};

/// A remote's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default)]
    pub body: String,
}

impl Answer {
    pub(crate) fn new(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A remote's answer to some requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The method; any if omitted.
    #[serde(default)]
    pub method: Option<String>,
    /// The path of the address, without its query. A `*` at its end stands for any text.
    pub path: String,
    /// The answer.
    pub answer: Answer,
}

impl Route {
    fn fits(&self, method: &str, path: &str) -> bool {
        let is_method = |known: &String| known.eq_ignore_ascii_case(method);
        let is_path = match self.path.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => path == self.path,
        };
        is_path && self.method.as_ref().is_none_or(is_method)
    }
}

/// A remote's answers to requests that it accepts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Success {
    /// Answers to some requests; the first that matches is used.
    pub(crate) routes: Vec<Route>,
    /// The answer to requests that match none of them.
    pub(crate) otherwise: Option<Answer>,
}

impl Success {
    /// Creates the same answer to all requests.
    pub(crate) fn always(answer: Answer) -> Self {
        Self {
            routes: Vec::new(),
            otherwise: Some(answer),
        }
    }

    /// Returns whether somebody has defined the answers.
    pub(crate) fn is_named(&self) -> bool {
        !self.routes.is_empty() || self.otherwise.is_some()
    }

    pub(crate) fn to(&self, request: &HttpRequestV1) -> Answer {
        let path = path(&request.url);
        let mut routes = self.routes.iter();
        let fitting = routes.find(|route| route.fits(&request.method, path));
        let answer = fitting
            .map(|route| &route.answer)
            .or(self.otherwise.as_ref());
        let missing = || Answer::new(404, "no answer is named for this request");
        answer.cloned().unwrap_or_else(missing)
    }
}

/// Returns the path of an absolute address.
fn path(url: &str) -> &str {
    let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
    let end = behind.find(['?', '#']).unwrap_or(behind.len());
    let behind = behind.get(..end).unwrap_or_default();
    behind
        .find('/')
        .and_then(|at| behind.get(at..))
        .unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_an_address() {
        for (url, expected) in [
            ("https://a.example", "/"),
            ("https://a.example/", "/"),
            ("https://a.example:1/b/c?d=/e#f", "/b/c"),
            ("https://a.example?b=/c", "/"),
            ("nonsense", "/"),
        ] {
            assert_eq!(path(url), expected, "{url}");
        }
    }

    #[test]
    fn the_first_route_that_fits_answers() {
        let route = |method: Option<&str>, path: &str, status| Route {
            method: method.map(str::to_owned),
            path: path.to_owned(),
            answer: Answer::new(status, ""),
        };
        let all = [route(Some("post"), "/in", 201), route(None, "/in*", 202)];
        assert!(all[0].fits("POST", "/in") && !all[0].fits("GET", "/in"));
        assert!(!all[0].fits("POST", "/in/7"));
        assert!(all[1].fits("GET", "/in/7") && !all[1].fits("GET", "/out"));
    }
}
