//! The router: all routes, and what every request passes before it reaches one.

use std::{fmt, net::IpAddr, sync::Arc};

use annunciator::Engine;
use axum::{
    Json, Router,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
    routing::get,
};
use tokio::sync::watch;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    acts::{Acts, record},
    api::{self, Api, Feed},
    identity::{Access, Reader, identify, locate},
    ingest::Ingest,
    links::AckLinks,
    page::{self, Site, show_refusals},
    problem::{Problem, Reason},
    scope::Peer,
    shared_incidents::SharedIncidents,
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
    engine: Engine,
    program: &'static str,
    /// The routes of the embedding program.
    more: OpenApiRouter,
    /// Its routes outside of the API.
    beside: OpenApiRouter,
    ingest: Option<Ingest>,
    /// The routes that need no identity.
    open: Router,
    access: Access,
    hosts: Vec<String>,
    site: Option<Site>,
    changes: Option<watch::Receiver<u64>>,
    acts: Option<Acts>,
    links: Option<Arc<AckLinks>>,
    shared: SharedIncidents,
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
        Self {
            engine,
            program,
            more: OpenApiRouter::new(),
            beside: OpenApiRouter::new(),
            ingest: None,
            open: Router::new(),
            access: Access::default(),
            hosts: Vec::new(),
            site: None,
            changes: None,
            acts: None,
            links: None,
            shared: SharedIncidents::default(),
        }
    }

    /// Sets who may do what. The default is [`Access::default`].
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Adds a name by which the server is reached over TCP, besides its addresses and
    /// `localhost`: a request for any other name is refused, since a page of another server may
    /// have sent it (DNS rebinding).
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.hosts.push(name.into().to_ascii_lowercase());
        self
    }

    /// Takes events of other programs at `/in/SOURCE`. Without this call, there is nothing at
    /// these addresses.
    pub fn ingest(mut self, ingest: Ingest) -> Self {
        self.ingest = Some(ingest);
        self
    }

    /// Adds routes of the embedding program below the API, such as `/hosts` for
    /// `/api/v1/hosts`. Their handlers take a [`Reader`] or an [`Actor`](crate::Actor), and
    /// answer a [`Problem`] where they refuse.
    pub fn routes(mut self, routes: OpenApiRouter) -> Self {
        self.more = self.more.merge(routes);
        self
    }

    /// Adds routes that need no identity, such as addresses that are secrets themselves. Their
    /// handlers decide who may use them.
    pub fn open_routes(mut self, routes: Router) -> Self {
        self.open = self.open.merge(routes);
        self
    }

    /// Adds routes of the embedding program outside of the API, such as `/metrics`. All but
    /// `/healthz` need an identity; a handler there has one in the request's extensions if there
    /// is one.
    pub fn beside(mut self, routes: OpenApiRouter) -> Self {
        self.beside = self.beside.merge(routes);
        self
    }

    /// Sets where acts are recorded. By default, the latest are kept in memory.
    pub fn acts(mut self, acts: Acts) -> Self {
        self.acts = Some(acts);
        self
    }

    /// Has pages take incidents over for whoever follows one of these links, which the embedding
    /// program puts on messages.
    pub fn links(mut self, links: Arc<AckLinks>) -> Self {
        self.links = Some(links);
        self
    }

    /// Says which incidents several hosts share, so that they are found and taken over by the name
    /// of each.
    pub fn shared_incidents(mut self, shared: SharedIncidents) -> Self {
        self.shared = shared;
        self
    }

    /// Adds pages for browsers, with the embedding program's own.
    pub fn site(mut self, site: Site) -> Self {
        self.site = Some(site);
        self
    }

    /// Announces to pages and event streams that what the embedding program shows has changed,
    /// whenever this number does.
    pub fn changes(mut self, changes: watch::Receiver<u64>) -> Self {
        self.changes = Some(changes);
        self
    }

    /// Returns the router with all routes. Each request needs an identity, except for open
    /// routes, and is answered in problem details where it is refused.
    pub fn router(self) -> Router {
        let Self {
            engine,
            program,
            more,
            beside,
            ingest,
            open,
            access,
            hosts,
            site,
            changes,
            acts,
            links,
            shared,
        } = self;
        let acts = acts.unwrap_or_else(Acts::in_memory);
        let hosts: Arc<[String]> = hosts.into();
        let name = site.as_ref().map(|site| site.program());
        let pages = site
            .map(|site| page::routes(engine.clone(), access.clone(), acts.clone(), links, site));
        let api = Api {
            feed: Feed::new(engine.clone(), changes),
            engine,
            program,
            tokens: access.known_tokens().cloned(),
            acts: acts.clone(),
            shared,
        };
        let routes = api::routes().with_state(api).merge(more);
        let described = OpenApiRouter::with_openapi(api::Description::openapi());
        let (router, description) = described.nest(API, routes).merge(beside).split_for_parts();
        let router = match ingest {
            Some(ingest) => router.merge(ingest.routes()),
            None => router,
        };
        let describe = move |_: Reader| async move { Json(description) };
        let router = router
            .route(&format!("{API}/openapi.json"), get(describe))
            .merge(pages.unwrap_or_default())
            .fallback(|| async {
                Problem::new(Reason::NotFound, "there is nothing at this address")
            })
            .method_not_allowed_fallback(wrong_method)
            .layer(from_fn(check_origin))
            .layer(from_fn(move |request, next| {
                record(acts.clone(), request, next)
            }))
            .layer(from_fn({
                let access = access.clone();
                move |request, next| identify(access.clone(), request, next)
            }))
            .merge(open)
            .layer(from_fn(move |request, next| {
                locate(access.clone(), request, next)
            }))
            .layer(from_fn(move |request, next| {
                check_host(Arc::clone(&hosts), request, next)
            }));
        let router = match name {
            Some(name) => router.layer(from_fn(move |request, next| {
                show_refusals(name, request, next)
            })),
            None => router,
        };
        router.layer(from_fn(harden))
    }
}

