//! The signal-cli stand-in against raw clients: argument forms, answers and
//! exit statuses of the executable; framing, errors and faults of the daemon.

use std::io::Write;
use std::process::{Command, Stdio};

use annunciator_testkit::signal::{Fault, ResultType, SignalCli, SignalDaemon, Verdict};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};

const ME: &str = "+12025551234";
const GROUP: &str = "aGVsbG8gd29ybGQ=";

/// Runs the executable; exit status, standard output, standard error.
fn run(cli: &SignalCli, words: &[&str], stdin: &str) -> (Option<i32>, String, String) {
    let mut child = Command::new(cli.path())
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who doesn't read closes the pipe, which is fine.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn when_called_rightly_it_sends_and_records_the_call() {
    let cli = SignalCli::install(&[ME]).unwrap();
    cli.group(GROUP, &[("+4911", Verdict::default())]).unwrap();
    let words = [
        "-a",
        ME,
        "-o",
        "json",
        "send",
        "--message-from-stdin",
        "+49222",
        "u:bob.01",
        "-g",
        GROUP,
        "-u",
        "alice.02",
    ];
    let (status, stdout, _) = run(&cli, &words, "héllo\nworld");
    assert_eq!(status, Some(0));
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(answer["results"].as_array().unwrap().len(), 4);
    assert_eq!(answer["results"][0]["recipientAddress"]["number"], "+49222");
    let calls = cli.calls();
    assert_eq!(calls[0].stdin, "héllo\nworld");
    assert_eq!(calls[0].arguments, words);
    assert!(calls[0].sent);
    assert_eq!(cli.violations(), Vec::<String>::new());
    let (_, stdout, _) = run(&cli, &["-o", "json", "listAccounts"], "");
    assert_eq!(stdout, format!("[{{\"number\":\"{ME}\"}}]\n"));
}

#[test]
fn when_called_wrongly_it_refuses() {
    let cli = SignalCli::install(&[ME]).unwrap();
    let head = ["-a", ME, "-o", "json", "send"];
    for (words, stdin, text) in [
        (&["+49222", "--wrong"][..], "x", "unrecognized"),
        (
            &["--message-from-stdin", "--no-urgent", "+49222"],
            "x",
            "--no-urgent",
        ),
        (
            &["-m", "x", "--message-from-stdin", "+49222"],
            "x",
            "not allowed",
        ),
        (&["--message-from-stdin", "+49222"], "", "empty message"),
        (&["--message-from-stdin"], "x", "No recipients"),
        (
            &["--message-from-stdin", "bob"],
            "x",
            "Invalid phone number",
        ),
        (
            &["--message-from-stdin", "-g", "no base64!"],
            "x",
            "Invalid group id",
        ),
        (
            &["--message-from-stdin", "-g", GROUP, "+49222"],
            "x",
            "Invalid group id",
        ),
        (
            &["--message-from-stdin", "-g", GROUP],
            "x",
            "Group not found",
        ),
        (
            &["--message-from-stdin", "+49222", "--text-style", "0:9:BOLD"],
            "x",
            "text style",
        ),
    ] {
        let (status, _, stderr) = run(&cli, &[&head[..], words].concat(), stdin);
        assert_eq!(status, Some(1), "{words:?}: {stderr}");
        assert!(stderr.contains(text), "{words:?}: {stderr}");
    }
    let (status, _, stderr) = run(
        &cli,
        &["-a", "+49", "send", "--message-from-stdin", "+4922"],
        "x",
    );
    assert_eq!(status, Some(1));
    assert!(stderr.contains("User +49 is not registered."), "{stderr}");
    run(
        &cli,
        &["-a", ME, "-o", "json", "send", "-m", "x", "+49222"],
        "",
    );
    assert!(cli.violations().join(" ").contains("in the argument list"));
}

#[test]
fn when_recipients_fail_the_exit_status_says_how() {
    use ResultType::{IdentityFailure, NetworkFailure, RateLimitFailure, UnregisteredFailure};
    for (kinds, status) in [
        (&[NetworkFailure, NetworkFailure][..], 1),
        (&[IdentityFailure, IdentityFailure], 4),
        (&[RateLimitFailure, RateLimitFailure], 5),
        (&[RateLimitFailure, UnregisteredFailure], 1),
        (&[RateLimitFailure], 0),
    ] {
        let cli = SignalCli::install(&[ME]).unwrap();
        for (name, kind) in ["+49221", "+49222"].iter().zip(kinds) {
            cli.refuse(name, Verdict::of(*kind)).unwrap();
        }
        let words = [
            "-a",
            ME,
            "-o",
            "json",
            "send",
            "--message-from-stdin",
            "+49221",
            "+49222",
        ];
        let (code, stdout, _) = run(&cli, &words, "x");
        assert_eq!(code, Some(status), "{kinds:?}");
        assert!(stdout.contains("\"results\""), "{stdout}");
    }
}

