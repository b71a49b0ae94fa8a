//! Requests that make no sense, or come from where they should not: each is refused in problem
//! details, counted under its reason, and holds up nothing.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

use crate::{
    datagrams::heartbeat,
    monitor::{CALM, Home, Monitor, PATIENCE, wait_for, yaml},
    web::{address, bearer, exchange, send_form, token},
};

/// More than are served at once over TCP.
const MANY: usize = 600;

fn home() -> Home {
    Home::with(&format!("{}web: {{listen: '127.0.0.1:0'}}\n", yaml(CALM)))
}

/// How often a reason was counted.
fn refused(monitor: &Monitor, reason: &str) -> u64 {
    let (_, text) = monitor.fetch("GET", "/metrics");
    let series = format!("annunciator_web_refused_total{{reason=\"{reason}\"}} ");
    let count = text.lines().find_map(|line| line.strip_prefix(&series));
    count.map_or(0, |count| count.parse().unwrap())
}

/// Allows this process, and what it starts, as many open files as the system does.
fn open_many() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, all).unwrap();
}

/// A request and its answer: the line and the headers, the body, the status, the reason, and a part
/// of the answer's text.
type Case<'a> = (&'a str, &'a [&'a str], &'a str, u16, &'a str, &'a str);

#[test]
fn each_refusal_is_a_problem_that_is_counted_under_its_reason() {
    let home = home();
    let monitor = home.start();
    let address = address(&monitor);
    let actor = bearer(&token(&home, "anna", "act"));
    let reader = bearer(&token(&home, "bob", "read"));
    let sender = bearer(&token(&home, "ci", "ingest:ci"));
    let json = "content-type: application/json";
    let notify = "POST /api/v1/notifications";
    let deep = format!("{{\"message\": {}", "[".repeat(30_000));
    let deeper = "{\"a\":".repeat(12_000);
    let long = " ".repeat(70_000);
    let first = "{\"message\": \"hello\", \"key\": \"k\"}";
    let (head, _) = send(&address, notify, &[&actor, json], first);
    assert!(head.starts_with("HTTP/1.1 202"), "{head}");
    let acknowledge = "POST /api/v1/acknowledgements";
    let cases: &[Case<'_>] = &[
        (
            notify,
            &[&actor, json],
            "hello",
            400,
            "not_json",
            "expected value",
        ),
        (
            notify,
            &[&actor, json],
            "{\"message\": ",
            400,
            "not_json",
            "EOF",
        ),
        (notify, &[&actor, json], &deep, 422, "wrong_body", "message"),
        (
            acknowledge,
            &[&actor, json],
            &deeper,
            422,
            "wrong_body",
            "`a`",
        ),
        (
            notify,
            &[&actor, json],
            "{\"message\": 1}",
            422,
            "wrong_body",
            "/message",
        ),
        (
            notify,
            &[&actor, json],
            "{\"message\": \"x\", \"severity\": null}",
            422,
            "wrong_body",
            "/severity",
        ),
        (
            notify,
            &[&actor, json],
            "{\"message\": \"x\", \"to\": 1}",
            422,
            "wrong_body",
            "unknown field `to`",
        ),
        (
            acknowledge,
            &[&actor, json],
            "{\"hots\": \"a\"}",
            422,
            "wrong_body",
            "unknown field `hots`",
        ),
        (
            acknowledge,
            &[&actor, json],
            "{\"delivery\": 1.5}",
            422,
            "wrong_body",
            "/delivery",
        ),
        (
            acknowledge,
            &[&actor, json],
            &long,
            413,
            "too_long",
            "65536 bytes",
        ),
        (
            notify,
            &[&actor, "content-type: text/plain"],
            "{}",
            415,
            "wrong_content_type",
            "application/json",
        ),
        (
            notify,
            &[&actor, json],
            "{\"message\": \"bye\", \"key\": \"k\"}",
            409,
            "conflict",
            "message",
        ),
        (notify, &[&reader, json], "{}", 403, "forbidden", "act"),
        (notify, &[&sender, json], "{}", 403, "forbidden", ""),
        (
            notify,
            &["authorization: Bearer wrong", json],
            "{}",
            401,
            "unauthenticated",
            "token",
        ),
        (
            notify,
            &[&actor, json, "host: evil.example"],
            "{}",
            421,
            "foreign_host",
            "Host",
        ),
        (
            notify,
            &[&actor, json, "origin: http://evil.example"],
            "{}",
            403,
            "foreign_origin",
            "origin",
        ),
        (
            "GET /api/v1/deliveries?limit=1001",
            &[&actor],
            "",
            400,
            "wrong_query",
            "between 1 and 1000",
        ),
        (
            "GET /api/v1/acts?limit=0",
            &[&actor],
            "",
            400,
            "wrong_query",
            "between 1 and 1000",
        ),
        (
            "GET /api/v1/acts?before=-1",
            &[&actor],
            "",
            400,
            "wrong_query",
            "before",
        ),
        (
            "GET /api/v1/hosts/web-01?lines=10001",
            &[&actor],
            "",
            400,
            "wrong_query",
            "between 0 and 10000",
        ),
        (
            "GET /api/v1/deliveries?sate=failed",
            &[&actor],
            "",
            400,
            "wrong_query",
            "sate",
        ),
        ("GET /api/v1/nothing", &[&actor], "", 404, "not_found", ""),
        (
            "PATCH /api/v1/status",
            &[&actor],
            "",
            405,
            "wrong_method",
            "",
        ),
    ];
    for (line, headers, body, status, reason, part) in cases {
        let before = refused(&monitor, reason);
        let (head, text) = send(&address, line, headers, body);
        let about = format!("{line} {headers:?}: {head}\n{text}");
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{about}");
        assert!(
            head.contains("content-type: application/problem+json"),
            "{about}"
        );
        let kind = format!("\"type\":\"urn:annunciator:problem:{reason}\"");
        assert!(text.contains(&kind) && text.contains(part), "{about}");
        assert_eq!(refused(&monitor, reason), before + 1, "{about}");
    }
    let (head, _) = exchange(&address, "GET /api/v1/status", &[&actor]);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}

