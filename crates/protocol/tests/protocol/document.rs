//! The protocol's description keeps its word: its test vectors are what the
//! library reads and writes, and its example in Python is understood.

use std::{
    fs,
    net::UdpSocket,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use annunciator_protocol::{Datagram, Event, Key, Keyring, Reject, decode};
use secrecy::SecretString;

const SECRET: &str = "not-a-secret-but-a-test-vector";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn key() -> Key {
    Key::new("k1", &SecretString::from(SECRET)).unwrap()
}

fn keys() -> Keyring {
    Keyring::new([key().for_hosts(["web-01", "büro-01"])]).unwrap()
}

/// The vectors of the document by their headings.
fn vectors() -> Vec<(String, String)> {
    let text = fs::read_to_string(docs().join("protocol.md")).unwrap();
    let sections = text.split("\n### ").skip(1);
    sections
        .map(|section| {
            let (heading, rest) = section.split_once('\n').unwrap();
            let rest = rest.split_once("```json\n").unwrap().1;
            let vector = rest.split_once("\n```").unwrap().0;
            (heading.to_owned(), vector.to_owned())
        })
        .collect()
}

fn expected(heading: &str) -> Datagram {
    let signed = heading.starts_with("Signed");
    let sound = Datagram {
        host: "web-01".into(),
        boot: "8c1f2b0e-5d3a-4c8e-9f57-0a6d1e2b3c4d".into(),
        counter: 5_400_000_042,
        sent_at_ms: 1_790_000_000_123,
        event: Event::Heartbeat,
        interval: None,
        metrics: vec![],
        signed,
    };
    match heading {
        "Plain heartbeat" | "Signed heartbeat" => Datagram {
            interval: Some(Duration::from_secs(10)),
            metrics: vec![
                ("cpu_monitor.cpu_percent".into(), 95.2),
                ("disk_monitor./.percent".into(), 81.0),
            ],
            ..sound
        },
        "Signed shutdown" => Datagram {
            counter: 5_400_000_043,
            sent_at_ms: 1_790_000_010_123,
            event: Event::Shutdown {
                expected: Some(Duration::from_secs(600)),
            },
            ..sound
        },
        "Signed message" => Datagram {
            host: "büro-01".into(),
            counter: 5_400_000_044,
            sent_at_ms: 1_790_000_020_123,
            event: Event::Message("the UPS runs on \"battery\"".into()),
            ..sound
        },
        "Plain boot" => Datagram {
            counter: 17_250_133,
            sent_at_ms: 1_789_994_617_231,
            event: Event::Boot,
            interval: Some(Duration::from_millis(500)),
            ..sound
        },
        other => panic!("nothing is known of {other}"),
    }
}

#[test]
fn the_document_s_vectors_are_read_and_written() {
    let vectors = vectors();
    let sound = vectors
        .iter()
        .filter(|(heading, _)| !heading.starts_with("Refused"));
    let mut count = 0;
    for (heading, vector) in sound {
        let expected = expected(heading);
        let (keys, key) = if expected.signed {
            (keys(), Some(key()))
        } else {
            (Keyring::default(), None)
        };
        let written = expected.encode(key.as_ref()).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), *vector, "{heading}");
        assert_eq!(decode(vector.as_bytes(), &keys), Ok(expected), "{heading}");
        count += 1;
    }
    assert_eq!(count, 5);
}

#[test]
fn the_document_s_refused_vectors_are_refused() {
    let mut count = 0;
    for (heading, vector) in vectors() {
        let Some(rest) = heading.strip_prefix("Refused as `") else {
            continue;
        };
        let reason = rest.split_once('`').unwrap().0;
        let refused = decode(vector.as_bytes(), &keys()).map_err(Reject::name);
        assert_eq!(refused, Err(reason), "{heading}");
        count += 1;
    }
    assert_eq!(count, 7);
}

#[test]
fn the_document_names_every_reason() {
    let text = fs::read_to_string(docs().join("protocol.md")).unwrap();
    for reject in Reject::ALL {
        assert!(text.contains(&format!("`{reject}`")), "{reject}");
    }
}

/// Runs the example in Python against a socket, and reads what came.
fn run_python(key: Option<&str>, keys: &Keyring) -> Datagram {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("python3");
    command
        .arg(docs().join("send-heartbeat.py"))
        .arg("127.0.0.1")
        .arg(socket.local_addr().unwrap().port().to_string());
    if let Some(key) = key {
        let file = folder.path().join("key");
        fs::write(&file, key).unwrap();
        command.arg(file);
    }
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let mut buffer = [0; 2048];
    let length = socket.recv(&mut buffer).unwrap();
    decode(&buffer[..length], keys).unwrap()
}

#[track_caller]
fn check_python(datagram: &Datagram) {
    assert_eq!(datagram.event, Event::Heartbeat);
    assert_eq!(datagram.interval, Some(Duration::from_secs(60)));
    assert!(datagram.counter > 0 && datagram.sent_at_ms > 1_700_000_000_000);
    assert_eq!(datagram.metrics.len(), 1);
    assert_eq!(datagram.metrics[0].0, "load_monitor.load1");
}

#[test]
fn the_example_in_python_sends_a_heartbeat() {
    let first = run_python(None, &Keyring::default());
    let second = run_python(None, &Keyring::default());
    check_python(&first);
    assert!(!first.signed);
    assert_eq!(first.boot, second.boot);
    assert!(first.counter < second.counter);
}

#[test]
fn the_example_in_python_signs() {
    let datagram = run_python(
        Some(&format!("k1:{SECRET}\n")),
        &Keyring::new([key()]).unwrap(),
    );
    check_python(&datagram);
    assert!(datagram.signed);
}