/// A client of one line-based connection.
async fn ask(
    stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin),
    lines: &[Value],
    answers: usize,
) -> Vec<Value> {
    for line in lines {
        stream
            .write_all(format!("{line}\n").as_bytes())
            .await
            .unwrap();
    }
    let mut reader = BufReader::new(stream).lines();
    let mut seen = Vec::new();
    while seen.len() < answers {
        let Some(line) = reader.next_line().await.unwrap() else {
            break;
        };
        seen.push(serde_json::from_str(&line).unwrap());
    }
    seen
}

fn send(id: u64, recipient: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "send",
           "params": {"account": ME, "recipient": [recipient], "message": "x"}})
}

#[tokio::test]
async fn when_asked_over_a_line_it_answers_in_any_order_with_chatter_between() {
    let daemon = SignalDaemon::start(&[ME]).await.unwrap();
    daemon.shuffle(2);
    daemon.chatter();
    let mut stream = UnixStream::connect(daemon.socket()).await.unwrap();
    let seen = ask(&mut stream, &[send(1, "+49221"), send(2, "+49222")], 4).await;
    assert_eq!(seen[0]["method"], "receive");
    assert_eq!(seen[1]["id"], 2);
    assert_eq!(seen[3]["id"], 1);
    assert_eq!(daemon.wait_for(2).await.len(), 2);
    assert_eq!(daemon.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn when_a_request_is_wrong_the_code_says_how() {
    let daemon = SignalDaemon::start(&[ME]).await.unwrap();
    daemon.refuse("+49229", Verdict::rate_limit(Some(60), Some("token")));
    let mut stream = TcpStream::connect(daemon.tcp().trim_start_matches("tcp://"))
        .await
        .unwrap();
    let mut alien = send(9, "+49221");
    alien["params"]["account"] = json!("+49");
    let mut nobody = send(10, "+49221");
    nobody["params"].as_object_mut().unwrap().remove("account");
    for (request, code) in [
        (json!({"jsonrpc": "2.0", "id": 1, "method": "fly"}), -32601),
        (json!({"id": 2, "method": "version"}), -32600),
        (alien, -32602),
        (nobody, -32602),
        (send(3, "bob"), -1),
        (send(4, "+49229"), -5),
    ] {
        let seen = ask(&mut stream, std::slice::from_ref(&request), 1).await;
        assert_eq!(seen[0]["error"]["code"], code, "{request}: {seen:?}");
    }
    let seen = ask(&mut stream, &[send(5, "+49229")], 1).await;
    let result = &seen[0]["error"]["data"]["response"]["results"][0];
    assert_eq!(result["type"], "RATE_LIMIT_FAILURE");
    assert_eq!(result["token"], "token");
    let version = json!({"jsonrpc": "2.0", "id": 5, "method": "version"});
    ask(&mut stream, &[version], 1).await;
    assert_eq!(daemon.violations(), ["the id 5 was used twice"]);

    daemon.fault(Fault::Die {
        after_sending: true,
    });
    let seen = ask(&mut stream, &[send(6, "+49221")], 1).await;
    assert!(seen.is_empty());
    assert_eq!(daemon.messages().len(), 1);
}

#[tokio::test]
async fn when_asked_over_http_status_is_200_even_for_errors() {
    let daemon = SignalDaemon::start(&[ME]).await.unwrap();
    let address = daemon.http().trim_start_matches("http://").to_owned();
    let json_type = "Content-Type: application/json\r\n";
    let version = r#"{"jsonrpc":"2.0","id":"a","method":"version"}"#;
    for (head, kind, body, status, text) in [
        ("GET /api/v1/check", "", "", "200", ""),
        ("GET /api/v1/rpc", "", "", "405", ""),
        ("POST /", json_type, version, "404", ""),
        ("POST /api/v1/rpc", "", version, "415", ""),
        ("POST /api/v1/rpc", json_type, version, "200", "0.13.19"),
        ("POST /api/v1/rpc", json_type, "{", "200", "-32700"),
        (
            "POST /api/v1/rpc",
            json_type,
            r#"{"jsonrpc":"2.0","method":"x"}"#,
            "201",
            "",
        ),
    ] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let length = body.len();
        let request = format!(
            "{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{kind}Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{head}: {answer}"
        );
        assert!(answer.contains(text), "{head}: {answer}");
    }
}

/// Sends these requests over a Unix socket, and returns the daemon's lines: each answer, and then
/// what `received` makes the daemon report, which is this many lines.
async fn listen(
    daemon: &SignalDaemon,
    requests: &[Value],
    received: impl FnOnce(),
    reports: usize,
) -> Vec<Value> {
    let mut stream = UnixStream::connect(daemon.socket()).await.unwrap();
    let mut lines = Vec::new();
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read).lines();
    let mut next = async || -> Value {
        let line = read.next_line().await.unwrap().unwrap();
        serde_json::from_str(&line).unwrap()
    };
    for request in requests {
        let line = format!("{request}\n");
        write.write_all(line.as_bytes()).await.unwrap();
        lines.push(next().await);
    }
    received();
    for _ in 0..reports {
        lines.push(next().await);
    }
    lines
}

