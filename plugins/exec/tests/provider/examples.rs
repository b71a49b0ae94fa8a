//! The example programs, which the tests run as they are.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
};

use annunciator_exec::Exec;
use annunciator_sdk::Class;
use annunciator_sdk::testing::{FakeHost, Opened, Sample};
use serde_json::{Value, json};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name)
}

async fn open(settings: Value) -> Opened {
    FakeHost::new().open::<Exec>(&settings).await.unwrap()
}

#[tokio::test]
async fn a_script_appends_each_message_as_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notifications.jsonl");
    let channel = open(json!({"program": example("append.sh"), "arguments": [file]})).await;
    for body in ["one", "two\nlines"] {
        let outcome = channel.deliver(&Sample::new(body)).await.remove(0);
        assert_eq!(outcome.class(), Class::Delivered, "{outcome:?}");
    }
    let text = fs::read_to_string(&file).unwrap();
    let bodies = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["body"].clone());
    assert_eq!(
        bodies.collect::<Vec<_>>(),
        [json!("one"), json!("two\nlines")]
    );
    let nowhere = json!({"program": example("append.sh"), "arguments": ["/nowhere/at/all"]});
    let outcome = open(nowhere)
        .await
        .deliver(&Sample::new("x"))
        .await
        .remove(0);
    assert_eq!(outcome.class(), Class::Permanent);
}

/// Starts a server that gives one answer. Returns its address, and a thread that returns the
/// request.
fn server(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/notes", listener.local_addr().unwrap());
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut asked, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let header = line.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            asked.push_str(&line);
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        asked.push_str(&String::from_utf8(body).unwrap());
        stream.write_all(answer.as_bytes()).unwrap();
        asked
    });
    (address, served)
}

#[tokio::test]
async fn a_python_program_posts_to_a_board_and_reports_the_outcome() {
    let answers = [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n{\"id\":\"7\"}",
            Class::Delivered,
        ),
        (
            "HTTP/1.1 429 Busy\r\nRetry-After: 30\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            Class::Retry,
        ),
        (
            "HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            Class::Permanent,
        ),
    ];
    for (answer, class) in answers {
        let (address, served) = server(answer);
        let channel = open(json!({
            "program": example("wall.py"),
            "arguments": [address],
            "settings": {"token": "s3cret"},
            // Python may be anywhere on this machine.
            "environment": {"PATH": env::var("PATH").unwrap()},
        }))
        .await;
        let outcome = channel.deliver(&Sample::new("disk full")).await.remove(0);
        assert_eq!(outcome.class(), class, "{outcome:?}");
        let asked = served.join().unwrap();
        assert!(asked.contains("Authorization: Bearer s3cret"), "{asked}");
        assert!(asked.contains("{\"text\": \"disk full\""), "{asked}");
    }
}
