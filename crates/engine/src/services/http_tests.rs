//! Tests the host's HTTP client against a server that fails in every way: the reported error, and
//! whether the remote may have received the request.

use annunciator_core::{
    code::HostErrorKind,
    ffi::{RString, RVec},
    services::{HostErrorV1, HttpRequestV1, HttpResponseV1},
};
use annunciator_testkit::http::{Answer, Fault, HttpServer, SelfSigned};

use super::HttpClients;

fn request(url: &str) -> HttpRequestV1 {
    HttpRequestV1 {
        method: "POST".into(),
        url: url.into(),
        headers: RVec::new(),
        body: RVec::from(b"hello".as_slice()),
        timeout_ms: 5000,
        max_response_bytes: 0,
        follow_redirects: false,
        ca_file: RString::new(),
        extension_json: RString::new(),
    }
}

async fn send(request: HttpRequestV1) -> Result<HttpResponseV1, HostErrorV1> {
    HttpClients::default().send(request).await
}

/// Starts a server that answers with what it received.
async fn echo() -> HttpServer {
    HttpServer::start(|request| async move {
        match request.path() {
            "/redirect" => Answer::status(302).header("Location", "/there"),
            _ => Answer::text(200, request.text()).header("X-Seen", request.method()),
        }
    })
    .await
    .unwrap()
}

async fn failure(request: HttpRequestV1) -> (HostErrorKind, bool, String) {
    let error = send(request).await.unwrap_err();
    (error.kind, error.maybe_sent, error.detail.into())
}

#[tokio::test]
async fn an_answer_has_status_headers_and_body() {
    let server = echo().await;
    let answer = send(request(&server.url())).await.unwrap();
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, b"hello".as_slice())
    );
    assert!(
        answer
            .headers
            .iter()
            .any(|header| header.name == "x-seen" && header.value == "POST")
    );
}

#[tokio::test]
async fn a_port_where_nobody_listens() {
    let server = echo().await;
    let url = server.url();
    drop(server);
    let (kind, maybe_sent, detail) = failure(request(&url)).await;
    assert_eq!(
        (kind, maybe_sent),
        (HostErrorKind::CONNECT, false),
        "{detail}"
    );
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    let (kind, maybe_sent, detail) = failure(request("http://no-such-host.invalid/")).await;
    assert_eq!((kind, maybe_sent), (HostErrorKind::DNS, false), "{detail}");
}

#[tokio::test]
async fn addresses_that_make_no_sense() {
    for url in [
        "",
        "nonsense",
        "ftp://127.0.0.1/",
        "http://",
        "file:///etc/passwd",
    ] {
        let (kind, maybe_sent, detail) = failure(request(url)).await;
        assert_eq!(
            (kind, maybe_sent),
            (HostErrorKind::INVALID, false),
            "{url}: {detail}"
        );
    }
    let mut bad_header = request("http://127.0.0.1/");
    bad_header
        .headers
        .push(annunciator_core::services::HttpHeaderV1 {
            name: "X-A".into(),
            value: "b\r\nX-C: d".into(),
        });
    assert_eq!(failure(bad_header).await.0, HostErrorKind::INVALID);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_and_one_that_is_trusted() {
    let certificate = SelfSigned::create().unwrap();
    let server = HttpServer::builder()
        .tls(certificate.server())
        .start(|_| async { Answer::text(200, "safe") })
        .await
        .unwrap();
    let (kind, maybe_sent, detail) = failure(request(&server.url())).await;
    assert_eq!((kind, maybe_sent), (HostErrorKind::TLS, false), "{detail}");

    let mut trusting = request(&server.url());
    trusting.ca_file = certificate.file().display().to_string().into();
    assert_eq!(send(trusting).await.unwrap().status, 200);

    let mut missing = request(&server.url());
    missing.ca_file = "/no/such/ca.pem".into();
    let (kind, _, detail) = failure(missing).await;
    assert_eq!(kind, HostErrorKind::TLS);
    assert!(detail.contains("/no/such/ca.pem"), "{detail}");
}

#[tokio::test]
async fn a_connection_that_is_reset_leaves_it_open_what_happened() {
    let server = echo().await;
    for fault in [Fault::ResetBeforeStoring, Fault::ResetAfterStoring] {
        server.fault(fault);
        let (kind, maybe_sent, detail) = failure(request(&server.url())).await;
        assert_eq!((kind, maybe_sent), (HostErrorKind::LOST, true), "{detail}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers() {
    let server = echo().await;
    server.fault(Fault::Silent);
    let mut impatient = request(&server.url());
    impatient.timeout_ms = 50;
    let (kind, maybe_sent, detail) = failure(impatient).await;
    assert_eq!(
        (kind, maybe_sent),
        (HostErrorKind::TIMEOUT, true),
        "{detail}"
    );
}

#[tokio::test]
async fn a_body_without_end_is_cut() {
    let server = echo().await;
    server.fault(Fault::huge_body(3_000_000));
    let answer = send(request(&server.url())).await.unwrap();
    assert_eq!((answer.body.len(), answer.truncated), (1024 * 1024, true));
    server.fault(Fault::huge_body(1000));
    let mut small = request(&server.url());
    small.max_response_bytes = 10;
    let answer = send(small).await.unwrap();
    assert_eq!((answer.body.len(), answer.truncated), (10, true));
}

#[tokio::test]
async fn redirects_are_followed_only_when_asked_for() {
    let server = echo().await;
    let url = format!("{}/redirect", server.url());
    assert_eq!(send(request(&url)).await.unwrap().status, 302);
    let mut following = request(&url);
    following.follow_redirects = true;
    assert_eq!(send(following).await.unwrap().status, 200);
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = echo().await;
    let clients = HttpClients::default();
    for _ in 0..5 {
        clients.send(request(&server.url())).await.unwrap();
        // The pool takes a connection back when the connection's own task has run.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(server.connections().accepted(), 1);
}

#[tokio::test]
async fn no_error_shows_the_address() {
    for url in [
        "http://127.0.0.1:1/hooks/canary",
        "http://no-such-host.invalid/canary?token=canary",
    ] {
        let (_, _, detail) = failure(request(url)).await;
        assert!(!detail.contains("canary"), "{detail}");
    }
}
