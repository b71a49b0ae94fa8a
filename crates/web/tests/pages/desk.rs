//! A router with pages over an engine with a plugin that delivers nothing, and requests to it.

use std::sync::Arc;

use annunciator::{
    Engine,
    store::{MemoryStore, SqliteFile},
};
use annunciator_testkit::rig::Rig;
use annunciator_web::{Access, AckLinks, Acts, Peer, Scope, Tokens, Web, page::Site};
use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

const YAML: &str = "notification_channels:
  pager: {type: steady, text: x}
  broken: {type: steady, outcomes: [never]}
default_notification_channels: [pager]
delivery: {retry: {attempts: 1}}
";

pub struct Desk {
    _rig: Rig,
    pub engine: Engine,
    pub tokens: Arc<Tokens>,
    pub links: Arc<AckLinks>,
    pub acts: Acts,
    pub router: Router,
}

/// An answer, read whole.
pub struct Page {
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    pub text: String,
}

impl Page {
    pub fn header(&self, name: header::HeaderName) -> &str {
        let value = self.headers.get(name);
        value
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    /// The cookie that it sets, as a browser sends it back.
    pub fn cookie(&self) -> String {
        let set = self.header(header::SET_COOKIE);
        set.split(';').next().unwrap().to_owned()
    }
}

impl Desk {
    pub async fn new() -> Self {
        Self::with(YAML).await
    }

    pub async fn with(yaml: &str) -> Self {
        let rig = Rig::new(&["fixture-steady"]).unwrap();
        let builder = rig.exactly(yaml).unwrap();
        let store = Arc::new(MemoryStore::default());
        let engine = builder.store(store).start().await.unwrap();
        let file = Arc::new(SqliteFile::in_memory(&[]).unwrap());
        let tokens = Arc::new(Tokens::open(file, "test").await.unwrap());
        let key = rig.folder().join("acknowledge.key");
        let links = Arc::new(AckLinks::open(&key, "http://hbd.example").unwrap());
        let acts = Acts::in_memory();
        let web = Web::new(engine.clone(), "the test")
            .links(Arc::clone(&links))
            .acts(acts.clone());
        let router = web
            .access(Access::default().tokens(Arc::clone(&tokens)))
            .host("hbd.example")
            .site(Site::new("test"))
            .router();
        Self {
            _rig: rig,
            engine,
            tokens,
            links,
            acts,
            router,
        }
    }

    pub async fn token(&self, name: &str, scope: Scope) -> String {
        self.tokens.add(name, scope, 0).await.unwrap()
    }

    /// The cookie of somebody who has logged in.
    pub async fn logged_in(&self, scope: Scope) -> String {
        let token = self.token("anna", scope).await;
        let page = self.post("/login", &format!("token={token}"), "").await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
        page.cookie()
    }

    pub async fn get(&self, path: &str, cookie: &str) -> Page {
        self.send(Method::GET, path, "", &[("cookie", cookie)])
            .await
    }

    /// A form as a browser sends it.
    pub async fn post(&self, path: &str, form: &str, cookie: &str) -> Page {
        let origin = ("origin", "http://127.0.0.1:9680");
        self.send(Method::POST, path, form, &[origin, ("cookie", cookie)])
            .await
    }

    /// A request over TCP; later headers replace earlier ones.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        form: &str,
        headers: &[(&'static str, &str)],
    ) -> Page {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::from(form.to_owned()))
            .unwrap();
        let usual = [
            ("host", "127.0.0.1:9680"),
            ("accept", "text/html,application/xhtml+xml"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        for (name, value) in usual.iter().chain(headers) {
            let value = value.parse().unwrap();
            request.headers_mut().insert(*name, value);
        }
        let address = ([10, 0, 0, 1], 5000).into();
        request.extensions_mut().insert(Peer::Remote(address));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Page {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}
