//! Requests of other programs to `/in/SOURCE`, through the router: who may send, what is
//! answered, and what the engine has accepted.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{fs, sync::Arc};

use annunciator::{
    Engine, EngineBuilder,
    store::{MemoryStore, SqliteFile},
};
use annunciator_testkit::rig::Rig;
use annunciator_web::{Access, Ingest, Peer, Scope, Tokens, Web};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, Response},
};
use data_encoding::BASE64;
use serde_json::{Value as Json, json};
use tower::Service as _;

const PROMETHEUS: &str = include_str!("../../ingest/tests/payloads/prometheus.json");
const ALERTMANAGER: &str = include_str!("../../ingest/tests/payloads/alertmanager.json");

/// The configuration before its section `ingest`.
const CHANNELS: &str = "notification_channels:
  a: {type: steady, text: hello}
  b: {type: steady, text: bye}
default_notification_channels: [a]
";

/// An engine, its router, and its tokens.
struct Door {
    rig: Rig,
    builder: EngineBuilder,
    engine: Engine,
    router: Router,
    tokens: Arc<Tokens>,
}

impl Door {
    async fn new(section: &str) -> Self {
        let rig = Rig::new(&["fixture-steady"]).unwrap();
        let builder = rig
            .configured(&format!("{CHANNELS}ingest:\n{section}"))
            .unwrap();
        let builder = annunciator_ingest::declare(builder).store(Arc::<MemoryStore>::default());
        let engine = builder.clone().start().await.unwrap();
        let file = Arc::new(SqliteFile::in_memory(&[]).unwrap());
        let tokens = Arc::new(Tokens::open(file, "hbd").await.unwrap());
        let access = Access::default().tokens(Arc::clone(&tokens));
        let web = Web::new(engine.clone(), "the monitor").access(access);
        let router = web.ingest(Ingest::new(engine.clone())).router();
        Self {
            rig,
            builder,
            engine,
            router,
            tokens,
        }
    }

    /// A header with a token of this scope.
    async fn bearer(&self, scope: Scope) -> String {
        let name = scope.to_string().replace(':', ".");
        format!("Bearer {}", self.tokens.add(&name, scope, 0).await.unwrap())
    }