fn send(address: &str, line: &str, headers: &[&str], body: &str) -> (String, String) {
    let length = format!("content-length: {}", body.len());
    send_form(address, line, headers, &length, body)
}

#[test]
fn whoever_opens_every_connection_or_sends_slowly_holds_up_nobody_else() {
    open_many();
    let home = home();
    let monitor = home.start();
    let address = address(&monitor);
    let actor = bearer(&token(&home, "anna", "act"));
    let head = format!("POST /api/v1/acknowledgements HTTP/1.1\r\nhost: {address}\r\n{actor}\r\n");
    let body = "content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let open = |number: usize| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let begun = match number % 3 {
            0 => String::new(),
            1 => head.clone(),
            _ => format!("{head}{body}"),
        };
        // Those that are too many are closed.
        let _ = stream.write_all(begun.as_bytes());
        stream
    };
    let mut streams: Vec<TcpStream> = (0..MANY).map(open).collect();
    wait_for("connections that are too many", || {
        (refused(&monitor, "too_many_connections") > 0).then_some(())
    });
    // Meanwhile, it answers at its socket, takes heartbeats, and delivers.
    monitor.send(&heartbeat("web-01", 1));
    assert_eq!(home.hbd(&["status"]).0, 0);
    let (status, out, err) = home.hbd(&["notify", "--host", "web-01", "hello"]);
    assert_eq!(status, 0, "{out}{err}");
    assert!(
        home.notes()
            .iter()
            .any(|note| note.starts_with("delivered"))
    );
    // The slow ones are answered, or closed, when their time is over.
    let mut answers = Vec::new();
    for stream in &mut streams {
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answers.push(answer);
    }
    let too_slow = answers.iter().find(|answer| answer.contains("too_slow"));
    assert!(too_slow.unwrap().starts_with("HTTP/1.1 408 "));
    wait_for("slow heads and bodies that are counted", || {
        (refused(&monitor, "too_slow") > 200).then_some(())
    });
    let (head, _) = exchange(&address, "GET /api/v1/status", &[&actor]);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}

#[test]
fn ten_thousand_connections_keep_nobody_out() {
    open_many();
    // Where this process may not open as many, as many as it may.
    let Rlimit { current, .. } = getrlimit(Resource::Nofile);
    let count = current.map_or(10_000, |limit| limit.saturating_sub(2_000).min(10_000));
    let home = home();
    let monitor = home.start();
    let address = address(&monitor);
    let actor = bearer(&token(&home, "anna", "act"));
    let mut streams = Vec::new();
    for number in 0..count {
        let mut stream = TcpStream::connect(&address).unwrap();
        if number % 2 == 0 {
            let _ = stream.write_all(b"GET /api/v1/status HTTP/1.1\r\nhost: ");
        }
        streams.push(stream);
        if number % 1000 == 999 {
            let (head, _) = exchange(&address, "GET /api/v1/status", &[&actor]);
            assert!(head.starts_with("HTTP/1.1 200"), "{number}: {head}");
        }
    }
    monitor.send(&heartbeat("web-01", 1));
    assert_eq!(home.hbd(&["status"]).0, 0);
    // Those that made room, and those that were idle for too long.
    let ended = || refused(&monitor, "too_many_connections");
    wait_for("connections that made room", || (ended() > 0).then_some(()));
    drop(streams);
    let (head, _) = exchange(&address, "GET /api/v1/status", &[&actor]);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}

#[test]
fn a_monitor_without_a_free_descriptor_ends_what_is_idle_and_goes_on() {
    let home = home();
    let monitor = home.start();
    let address = address(&monitor);
    let actor = bearer(&token(&home, "anna", "act"));
    let open = fs::read_dir(format!("/proc/{}/fd", monitor.pid())).unwrap();
    let count = u64::try_from(open.count()).unwrap();
    let pid = Pid::from_raw(i32::try_from(monitor.pid()).unwrap());
    let few = Rlimit {
        current: Some(count + 5),
        maximum: getrlimit(Resource::Nofile).maximum,
    };
    let before = prlimit(pid, Resource::Nofile, few).unwrap();
    let connect = |_| TcpStream::connect(&address).unwrap();
    let streams: Vec<TcpStream> = (0..50).map(connect).collect();
    monitor.wait_for_log("no connection can be accepted");
    let (head, _) = exchange(&address, "GET /api/v1/status", &[&actor]);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    monitor.send(&heartbeat("web-01", 1));
    let _ = prlimit(pid, Resource::Nofile, before).unwrap();
    drop(streams);
    assert_eq!(home.hbd(&["status"]).0, 0);
    monitor.wait_for_log("connections are accepted again");
}
