//! Requests of other programs to `/in/SOURCE`, through the router: who may send, what is
//! answered, and what the engine has accepted.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use annunciator::{
    Clock, Engine, EngineBuilder, Sleep,
    store::{MemoryStore, Query, SqliteFile},
};
use annunciator_testkit::rig::Rig;
use annunciator_web::{Access, Ingest, Peer, Scope, Tokens, Web};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, Response},
};
use data_encoding::BASE64;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use tokio::{sync::Notify, task::JoinHandle};
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
    file: Arc<SqliteFile>,
    clock: Arc<SetClock>,
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
        let tokens = Arc::new(Tokens::open(Arc::clone(&file), "hbd").await.unwrap());
        let clock = Arc::<SetClock>::default();
        let router = router(&engine, &tokens, Ingest::new(engine.clone()));
        Self {
            rig,
            builder,
            engine,
            router,
            tokens,
            file,
            clock,
        }
    }

    /// Starts to watch alerts, as at a start of the program.
    async fn watch(&mut self) -> JoinHandle<()> {
        let (file, clock) = (Arc::clone(&self.file), self.clock.clone());
        let ingest = Ingest::open(self.engine.clone(), file, clock)
            .await
            .unwrap();
        self.router = router(&self.engine, &self.tokens, ingest.clone());
        tokio::spawn(ingest.watch())
    }

    /// The titles and texts of all notifications, the oldest first.
    async fn notified(&self) -> Vec<(String, String)> {
        let query = Query {
            limit: 100,
            ..Query::default()
        };
        let store = self.engine.store().unwrap();
        let mut records = store.deliveries(query).await.unwrap();
        records.sort_by_key(|record| record.delivery);
        let texts = records.iter().filter_map(|record| record.wording());
        texts.map(|text| (text.title, text.body)).collect()
    }

    /// Waits for notifications with these titles, and returns their texts.
    async fn wait_for_titles(&self, expected: &[&str]) -> Vec<String> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let (titles, texts): (Vec<String>, _) = self.notified().await.into_iter().unzip();
            if titles == expected {
                return texts;
            }
            assert!(Instant::now() < deadline, "{titles:?} and not {expected:?}");
            // Whoever has begun to sleep since the time was set looks again.
            self.clock.set.notify_waiters();
            tokio::time::sleep(Duration::from_millis(5)).await;
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

fn router(engine: &Engine, tokens: &Arc<Tokens>, ingest: Ingest) -> Router {
    let access = Access::default().tokens(Arc::clone(tokens));
    let web = Web::new(engine.clone(), "the monitor").access(access);
    web.ingest(ingest).router()
}

/// A clock that a test sets.
#[derive(Debug, Default)]
struct SetClock {
    now_ms: AtomicI64,
    set: Arc<Notify>,
}

impl SetClock {
    /// Sets the time, as a time of November 23rd, 2026, in UTC.
    fn set(&self, time: &str) {
        let time: Timestamp = format!("2026-11-23T{time}Z").parse().unwrap();
        self.now_ms.store(time.as_millisecond(), Ordering::SeqCst);
        self.set.notify_waiters();
    }
}

impl Clock for SetClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn sleep(&self, _: Duration) -> Sleep {
        let set = Arc::clone(&self.set).notified_owned();
        Box::pin(set)
    }
}

/// The title of the alert in the payload, and that of its end.
const DOWN: &str = "Instance prod-web-01:9100 down";
const UP: &str = "Resolved: Instance prod-web-01:9100 down";
const ALERTS: &str = "/in/prometheus/api/v2/alerts";

