//! The HTTP server of the stand-ins, seen by a raw client: routing, each
//! fault, and the counts of connections.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use crate::raw;
use annunciator_testkit::http::{Answer, Fault, HttpServer, Journal};

async fn storing() -> (HttpServer, Arc<Journal<String>>) {
    let journal = Arc::new(Journal::default());
    let stored = Arc::clone(&journal);
    let server = HttpServer::start(move |request| {
        let stored = Arc::clone(&stored);
        async move {
            stored.record(request.text());
            Answer::text(200, "ok")
        }
    })
    .await
    .unwrap();
    (server, journal)
}

async fn post(server: &HttpServer, body: &str) -> std::io::Result<raw::Reply> {
    raw::send(server.address(), "POST", "/x?a=b", &[], body.as_bytes()).await
}

#[tokio::test]
async fn when_nothing_is_wrong_the_closure_answers() {
    let (server, journal) = storing().await;
    let reply = post(&server, "hello").await.unwrap();
    assert_eq!((reply.status, reply.body.as_str()), (200, "ok"));
    assert_eq!(journal.wait_for(1).await.unwrap(), ["hello"]);
}

#[tokio::test]
async fn when_reset_before_storing_nothing_is_kept() {
    let (server, journal) = storing().await;
    server.fault(Fault::ResetBeforeStoring);
    let error = post(&server, "lost").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(journal.is_empty());
    assert_eq!(post(&server, "next").await.unwrap().status, 200);
}

#[tokio::test]
async fn when_reset_after_storing_the_message_is_kept() {
    let (server, journal) = storing().await;
    server.fault(Fault::ResetAfterStoring);
    let error = post(&server, "kept").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(journal.entries(), ["kept"]);
}

#[tokio::test]
async fn when_a_status_is_asked_for_it_comes_with_headers_and_body() {
    let (server, journal) = storing().await;
    server.fault(Fault::Answer(
        Answer::text(429, "limit exceeded").header("Retry-After", 7),
    ));
    let reply = post(&server, "x").await.unwrap();
    assert_eq!(reply.status, 429);
    assert_eq!(reply.header("retry-after"), Some("7"));
    assert_eq!(reply.body, "limit exceeded");
    assert!(journal.is_empty());
}

#[tokio::test]
async fn when_the_answer_is_replaced_after_storing_the_message_is_kept() {
    let (server, journal) = storing().await;
    server.fault(Fault::AnswerAfterStoring(Answer::html(502, "bad gateway")));
    assert_eq!(post(&server, "x").await.unwrap().status, 502);
    assert_eq!(journal.len(), 1);
}

#[tokio::test]
async fn when_a_portal_answers_in_its_place_nothing_is_kept() {
    let (server, journal) = storing().await;
    server.fault(Fault::html_page());
    server.fault(Fault::proxy_error(503));
    server.fault(Fault::huge_body(3_000_000));
    let page = post(&server, "x").await.unwrap();
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert_eq!(post(&server, "x").await.unwrap().status, 503);
    assert_eq!(post(&server, "x").await.unwrap().body.len(), 3_000_000);
    assert!(journal.is_empty());
}

#[tokio::test]
async fn when_a_fault_is_for_always_it_lasts_until_it_is_lifted() {
    let (server, _) = storing().await;
    server.always(Fault::proxy_error(500));
    for _ in 0..3 {
        assert_eq!(post(&server, "x").await.unwrap().status, 500);
    }
    server.always(None);
    assert_eq!(post(&server, "x").await.unwrap().status, 200);
}

#[tokio::test]
async fn when_slow_or_silent_the_message_is_kept_before_the_answer() {
    let (server, journal) = storing().await;
    server.fault(Fault::Slow(Duration::from_secs(3600)));
    server.fault(Fault::SilentAfterStoring);
    let slow = tokio::spawn(raw::send(server.address(), "POST", "/", &[], b"1"));
    journal.wait_for(1).await.unwrap();
    let silent = tokio::spawn(raw::send(server.address(), "POST", "/", &[], b"2"));
    journal.wait_for(2).await.unwrap();
    assert_eq!(server.connections().in_use(), 2);
    assert_eq!(server.connections().peak_in_use(), 2);
    drop(server);
    assert!(slow.await.unwrap().is_err());
    assert!(silent.await.unwrap().is_err());
}

#[tokio::test]
async fn when_dropped_the_port_is_free_again() {
    let (server, _) = storing().await;
    let address = server.address();
    post(&server, "x").await.unwrap();
    drop(server);
    // The listener goes with its task, which ends at its next poll.
    for _ in 0..1000 {
        if tokio::net::TcpStream::connect(address).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{address} still accepts connections");
}
