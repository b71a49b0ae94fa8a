//! The router: all routes, and what every request passes before it reaches one.

use std::fmt;

use annunciator::Engine;
use axum::{
    Json, Router,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
    routing::get,
};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    api::{self, Api},
    identity::{Access, Reader, identify},
    problem::{Problem, Reason},
};

/// Where the API begins.
const API: &str = "/api/v1";
/// Says whether a browser sends a request for a page of the same origin.
/// <https://www.w3.org/TR/fetch-metadata/>
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The HTTP side of an engine, for a program that embeds it.
///
/// A program adds routes of its own below the API by [`routes`](Self::routes), and serves the
/// [`router`](Self::router) by [`Server`](crate::Server), which says who is at the other end of a
/// connection.
#[must_use]
pub struct Web {
    api: OpenApiRouter,
    access: Access,
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web")
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

impl Web {
    /// Creates the HTTP side of an engine. `program` names the embedding program in sentences,
    /// such as `the monitor`.
    pub fn new(engine: Engine, program: &'static str) -> Self {
        let api = OpenApiRouter::with_openapi(api::Description::openapi());
        let routes = api::routes().with_state(Api { engine, program });
        Self {
            api: api.nest(API, routes),
            access: Access::default(),
        }
    }

    /// Sets who may do what. The default is [`Access::default`].
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Adds routes of the embedding program below the API, such as `/hosts` for
    /// `/api/v1/hosts`. Their handlers take a [`Reader`] or an [`Actor`](crate::Actor), and
    /// answer a [`Problem`] where they refuse.
    pub fn routes(mut self, routes: OpenApiRouter) -> Self {
        self.api = self.api.nest(API, routes);
        self
    }

    /// Returns the router with all routes. Each request needs an identity, and is answered in
    /// problem details where it is refused.
    pub fn router(self) -> Router {
        let Self { api, access } = self;
        let (router, description) = api.split_for_parts();
        let describe = move |_: Reader| async move { Json(description) };
        router
            .route(&format!("{API}/openapi.json"), get(describe))
            .fallback(|| async {
                Problem::new(Reason::NotFound, "there is nothing at this address")
            })
            .method_not_allowed_fallback(wrong_method)
            .layer(from_fn(check_origin))
            .layer(from_fn(move |request, next| {
                identify(access.clone(), request, next)
            }))
            .layer(from_fn(harden))
    }
}

async fn wrong_method() -> Problem {
    let detail = "this address does not take the method: `Allow` names those that it takes";
    Problem::new(Reason::WrongMethod, detail)
}

/// Refuses acts that a browser sends for a page of another origin.
async fn check_origin(request: Request, next: Next) -> Response {
    let is_safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if !is_safe && is_foreign(request.headers()) {
        let detail = "a page of another origin has sent this request";
        return Problem::new(Reason::ForeignOrigin, detail).into_response();
    }
    next.run(request).await
}

/// Returns whether a browser says that a page of another origin has sent a request.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(HeaderValue::as_bytes);
    if let Some(site) = text(&FETCH_SITE) {
        return !matches!(site, b"same-origin" | b"none");
    }
    let Some(origin) = text(&header::ORIGIN) else {
        return false;
    };
    let host = origin.splitn(2, |byte| *byte == b':').nth(1);
    let host = host.and_then(|rest| rest.strip_prefix(b"//"));
    host.is_none() || host != text(&header::HOST)
}

/// Adds the headers that keep browsers from doing more with an answer than showing it.
async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(nothing);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_another_origin_is_recognised() {
        let foreign = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| {
                let name = HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            });
            is_foreign(&pairs.collect())
        };
        let host = ("host", "127.0.0.1:9680");
        assert!(!foreign(&[host]));
        assert!(!foreign(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(!foreign(&[host, ("origin", "http://127.0.0.1:9680")]));
        assert!(foreign(&[host, ("sec-fetch-site", "cross-site")]));
        assert!(foreign(&[host, ("sec-fetch-site", "same-site")]));
        assert!(foreign(&[host, ("origin", "http://127.0.0.1:81")]));
        assert!(foreign(&[host, ("origin", "null")]));
        assert!(foreign(&[("origin", "http://x")]));
    }
}