fn call(id: u64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

#[tokio::test]
async fn what_is_received_goes_to_every_connection_or_to_subscribers_only() {
    let daemon = SignalDaemon::start(&[ME]).await.unwrap();
    let version = call(1, "version", json!({}));
    let subscribe = call(2, "subscribeReceive", json!({"account": ME}));
    let react = || daemon.react(("+4911", "Anna"), 0, "👍");
    let both = [version.clone(), subscribe.clone()];
    let lines = listen(&daemon, &both, react, 2).await;
    assert_eq!(lines[1]["result"], 0);
    let plain = &lines[2]["params"];
    assert_eq!(plain["account"], ME);
    assert_eq!(plain["envelope"]["sourceName"], "Anna");
    let reaction = &plain["envelope"]["dataMessage"]["reaction"];
    assert_eq!(reaction["targetSentTimestamp"], 1_767_323_045_123_u64);
    assert_eq!(lines[3]["params"]["subscription"], 0);
    assert_eq!(&lines[3]["params"]["result"], plain);

    daemon.receive_manually();
    let version = call(3, "version", json!({}));
    let subscribe = call(4, "subscribeReceive", json!({}));
    let lines = listen(&daemon, &[version, subscribe], react, 1).await;
    assert_eq!(lines[2]["params"]["subscription"], 1);
    assert_eq!(&lines[2]["params"]["result"], plain);
    let requests = [
        call(5, "subscribeReceive", json!({"account": "+1999"})),
        // The subscription of another connection, and one of its own.
        call(6, "unsubscribeReceive", json!({"subscription": 1})),
        call(7, "subscribeReceive", json!({"account": ME})),
        call(8, "unsubscribeReceive", json!({"subscription": 2})),
    ];
    let lines = listen(&daemon, &requests, react, 0).await;
    assert_eq!(lines[0]["error"]["code"], -32602);
    assert_eq!(lines[1]["error"]["message"], "Unknown subscription id");
    assert_eq!(
        (&lines[2]["result"], &lines[3]["result"]),
        (&json!(2), &json!({}))
    );
}

#[tokio::test]
async fn no_two_messages_have_the_same_timestamp() {
    let daemon = SignalDaemon::start(&[ME]).await.unwrap();
    let requests = [send(1, "+4911"), send(2, "+4911")];
    let lines = listen(&daemon, &requests, || (), 0).await;
    assert_ne!(
        lines[0]["result"]["timestamp"],
        lines[1]["result"]["timestamp"]
    );
}

#[tokio::test]
async fn what_is_received_is_a_stream_over_http() {
    let daemon = SignalDaemon::start(&[ME]).await.unwrap();
    let address = daemon.http();
    let address = address.strip_prefix("http://").unwrap();
    for (query, status) in [
        ("", 200),
        ("?account=%2B12025551234", 200),
        ("?account=x", 400),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET /api/v1/events{query} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        let first = lines.next_line().await.unwrap().unwrap();
        assert!(first.contains(&format!(" {status} ")), "{query}: {first}");
        if status == 400 {
            continue;
        }
        daemon.react(("+4911", "Anna"), 0, "👍");
        let mut seen = Vec::new();
        while seen
            .last()
            .is_none_or(|line: &String| !line.starts_with("data:"))
        {
            seen.push(lines.next_line().await.unwrap().unwrap());
        }
        let event = seen.iter().position(|line| line == "event:receive");
        assert_eq!(event, Some(seen.len() - 2), "{seen:?}");
        let data = seen[seen.len() - 1].strip_prefix("data:").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(
            (&data["account"], &data["envelope"]["sourceName"]),
            (&json!(ME), &json!("Anna"))
        );
    }
}
