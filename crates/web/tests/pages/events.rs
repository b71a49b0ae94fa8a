//! The event stream: whoever listens learns what changes, and misses nothing.

use std::{collections::HashSet, time::Duration};

use annunciator::{
    Acknowledge, Kind, Notification, Route,
    store::{Query, State},
};
use annunciator_web::{Drain, Peer, Scope};
use axum::{
    body::{Body, BodyDataStream},
    http::{Request, StatusCode},
};
use futures_util::StreamExt as _;
use http_body_util::BodyExt as _;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::desk::Desk;

/// More than any of this takes.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// A stream that is being read.
struct Listener {
    stream: BodyDataStream,
    text: String,
}

/// An event: its name, its id and its data.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    name: String,
    id: String,
    data: serde_json::Value,
}

impl Listener {
    /// Returns the next event that is no sign of life, or `None` at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        let next = async {
            loop {
                if let Some((event, rest)) = self.text.split_once("\n\n") {
                    let event = read(event);
                    self.text = rest.to_owned();
                    if event.name != "tick" {
                        return Some(event);
                    }
                    continue;
                }
                let bytes = self.stream.next().await?.unwrap();
                self.text.push_str(str::from_utf8(&bytes).unwrap());
            }
        };
        tokio::time::timeout(WAIT_TIMEOUT, next).await.unwrap()
    }

    /// Returns the next event of this name.
    async fn named(&mut self, name: &str) -> Event {
        loop {
            let event = self.next().await.unwrap();
            if event.name == name {
                return event;
            }
        }
    }

    /// Reads until a delivery is in this state, and returns the event.
    async fn until(&mut self, state: &str) -> Event {
        loop {
            let event = self.named("delivery").await;
            if event.data["state"] == state {
                return event;
            }
        }
    }
}

fn read(text: &str) -> Event {
    let field = |name: &str| {
        let mut lines = text.lines();
        let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.unwrap_or_default().to_owned()
    };
    Event {
        name: field("event"),
        id: field("id"),
        data: serde_json::from_str(&field("data")).unwrap(),
    }
}

struct Answer {
    status: StatusCode,
    body: Body,
}

