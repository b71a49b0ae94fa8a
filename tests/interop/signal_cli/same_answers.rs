//! The stand-in, on which all other tests of the signal channel rest, gives
//! the answers that the real signal-cli gives, wherever no account is needed.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use annunciator_testkit::signal::{SignalCli, SignalDaemon};
use serde_json::Value;

use crate::program::{Daemon, run, signal_cli};

const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// Requests whose answers have an id, and so can be told apart.
const REQUESTS: [&str; 9] = [
    r#"{"jsonrpc":"2.0","id":1,"method":"listAccounts"}"#,
    r#"{"jsonrpc":"2.0","id":"two","method":"listAccounts","params":{}}"#,
    r#"{"jsonrpc":"2.0","id":3,"method":"version"}"#,
    r#"{"jsonrpc":"2.0","id":4,"method":"noSuchMethod"}"#,
    r#"{"jsonrpc":"2.0","id":5,"method":"send","params":{"message":"x","recipient":["+12025550199"]}}"#,
    r#"{"jsonrpc":"2.0","id":6,"method":"send","params":{"account":"+12025550123","message":"x","recipient":["+12025550199"]}}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":"send","params":{"account":"+12025550123","groupId":["AAEC"],"message":"x"}}"#,
    r#"{"jsonrpc":"2.0","method":"version","id":8,"params":[]}"#,
    "this is no JSON",
];

/// The code and message, or the result, of an answer.
fn gist(answer: &str) -> (Value, Value) {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let error = answer["error"].as_object();
    let said = match error {
        // What a parser says of what it can't read is the parser's own.
        Some(error) if error["code"] == -32700 || error["code"] == -32600 => error["code"].clone(),
        Some(error) => Value::Array(vec![error["code"].clone(), error["message"].clone()]),
        None => answer["result"].clone(),
    };
    (answer["id"].clone(), said)
}

fn over_line(rpc: &str, request: &str) -> String {
    let mut answer = String::new();
    let line = format!("{request}\n");
    if let Some(path) = rpc.strip_prefix("unix:") {
        let mut stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(WAIT_TIMEOUT)).unwrap();
        stream.write_all(line.as_bytes()).unwrap();
        BufReader::new(stream).read_line(&mut answer).unwrap();
    } else {
        let mut stream = TcpStream::connect(rpc.trim_start_matches("tcp://")).unwrap();
        stream.set_read_timeout(Some(WAIT_TIMEOUT)).unwrap();
        stream.write_all(line.as_bytes()).unwrap();
        BufReader::new(stream).read_line(&mut answer).unwrap();
    }
    answer
}

/// The status and the body.
fn over_http(rpc: &str, head: &str, body: &str) -> (String, String) {
    let address = rpc.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(WAIT_TIMEOUT)).unwrap();
    write!(
        stream,
        "{head}\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    (status.to_owned(), body.to_owned())
}

fn post(rpc: &str, body: &str) -> (String, String) {
    let head = "POST /api/v1/rpc HTTP/1.1\r\nContent-Type: application/json";
    over_http(rpc, head, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemons_answer_every_request_alike() {
    let real = Daemon::start().unwrap();
    let ours = SignalDaemon::start(&[]).await.unwrap();
    for request in REQUESTS {
        for (real, ours) in [(real.unix(), ours.unix()), (real.tcp(), ours.tcp())] {
            let (real, ours) = (over_line(&real, request), over_line(&ours, request));
            assert_eq!(
                gist(&ours),
                gist(&real),
                "{request}: {ours} instead of {real}"
            );
        }
        let (real, ours) = (post(&real.http(), request), post(&ours.http(), request));
        assert_eq!(ours.0, real.0, "{request}");
        assert_eq!(
            gist(&ours.1),
            gist(&real.1),
            "{request}: {ours:?} instead of {real:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemons_answer_http_alike() {
    let real = Daemon::start().unwrap();
    let ours = SignalDaemon::start(&[]).await.unwrap();
    let version = r#"{"jsonrpc":"2.0","id":1,"method":"version"}"#;
    for (head, body) in [
        ("GET /api/v1/check HTTP/1.1", ""),
        ("GET /api/v1/rpc HTTP/1.1", ""),
        ("POST /api/v1/rpc HTTP/1.1", version),
        (
            "POST /api/v1/rpc HTTP/1.1\r\nContent-Type: text/plain",
            version,
        ),
        (
            "POST /nowhere HTTP/1.1\r\nContent-Type: application/json",
            version,
        ),
        (
            "POST /api/v1/rpc HTTP/1.1\r\nContent-Type: application/json",
            r#"{"jsonrpc":"2.0","method":"version"}"#,
        ),
    ] {
        let answers = [real.http(), ours.http()].map(|rpc| over_http(&rpc, head, body));
        assert_eq!(answers[1].0, answers[0].0, "{head}: {answers:?}");
    }
    let batch = format!("[{version},{}]", version.replace(":1,", ":2,"));
    for rpc in [real.http(), ours.http()] {
        let (status, body) = post(&rpc, &batch);
        let answers: Vec<Value> = serde_json::from_str(&body).unwrap();
        assert_eq!((status.as_str(), answers.len()), ("200", 2));
    }
}

#[test]
fn the_programs_answer_every_form_of_arguments_alike() {
    let ours = SignalCli::install(&[]).unwrap();
    let said = |program: &Path, arguments: &[&str]| {
        let output = run(program, arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        // The lines that show the usage are long and tell nothing.
        let error = errors
            .lines()
            .find(|line| line.starts_with("signal-cli: error: "))
            .or(errors.lines().last())
            .unwrap_or_default();
        // Long lines are set in block.
        let error = error.split_whitespace().collect::<Vec<_>>().join(" ");
        let out = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.code(), out, error)
    };
    let send = ["-o", "json", "-a", "+12025550123", "send"];
    let mut differ = Vec::new();
    let with = |more: &[&'static str]| [&send[..], more].concat();
    for arguments in [
        vec!["--version"],
        vec!["-o", "json", "listAccounts"],
        vec!["send", "--message-from-stdin", "+12025550199"],
        with(&["--message-from-stdin", "+12025550199"]),
        with(&["-m", "text", "+12025550199"]),
        with(&["--message-from-stdin", "-u", "name.01", "-g", "AAEC"]),
        with(&[
            "--message-from-stdin",
            "+12025550199",
            "--text-style",
            "0:1:BOLD",
        ]),
        with(&["--message-from-stdin", "--note-to-self", "--notify-self"]),
        with(&["--message-from-stdin", "--no-urgent", "+12025550199"]),
        with(&["--message-from-stdin", "-m", "text", "+12025550199"]),
    ] {
        let (real, ours) = (
            said(&signal_cli(), &arguments),
            said(&ours.path(), &arguments),
        );
        if ours != real {
            differ.push(format!("{arguments:?}: {ours:?} instead of {real:?}"));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
