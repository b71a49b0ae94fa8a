//! The control socket: who may use it, what stands in its way, and requests
//! that are none.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::Shutdown,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::{UnixListener, UnixStream},
    },
};

use serde_json::Value as Json;

use crate::monitor::{CALM, Home, Monitor, PATIENCE, yaml};

/// The answer to bytes; the connection stays open where it is said.
fn answer(monitor: &Monitor, bytes: &[u8], finished: bool) -> String {
    let mut stream = UnixStream::connect(&monitor.control).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // It may stop reading before all is written.
    let _ = stream.write_all(bytes);
    if finished {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn nobody_else_may_use_it_and_it_goes_with_the_monitor() {
    let home = Home::new(CALM);
    let monitor = home.start();
    let facts = fs::symlink_metadata(home.path("control.sock")).unwrap();
    assert!(facts.file_type().is_socket());
    assert_eq!(facts.permissions().mode() & 0o777, 0o600);
    assert_eq!(monitor.stop().0, Some(0));
    assert!(!home.path("control.sock").exists());
}

#[test]
fn one_that_a_dead_monitor_left_is_replaced() {
    let home = Home::new(CALM);
    home.start().kill();
    assert!(home.path("control.sock").exists());
    let monitor = home.start();
    assert_eq!(monitor.status()["datagrams"], 0);
}

/// What a monitor says that watches without its control socket.
fn watched_without(home: &Home) -> String {
    let monitor = home.spawn(&["run"], |_| {});
    monitor.wait_for_log("the monitor watches without its control socket");
    monitor.wait_for_log("heartbeats are received");
    let (status, log) = monitor.stop();
    assert_eq!(status, Some(0), "{log}");
    log
}

#[test]
fn a_file_of_somebody_else_is_left_alone() {
    let home = Home::new(CALM);
    fs::write(home.path("control.sock"), "a letter").unwrap();
    let log = watched_without(&home);
    assert!(log.contains("control.sock is not a socket"), "{log}");
    let kept = fs::read_to_string(home.path("control.sock")).unwrap();
    assert_eq!(kept, "a letter");
}

#[test]
fn a_socket_that_somebody_answers_at_is_left_alone() {
    let home = Home::new(CALM);
    let _other = UnixListener::bind(home.path("control.sock")).unwrap();
    let (status, _, err) = home.hbd(&["run"]);
    assert_eq!(status, 1);
    assert!(
        err.contains("another monitor answers at the control socket"),
        "{err}"
    );
    let advice = "control.sock: stop it, or set another `monitor.control`";
    assert!(err.contains(advice), "{err}");
}

#[test]
fn a_second_monitor_does_not_start_and_harms_nothing() {
    let home = Home::new(CALM);
    let monitor = home.start();
    let (status, _, err) = home.hbd(&["run"]);
    assert_eq!(status, 1);
    assert!(err.contains("another monitor"), "{err}");
    let status = monitor.status();
    assert!(status["state_problem"].is_null(), "{status}");
    assert_eq!(home.hbd(&["status"]).0, 0);
}

#[test]
fn a_folder_that_does_not_exist_is_made_for_the_monitor_s_user_alone() {
    let home = Home::with(&yaml(CALM).replace("HOME/control", "HOME/run/control"));
    // What is run is found by the usual name.
    std::os::unix::fs::symlink(home.path("run/control.sock"), home.path("control.sock")).unwrap();
    let monitor = home.start();
    assert_eq!(monitor.status()["datagrams"], 0);
    let facts = fs::metadata(home.path("run")).unwrap();
    assert_eq!(facts.permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let home = Home::with(&yaml(CALM).replace("HOME/control", "HOME/none/there/control"));
    let log = watched_without(&home);
    let folder = home.path("none/there").display().to_string();
    assert!(log.contains("control.sock cannot be made: "), "{log}");
    assert!(
        log.contains(&format!("its folder {folder} does not")),
        "{log}"
    );
}

/// Sends a request with a body, and returns the status and the answer.
fn request(monitor: &Monitor, head: &str, body: &[u8]) -> (u16, Json) {
    let length = body.len();
    let head = format!(
        "{head}\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    let answer = answer(monitor, &[head.as_bytes(), body].concat(), false);
    let status = answer.split(' ').nth(1).and_then(|text| text.parse().ok());
    let (_, json) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let json = serde_json::from_str(json).unwrap_or_default();
    (
        status.unwrap_or_else(|| panic!("no status: {answer}")),
        json,
    )
}

const JSON: &str = "content-type: application/json";

#[test]
fn what_is_no_request_is_refused_in_words() {
    let home = Home::new(CALM);
    let monitor = home.start();
    let check = |head: &str, body: &[u8], status: u16, reason: &str, part: &str| {
        let (found, problem) = request(&monitor, head, body);
        assert_eq!(found, status, "{head}: {problem}");
        let kind = format!("urn:annunciator:problem:{reason}");
        assert_eq!(problem["type"], kind.as_str(), "{head}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part), "no `{part}` in {detail}");
    };
    let post = format!("POST /api/v1/notifications HTTP/1.1\r\n{JSON}");
    check(&post, b"hello", 400, "not_json", "expected value");
    check(&post, b"", 400, "not_json", "EOF");
    check(&post, &b"[".repeat(60_000), 422, "wrong_body", "");
    let deep = [br#"{"attributes": "#.as_slice(), &b"[".repeat(60_000)].concat();
    check(&post, &deep, 422, "wrong_body", "");
    check(&post, b"{}", 422, "wrong_body", "missing field `message`");
    let unknown = br#"{"message": "x", "to": "y"}"#;
    check(&post, unknown, 422, "wrong_body", "unknown field `to`");
    let odd = br#"{"message": "x", "severity": "odd"}"#;
    check(&post, odd, 422, "wrong_body", "odd");
    let empty = br#"{"message": " "}"#;
    check(&post, empty, 422, "invalid", "the message is empty");
    let unknown = br#"{"message": "x", "channels": ["nowhere"]}"#;
    check(&post, unknown, 422, "invalid", "nowhere");
    let plain = "POST /api/v1/notifications HTTP/1.1\r\ncontent-type: text/plain";
    check(plain, b"{}", 415, "wrong_content_type", "application/json");
    let put = format!("PUT /api/v1/hosts/web-01/silence HTTP/1.1\r\n{JSON}");
    let long = br#"{"seconds": 99999999999}"#;
    check(&put, long, 422, "invalid", "at most a year");
    let long = vec![b' '; 100_000];
    check(&put, &long, 413, "too_long", "longer than 65536 bytes");
    let foreign = format!("{put}\r\nsec-fetch-site: cross-site");
    check(&foreign, b"{}", 403, "foreign_origin", "another origin");
    let get = |path: &str| format!("GET /api/v1{path} HTTP/1.1");
    check(&get("/nothing"), b"", 404, "not_found", "nothing at this");
    check(
        &get("/hosts/web-99"),
        b"",
        404,
        "not_found",
        "no host `web-99`",
    );
    check(
        &get("/deliveries?state=odd"),
        b"",
        400,
        "wrong_query",
        "not one of",
    );
    check(
        &get("/deliveries?limit=x"),
        b"",
        400,
        "wrong_query",
        "limit",
    );
    check(
        &get("/deliveries/999"),
        b"",
        404,
        "not_found",
        "no delivery 999",
    );
    let delete = "DELETE /api/v1/status HTTP/1.1";
    check(delete, b"", 405, "wrong_method", "does not take");
    assert_eq!(monitor.status()["datagrams"], 0);
}

#[test]
fn what_is_not_http_closes_the_connection() {
    let home = Home::new(CALM);
    let monitor = home.start();
    for bytes in [b"{\"command\":\"status\"}\n".as_slice(), &[0xff; 100]] {
        let answer = answer(&monitor, bytes, true);
        assert!(answer.is_empty() || answer.contains(" 400 "), "{answer}");
    }
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    let answer = answer(&monitor, long.as_bytes(), true);
    assert!(answer.is_empty() || answer.contains(" 4"), "{answer}");
    assert_eq!(monitor.status()["datagrams"], 0);
}

#[test]
fn half_a_request_and_then_silence_holds_up_nobody() {
    let home = Home::new(CALM);
    let monitor = home.start();
    let long = format!(
        "POST /api/v1/notifications HTTP/1.1\r\nhost: x\r\n{JSON}\r\ncontent-length: 1000000\r\n\r\n{}",
        "{".repeat(100_000)
    );
    // One long body is read at a time.
    for half in ["GET /api", &long] {
        // More than are answered at a time.
        let silent: Vec<UnixStream> = (0..80)
            .map(|_| {
                let mut stream = UnixStream::connect(&monitor.control).unwrap();
                stream.set_write_timeout(Some(PATIENCE)).unwrap();
                let _ = stream.write_all(half.as_bytes());
                stream
            })
            .collect();
        let (status, _, err) = home.hbd(&["status"]);
        assert_eq!((status, err.as_str()), (0, ""));
        drop(silent);
    }
}

#[test]
fn a_connection_answers_one_request_after_the_other() {
    let home = Home::new(CALM);
    let monitor = home.start();
    let get = "GET /api/v1/incidents HTTP/1.1\r\nhost: x\r\n";
    let requests = format!("{get}\r\n{get}\r\n{get}connection: close\r\n\r\n");
    let answer = answer(&monitor, requests.as_bytes(), false);
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3, "{answer}");
    assert!(
        answer.contains("x-content-type-options: nosniff"),
        "{answer}"
    );
}

#[test]
fn the_description_names_every_route_and_every_answer_says_so() {
    let home = Home::new(CALM);
    let monitor = home.start();
    let description = monitor.client().get("/openapi.json").unwrap();
    assert_eq!(description["openapi"], "3.1.0");
    let paths = description["paths"].as_object().unwrap();
    for path in ["/status", "/hosts/{host}", "/incidents", "/notifications"] {
        let path = format!("/api/v1{path}");
        assert!(paths.contains_key(&path), "{path} is not in {paths:?}");
    }
}