async fn ask(desk: &Desk, token: &str, last: Option<&str>, drain: &CancellationToken) -> Answer {
    let mut request = Request::get("/api/v1/events")
        .header("host", "127.0.0.1:9680")
        .header("authorization", format!("Bearer {token}"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let mut request = request.body(Body::empty()).unwrap();
    let address = ([10, 0, 0, 1], 5000).into();
    request.extensions_mut().insert(Peer::Remote(address));
    request.extensions_mut().insert(Drain(drain.clone()));
    let response = desk.router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    Answer {
        status: head.status,
        body,
    }
}

async fn listen(desk: &Desk, token: &str, last: Option<&str>) -> Listener {
    let answer = ask(desk, token, last, &CancellationToken::new()).await;
    assert_eq!(answer.status, StatusCode::OK);
    Listener {
        stream: answer.body.into_data_stream(),
        text: String::new(),
    }
}

fn problem() -> Notification {
    Notification::new("db-01 is overdue")
        .incident("db-01/overdue")
        .kind(Kind::Problem)
}

async fn notify(desk: &Desk, notification: Notification) {
    let accepted = desk
        .engine
        .submit(Route::Defaults, notification, None)
        .await;
    accepted.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_listens_sees_what_is_accepted_and_what_comes_of_it() {
    let desk = Desk::new().await;
    let token = desk.token("reader", Scope::Read).await;
    let mut listener = listen(&desk, &token, None).await;
    let ready = listener.next().await.unwrap();
    assert_eq!((&*ready.name, &*ready.id), ("ready", "0"));
    notify(&desk, problem()).await;
    let delivered = listener.until("delivered").await;
    assert_eq!(delivered.data["channel"], "pager");
    assert_eq!(delivered.data["body"], "db-01 is overdue");
    let target = Acknowledge::incident("db-01/overdue", "anna");
    desk.engine.acknowledge(target).await.unwrap();
    let taken = listener.named("acknowledgement").await;
    assert_eq!(taken.data["incident"], "db-01/overdue");
    assert_eq!(taken.data["acknowledgement"]["by"], "anna");
    let withdrawn = desk.engine.withdraw_acknowledgement("db-01/overdue").await;
    assert!(withdrawn.unwrap());
    let withdrawn = listener.named("acknowledgement").await;
    assert_eq!(withdrawn.data["acknowledgement"], serde_json::Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_with_the_last_id_misses_nothing() {
    let desk = Desk::new().await;
    let token = desk.token("reader", Scope::Read).await;
    let mut listener = listen(&desk, &token, None).await;
    let ready = listener.next().await.unwrap();
    drop(listener);
    for number in 0..3 {
        let notification = Notification::new(format!("message {number}"));
        notify(&desk, notification).await;
    }
    let mut again = listen(&desk, &token, Some(&ready.id)).await;
    let mut delivered = Vec::new();
    for _ in 0..3 {
        let event = again.until("delivered").await;
        delivered.push(event.data["body"].as_str().unwrap().to_owned());
    }
    // They were delivered at once, in any order.
    delivered.sort();
    assert_eq!(delivered, ["message 0", "message 1", "message 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_after_too_long_is_told_to_look_again() {
    let desk = Desk::new().await;
    let token = desk.token("reader", Scope::Read).await;
    let mut listener = listen(&desk, &token, Some("4711")).await;
    assert_eq!(listener.next().await.unwrap().name, "ready");
    let reset = listener.next().await.unwrap();
    assert_eq!((&*reset.name, &*reset.id), ("reset", "0"));
    let wrong = ask(&desk, &token, Some("soon"), &CancellationToken::new()).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_the_server_does() {
    let desk = Desk::new().await;
    let token = desk.token("reader", Scope::Read).await;
    let drain = CancellationToken::new();
    let answer = ask(&desk, &token, None, &drain).await;
    let mut listener = Listener {
        stream: answer.body.into_data_stream(),
        text: String::new(),
    };
    assert_eq!(listener.next().await.unwrap().name, "ready");
    drain.cancel();
    assert_eq!(listener.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_so_many_streams_others_are_refused_until_one_ends() {
    let desk = Desk::new().await;
    let token = desk.token("reader", Scope::Read).await;
    let drain = CancellationToken::new();
    let mut open = Vec::new();
    let refused = loop {
        let answer = ask(&desk, &token, None, &drain).await;
        if answer.status != StatusCode::OK {
            break answer;
        }
        open.push(answer.body);
        assert!(open.len() < 10_000);
    };
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    let body = refused.body.collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("too_many_streams"));
    // Nobody read them, and they hold up nothing.
    notify(&desk, problem()).await;
    let delivered = Query {
        states: vec![State::Delivered],
        limit: 1,
        ..Query::default()
    };
    let store = desk.engine.store().unwrap();
    let arrives = async {
        while store
            .deliveries(delivered.clone())
            .await
            .unwrap()
            .is_empty()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(WAIT_TIMEOUT, arrives).await.is_ok());
    open.pop();
    let again = async {
        while ask(&desk, &token, None, &drain).await.status != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(WAIT_TIMEOUT, again).await.is_ok());
}

/// Some begin in the middle, so that what they have read from the store ends between two rounds of
/// what all streams are sent.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_storm_every_stream_has_all_that_was_delivered_and_no_change_twice() {
    const MESSAGES: usize = 600;
    let desk = Desk::new().await;
    let token = desk.token("reader", Scope::Read).await;
    let mut listening = JoinSet::new();
    for round in 0..6 {
        let mut listener = listen(&desk, &token, Some("0")).await;
        listening.spawn(async move {
            let (mut last, mut delivered) = (0, HashSet::new());
            while delivered.len() < MESSAGES {
                let event = listener.named("delivery").await;
                let number: i64 = event.id.parse().unwrap();
                assert!(number > last, "{number} after {last}");
                last = number;
                if event.data["state"] == "delivered" {
                    // As it is now: of an earlier change, too.
                    let body = event.data["body"].as_str().unwrap();
                    delivered.insert(body.to_owned());
                }
            }
        });
        let mut sending = JoinSet::new();
        for number in 0..MESSAGES / 6 {
            let engine = desk.engine.clone();
            let notification = Notification::new(format!("message {round}/{number}"));
            sending.spawn(async move {
                let accepted = engine.submit(Route::Defaults, notification, None).await;
                accepted.unwrap();
            });
        }
        sending.join_all().await;
    }
    listening.join_all().await;
}