    /// Sends a body with this value of `Authorization`.
    async fn send(&self, path: &str, authorization: &str, body: &str) -> (u16, Json) {
        let response = self.respond(path, authorization, body.to_owned()).await;
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    async fn respond(&self, path: &str, authorization: &str, body: String) -> Response<Body> {
        let request = Request::post(path)
            .header("host", "localhost")
            .header("authorization", authorization)
            .header("content-type", "application/json")
            .extension(Peer::Remote(([10, 0, 0, 1], 80).into()));
        let request = request.body(Body::from(body)).unwrap();
        self.router.clone().call(request).await.unwrap()
    }
}

fn ingest(source: &str) -> Scope {
    Scope::Ingest(source.to_owned())
}

#[tokio::test]
async fn a_token_of_a_source_sends_to_this_source_and_nowhere_else() {
    let door = Door::new(
        "  one: {format: template, text: item.text}\n  two: {format: template, text: item.text}\n",
    )
    .await;
    let own = door.bearer(ingest("one")).await;
    let body = r#"{"text": "hello"}"#;
    assert_eq!(door.send("/in/one", &own, body).await.0, 200);
    assert_eq!(door.send("/in/two", &own, body).await.0, 403);
    assert_eq!(door.send("/in/three", &own, body).await.0, 403);
    assert_eq!(door.send("/in/%6fne", &own, body).await.0, 403);
    assert_eq!(door.send("/api/v1/notifications", &own, body).await.0, 403);
    let actor = door.bearer(Scope::Act).await;
    assert_eq!(door.send("/in/two", &actor, body).await.0, 200);
    assert_eq!(door.send("/in/three", &actor, body).await.0, 404);
    let reader = door.bearer(Scope::Read).await;
    assert_eq!(door.send("/in/one", &reader, body).await.0, 403);
}

#[tokio::test]
async fn a_token_is_taken_as_a_password_by_sources_only() {
    let door = Door::new("  one: {format: template, text: item.text}\n").await;
    let token = door.bearer(Scope::Act).await;
    let token = token.strip_prefix("Bearer ").unwrap();
    let basic = format!("Basic {}", BASE64.encode(format!("any:{token}").as_bytes()));
    let body = r#"{"text": "hello"}"#;
    assert_eq!(door.send("/in/one", &basic, body).await.0, 200);
    let api = door
        .respond("/api/v1/notifications", &basic, body.to_owned())
        .await;
    assert_eq!(api.status(), 401);
    let challenges = |headers: &HeaderMap| headers.get_all("www-authenticate").iter().count();
    assert_eq!(challenges(api.headers()), 1);
    let wrong = door.respond("/in/one", "Basic eDp5", body.to_owned()).await;
    assert_eq!(
        (wrong.status().as_u16(), challenges(wrong.headers())),
        (401, 2)
    );
}

#[tokio::test]
async fn what_is_sent_twice_is_accepted_once() {
    let door = Door::new("  alerts: {format: alertmanager}\n").await;
    let own = door.bearer(ingest("alerts")).await;
    let (status, first) = door.send("/in/alerts", &own, ALERTMANAGER).await;
    assert_eq!(status, 200, "{first}");
    // Two alerts, and how many Alertmanager has left out.
    let all = json!({ "accepted": 3, "repeated": 0, "skipped": 0, "errors": [] });
    assert_eq!(first, all);
    // The same alerts in other words, as with the value of the moment.
    let other = ALERTMANAGER.replace("is ", "is still ");
    let (status, again) = door.send("/in/alerts", &own, &other).await;
    assert_eq!((status, &again["accepted"]), (200, &json!(0)), "{again}");
    assert_eq!(again["repeated"], json!(3));
}

#[tokio::test]
async fn the_address_of_an_alertmanager_is_taken() {
    let door = Door::new("  prometheus: {format: prometheus}\n").await;
    let own = door.bearer(ingest("prometheus")).await;
    let (status, answer) = door
        .send("/in/prometheus/api/v2/alerts", &own, PROMETHEUS)
        .await;
    assert_eq!((status, &answer["accepted"]), (200, &json!(1)), "{answer}");
    let (status, _) = door
        .send("/in/prometheus/api/v1/alerts", &own, PROMETHEUS)
        .await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_request_of_which_nothing_can_be_read_is_refused_with_whose_fault_it_is() {
    let section = "  one: {format: template, each: payload.list, text: item.text}\n";
    let door = Door::new(section).await;
    let own = door.bearer(ingest("one")).await;
    let (status, problem) = door.send("/in/one", &own, "{").await;
    assert_eq!(
        (status, &problem["fault"]),
        (400, &json!("sender")),
        "{problem}"
    );
    let (status, problem) = door.send("/in/one", &own, r#"{"list": {}}"#).await;
    assert_eq!(
        (status, &problem["fault"]),
        (422, &json!("mapping")),
        "{problem}"
    );
    assert_eq!(problem["key"], "ingest.one.each");
    assert_eq!(problem["reason"], "wrong_type");
    let long = "x".repeat(annunciator_ingest::limits::MAX_BODY_SIZE + 1);
    assert_eq!(door.send("/in/one", &own, &long).await.0, 413);
}

#[tokio::test]
async fn one_wrong_item_does_not_cost_the_others() {
    let section = "  one: {format: template, each: payload.list, text: item.text}\n";
    let door = Door::new(section).await;
    let own = door.bearer(ingest("one")).await;
    let body = r#"{"list": [{"text": "hello"}, {}]}"#;
    let (status, answer) = door.send("/in/one", &own, body).await;
    assert_eq!((status, &answer["accepted"]), (200, &json!(1)), "{answer}");
    assert_eq!(answer["errors"][0]["item"], 1);
    assert_eq!(answer["errors"][0]["reason"], "nothing");
}

#[tokio::test]
async fn what_is_not_accepted_is_to_be_sent_again() {
    let door = Door::new("  one: {format: template, text: item.text}\n").await;
    let own = door.bearer(ingest("one")).await;
    let _ = door.engine.shutdown(std::time::Duration::ZERO).await;
    let (status, problem) = door.send("/in/one", &own, r#"{"text": "hello"}"#).await;
    assert_eq!(
        (status, &problem["accepted"]),
        (503, &json!(0)),
        "{problem}"
    );
}

#[tokio::test]
async fn a_reload_applies_to_the_next_request() {
    let door = Door::new("  one: {format: template, text: item.text}\n").await;
    let own = door.bearer(ingest("one")).await;
    let body = r#"{"words": "hello"}"#;
    assert_eq!(door.send("/in/one", &own, body).await.0, 422);
    let file = fs::read_to_string(door.rig.file()).unwrap();
    fs::write(door.rig.file(), file.replace("item.text", "item.words")).unwrap();
    let loaded = door.builder.load().unwrap();
    let _ = door.engine.reload(loaded).await.unwrap();
    assert_eq!(door.send("/in/one", &own, body).await.0, 200);
}
