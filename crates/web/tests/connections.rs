//! Connections of clients that are slow, vanish, or do not listen: each ends, is counted under its
//! reason, and holds up nothing.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use annunciator_web::{Bind, JsonBody, Limits, Problem, Server};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    routing::{get, post},
};
use futures_util::stream;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use serde_json::Value as Json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Notify,
    time::timeout,
};

/// More than any of this takes.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);
/// A bound that is over at once.
const SHORT: Duration = Duration::from_millis(50);
/// A request after which the connection stays.
const HELLO: &str = "GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";

/// Says when it is dropped: the answer that has it goes on no more.
struct Ended(Arc<Notify>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// An answer that never ends.
async fn endless(State(ended): State<Arc<Notify>>) -> Body {
    let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
    let chunks = stream::unfold(Ended(ended), move |ended| {
        let chunk = chunk.clone();
        async move { Some((Ok::<_, Infallible>(chunk), ended)) }
    });
    Body::from_stream(chunks)
}

/// Takes a body as the API does.
async fn take(JsonBody(_): JsonBody<Json>) -> &'static str {
    "taken"
}

/// Refuses before it has read the body.
async fn refuse() -> Problem {
    Problem::new(annunciator_web::Reason::Forbidden, "not this one")
}

/// A server, and what its answer without an end says when it ends.
struct Post {
    server: Server,
    ended: Arc<Notify>,
    numbers: Snapshotter,
    _recording: metrics::LocalRecorderGuard<'static>,
}

impl Post {
    /// Serves within these bounds. Everything runs on this thread, so that only this test's
    /// numbers are counted.
    async fn new(limits: Limits) -> Self {
        let recorder: &'static _ = Box::leak(Box::new(DebuggingRecorder::new()));
        let recording = metrics::set_default_local_recorder(recorder);
        let ended = Arc::<Notify>::default();
        let router = Router::new()
            .route("/hello", get(|| async { "hello" }))
            .route("/endless", get(endless))
            .route("/take", post(take))
            .route("/refuse", post(refuse))
            .with_state(Arc::clone(&ended));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let bind = Bind::new(address).limits(limits);
        Self {
            server: Server::at_address(bind, router).await.unwrap(),
            ended,
            numbers: recorder.snapshotter(),
            _recording: recording,
        }
    }

    async fn connect(&self, request: &str) -> TcpStream {
        let address = self.server.address().unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// The reasons that were counted since the last look.
    fn refused(&self) -> Vec<String> {
        let numbers = self.numbers.snapshot().into_vec();
        let counted = numbers.into_iter().filter_map(|(key, _, _, value)| {
            let is_counted = !matches!(value, DebugValue::Counter(0));
            let (key, is_refused) = (key.key().clone(), "annunciator_web_refused_total");
            let reason = key.labels().next()?.value().to_owned();
            (key.name() == is_refused && is_counted).then_some(reason)
        });
        counted.collect()
    }

    async fn is_counted(&self, reason: &str) {
        let counted = async {
            while !self.refused().iter().any(|one| one == reason) {
                tokio::task::yield_now().await;
            }
        };
        timeout(WAIT_TIMEOUT, counted).await.unwrap();
    }

    /// Asks for something else, and is answered.
    async fn still_answers(&self) {
        let mut stream = self.connect(HELLO).await;
        let answer = part(&mut stream).await;
        assert!(answer.ends_with("hello"), "{answer}");
    }
}

/// Reads what arrives until the other end closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // What was sent and not read is answered by a reset.
    let _ = timeout(WAIT_TIMEOUT, stream.read_to_end(&mut text))
        .await
        .unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

/// Reads what arrives first.
async fn part(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4096];
    let read = timeout(WAIT_TIMEOUT, stream.read(&mut bytes)).await;
    let length = read.unwrap().unwrap();
    String::from_utf8_lossy(bytes.get(..length).unwrap()).into_owned()
}