async fn wrong_method() -> Problem {
    let detail = "this address does not take the method: `Allow` names those that it takes";
    Problem::new(Reason::WrongMethod, detail)
}

/// Refuses requests over TCP for a name that is not this server's.
async fn check_host(hosts: Arc<[String]>, request: Request, next: Next) -> Response {
    let is_remote = matches!(request.extensions().get(), Some(Peer::Remote(_)));
    if is_remote && !is_own_host(&hosts, request.headers()) {
        let detail = "this server does not have the name that `Host` says: add it to `web.hosts`, or use the address";
        return Problem::new(Reason::ForeignHost, detail).into_response();
    }
    next.run(request).await
}

fn is_own_host(hosts: &[String], headers: &HeaderMap) -> bool {
    let text = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let Some(text) = text else {
        return false;
    };
    // An IPv6 address stands in brackets, with colons of its own.
    let name = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => text.split(':').next().unwrap_or_default(),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.parse::<IpAddr>().is_ok() || hosts.contains(&name)
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
    headers
        .entry(header::REFERRER_POLICY)
        .or_insert(HeaderValue::from_static("no-referrer"));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_another_server_is_recognised() {
        let hosts = ["hbd.example.com".to_owned()];
        let own = |host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            is_own_host(&hosts, &headers)
        };
        for host in [
            "localhost:9680",
            "127.0.0.1:9680",
            "[::1]:9680",
            "10.1.2.3",
            "HBD.example.com",
            "hbd.example.com.:443",
        ] {
            assert!(own(host), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example:80",
            "",
            "127.0.0.1.evil",
        ] {
            assert!(!own(host), "{host}");
        }
        assert!(!is_own_host(&hosts, &HeaderMap::new()));
    }

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