/// The payload with an end at this time.
fn until(time: &str) -> String {
    PROMETHEUS.replace("02:34:00.000", time)
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
async fn a_mapping_that_fails_is_an_alert_of_its_own_until_it_works() {
    let section = "  one: {format: template, each: payload.list, text: item.text}\n";
    let door = Door::new(section).await;
    let own = door.bearer(ingest("one")).await;
    // That a sender sends nonsense is no fault of the file.
    assert_eq!(door.send("/in/one", &own, "{").await.0, 400);
    assert!(door.engine.alerts().is_empty());
    assert_eq!(door.send("/in/one", &own, r#"{"list": {}}"#).await.0, 422);
    let alerts = door.engine.alerts();
    assert_eq!(alerts[0].subject, "ingest/one");
    assert!(alerts[0].sentence.contains("mapping, `each`"), "{alerts:?}");
    let good = r#"{"list": [{"text": "hello"}]}"#;
    assert_eq!(door.send("/in/one", &own, good).await.0, 200);
    assert!(door.engine.alerts().is_empty());
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
async fn an_event_of_which_nobody_would_be_notified_is_refused_and_an_alert_of_its_own() {
    let door = Door::new("  alerts: {format: alertmanager}\n").await;
    let own = door.bearer(ingest("alerts")).await;
    let file = fs::read_to_string(door.rig.file()).unwrap();
    let configure = async |text: &str| {
        fs::write(door.rig.file(), text).unwrap();
        let loaded = door.builder.load().unwrap();
        let _ = door.engine.reload(loaded).await.unwrap();
    };
    let to_nobody = file.replace("default_notification_channels: [a]\n", "");
    configure(&to_nobody).await;
    let (status, problem) = door.send("/in/alerts", &own, ALERTMANAGER).await;
    assert_eq!(status, 422, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("nobody would be notified"), "{detail}");
    let alerts = door.engine.alerts();
    assert_eq!(alerts[0].subject, "ingest/alerts");
    assert!(alerts[0].sentence.contains("nobody would be notified"));
    // Once there is a channel, it is taken, and not as a repetition.
    configure(&file).await;
    let (status, answer) = door.send("/in/alerts", &own, ALERTMANAGER).await;
    assert_eq!((status, &answer["repeated"]), (200, &json!(0)), "{answer}");
    assert!(door.engine.alerts().is_empty());
    // What was accepted is known, even if nobody would be notified of it any more.
    configure(&to_nobody).await;
    let (status, again) = door.send("/in/alerts", &own, ALERTMANAGER).await;
    assert_eq!((status, &again["repeated"]), (200, &answer["accepted"]));
}

#[tokio::test]
async fn what_is_not_accepted_is_to_be_sent_again() {
    let door = Door::new("  one: {format: template, text: item.text}\n").await;
    let own = door.bearer(ingest("one")).await;
    let _ = door.engine.shutdown(Duration::ZERO).await;
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

#[tokio::test]
async fn an_alert_that_is_not_sent_again_ends_once() {
    let mut door = Door::new("  prometheus: {format: prometheus}\n").await;
    door.clock.set("02:31:00");
    let _watching = door.watch().await;
    let own = door.bearer(ingest("prometheus")).await;
    assert_eq!(door.send(ALERTS, &own, PROMETHEUS).await.0, 200);
    door.clock.set("02:32:00");
    let (_, again) = door.send(ALERTS, &own, &until("02:36:00.000")).await;
    assert_eq!(again["repeated"], 1);
    door.clock.set("02:36:00");
    let texts = door.wait_for_titles(&[DOWN, UP]).await;
    let over = "This is over after 6m.\nIt is no longer sent.\n";
    assert!(texts[1].starts_with(over), "{texts:?}");
    // The end that the sender reports is known.
    door.clock.set("02:37:00");
    let (_, end) = door.send(ALERTS, &own, &until("02:33:00.000")).await;
    assert_eq!((&end["accepted"], &end["repeated"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn an_alert_that_comes_back_is_a_new_problem_and_ends_again() {
    let mut door = Door::new("  prometheus: {format: prometheus}\n").await;
    door.clock.set("02:31:00");
    let _watching = door.watch().await;
    let own = door.bearer(ingest("prometheus")).await;
    assert_eq!(door.send(ALERTS, &own, PROMETHEUS).await.0, 200);
    door.clock.set("02:34:00");
    door.wait_for_titles(&[DOWN, UP]).await;
    door.clock.set("02:40:00");
    let (_, back) = door.send(ALERTS, &own, &until("02:44:00.000")).await;
    assert_eq!(back["accepted"], 1);
    let (_, back) = door.send(ALERTS, &own, &until("02:45:00.000")).await;
    assert_eq!(back["repeated"], 1);
    door.clock.set("02:46:00");
    door.wait_for_titles(&[DOWN, UP, DOWN, UP]).await;
}

#[tokio::test]
async fn an_alert_that_is_sent_again_after_a_restart_has_not_ended() {
    let mut door = Door::new("  prometheus: {format: prometheus}\n").await;
    door.clock.set("02:31:00");
    let watching = door.watch().await;
    let own = door.bearer(ingest("prometheus")).await;
    assert_eq!(door.send(ALERTS, &own, PROMETHEUS).await.0, 200);
    watching.abort();
    // Its time has passed meanwhile, and its sender has a while to send it again.
    door.clock.set("03:00:00");
    let _watching = door.watch().await;
    door.wait_for_titles(&[DOWN]).await;
    door.clock.set("03:04:59");
    let (_, again) = door.send(ALERTS, &own, &until("03:08:00.000")).await;
    assert_eq!(again["repeated"], 1, "it has not ended: {again}");
    door.clock.set("03:08:00");
    door.wait_for_titles(&[DOWN, UP]).await;
}

#[tokio::test]
async fn an_alert_that_is_not_sent_again_after_a_restart_ends() {
    let mut door = Door::new("  prometheus: {format: prometheus}\n").await;
    door.clock.set("02:31:00");
    let watching = door.watch().await;
    let own = door.bearer(ingest("prometheus")).await;
    assert_eq!(door.send(ALERTS, &own, PROMETHEUS).await.0, 200);
    watching.abort();
    door.clock.set("03:00:00");
    let _watching = door.watch().await;
    door.clock.set("03:05:00");
    door.wait_for_titles(&[DOWN, UP]).await;
}