#[tokio::test]
async fn a_stream_that_nobody_reads_ends() {
    let post = Post::new(Limits::REMOTE.write_timeout(SHORT)).await;
    let stream = post
        .connect("GET /endless HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    timeout(WAIT_TIMEOUT, post.ended.notified()).await.unwrap();
    post.is_counted("unread").await;
    post.still_answers().await;
    drop(stream);
}

#[tokio::test]
async fn a_stream_whose_client_has_vanished_ends_and_is_nobodys_fault() {
    let post = Post::new(Limits::REMOTE).await;
    let mut stream = post
        .connect("GET /endless HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    assert!(part(&mut stream).await.starts_with("HTTP/1.1 200"));
    drop(stream);
    timeout(WAIT_TIMEOUT, post.ended.notified()).await.unwrap();
    post.still_answers().await;
    assert_eq!(post.refused(), Vec::<String>::new());
}

#[tokio::test]
async fn a_client_that_vanishes_in_the_middle_of_a_request_holds_up_nothing() {
    let post = Post::new(Limits::REMOTE).await;
    let head = "POST /take HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    for begun in ["POST /ta", &format!("{head}content-length: 100\r\n\r\n{{")] {
        drop(post.connect(begun).await);
        post.still_answers().await;
    }
}

#[tokio::test]
async fn half_a_head_is_waited_for_no_longer_than_the_bound() {
    let post = Post::new(Limits::REMOTE.head_timeout(SHORT)).await;
    let mut stream = post.connect("GET /hello HTTP/1.1\r\nx-half:").await;
    rest(&mut stream).await;
    post.is_counted("too_slow").await;
}

#[tokio::test]
async fn a_connection_that_is_idle_is_closed_and_not_counted() {
    let post = Post::new(Limits::REMOTE.head_timeout(SHORT)).await;
    let mut silent = post.connect("").await;
    assert_eq!(rest(&mut silent).await, "");
    let mut stream = post.connect(HELLO).await;
    assert!(rest(&mut stream).await.ends_with("hello"));
    let take = "POST /take HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n";
    let mut stream = post.connect(&format!("{take}{{}}")).await;
    assert!(rest(&mut stream).await.ends_with("taken"));
    assert_eq!(post.refused(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_no_http_or_has_too_long_a_head_is_counted() {
    let post = Post::new(Limits::REMOTE).await;
    let mut odd = post.connect("hello\r\n\r\n").await;
    rest(&mut odd).await;
    post.is_counted("no_http").await;
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(20_000));
    let mut long = post.connect(&long).await;
    assert!(rest(&mut long).await.starts_with("HTTP/1.1 431"));
    post.is_counted("too_long").await;
}

#[tokio::test]
async fn a_connection_beyond_the_bound_takes_the_place_of_the_one_that_was_idle_longest() {
    let post = Post::new(Limits::REMOTE).await;
    let mut open = Vec::new();
    for _ in 0..512 {
        let mut stream = post.connect(HELLO).await;
        part(&mut stream).await;
        open.push(stream);
    }
    // One whose request is half there is idle, too; it is the last of them.
    open[511].write_all(b"GET /hel").await.unwrap();
    let mut another = post.connect(HELLO).await;
    assert!(part(&mut another).await.starts_with("HTTP/1.1 200"));
    post.is_counted("too_many_connections").await;
    assert_eq!(rest(&mut open[0]).await, "");
    open[1].write_all(HELLO.as_bytes()).await.unwrap();
    assert!(part(&mut open[1]).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_connection_that_is_answered_makes_no_room_for_another() {
    let post = Post::new(Limits::REMOTE).await;
    let mut open = Vec::new();
    for _ in 0..512 {
        let mut stream = post
            .connect("GET /endless HTTP/1.1\r\nhost: x\r\n\r\n")
            .await;
        part(&mut stream).await;
        open.push(stream);
    }
    let mut another = post.connect("").await;
    assert_eq!(rest(&mut another).await, "");
    post.is_counted("too_many_connections").await;
    assert!(!part(&mut open[0]).await.is_empty());
    open.clear();
    let again = async {
        let address = post.server.address().unwrap();
        loop {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let _ = stream.write_all(HELLO.as_bytes()).await;
            let mut first = [0];
            if matches!(stream.read(&mut first).await, Ok(1)) {
                break;
            }
        }
    };
    timeout(WAIT_TIMEOUT, again).await.unwrap();
}

/// Otherwise, the client would send its next request into a connection that ends.
#[tokio::test]
async fn an_answer_before_the_body_was_read_says_that_the_connection_ends() {
    let post = Post::new(Limits::REMOTE).await;
    let request = |path: &str, kind: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ncontent-length: 2\r\n\r\n{{}}"
        )
    };
    for (path, kind) in [("/refuse", "application/json"), ("/take", "text/plain")] {
        let mut stream = post.connect(&request(path, kind)).await;
        let answer = rest(&mut stream).await;
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
    let mut stream = post.connect(&request("/take", "application/json")).await;
    let answer = part(&mut stream).await;
    assert!(
        answer.ends_with("taken") && !answer.contains("connection:"),
        "{answer}"
    );
    stream.write_all(HELLO.as_bytes()).await.unwrap();
    assert!(part(&mut stream).await.ends_with("hello"));
}
