//! Events of other programs, sent over TCP as these programs send them: people are notified.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value as Json, json};

use crate::monitor::{CALM, Home, Monitor, PATIENCE, wait_for, yaml};

/// Two requests of Prometheus 2.42.0: the alerts that fire, and the one that has ended.
const PROMETHEUS: &str = include_str!("../../../crates/ingest/tests/payloads/prometheus-2.42.json");
const ALERTMANAGER: &str =
    include_str!("../../../crates/ingest/tests/payloads/alertmanager-0.25.json");
const GRAFANA: &str = include_str!("../../../crates/ingest/tests/payloads/grafana.json");
const CLOUDEVENTS: &str = include_str!("../../../crates/ingest/tests/payloads/cloudevents.json");

const SOURCES: &str = "web: {listen: '127.0.0.1:0'}
ingest:
  prometheus: {format: prometheus}
  alerts: {format: alertmanager}
  grafana: {format: grafana}
  events: {format: cloudevents}
  apprise: {format: apprise}
";

/// A monitor with a source of each format, and its address.
fn started() -> (Home, Monitor, String) {
    let home = Home::with(&format!("{}{SOURCES}", yaml(CALM)));
    let monitor = home.start();
    monitor.wait_for_log("the API is served");
    let log = monitor.log();
    let line = log.lines().find(|line| line.contains("the API is served"));
    let (_, address) = line.unwrap().rsplit_once("address=").unwrap();
    let address = address.trim().to_owned();
    (home, monitor, address)
}

/// Makes a token of a source, as the documentation says.
fn token(home: &Home, source: &str) -> String {
    let scope = format!("ingest:{source}");
    let (status, out, err) = home.hbd(&["token", "add", source, "--scope", &scope]);
    assert_eq!(status, 0, "{err}");
    out.trim().to_owned()
}

/// Sends a body; the status and the answer.
fn post(address: &str, path: &str, headers: &[&str], body: &str) -> (u16, Json) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let headers: String = headers.iter().map(|one| format!("{one}\r\n")).collect();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, json) = answer.split_once("\r\n\r\n").unwrap();
    (status, serde_json::from_str(json).unwrap_or_default())
}

/// How many notifications were delivered.
fn delivered(home: &Home) -> usize {
    let notes = home.notes();
    notes
        .iter()
        .filter(|note| note.starts_with("delivered"))
        .count()
}

#[test]
fn what_programs_send_reaches_people() {
    let (home, _monitor, address) = started();
    let json = "content-type: application/json";
    let mut expected = 0;
    for (source, path, content_type, body) in [
        (
            "prometheus",
            "/in/prometheus/api/v2/alerts",
            json,
            PROMETHEUS,
        ),
        ("alerts", "/in/alerts", json, ALERTMANAGER),
        ("grafana", "/in/grafana", json, GRAFANA),
        (
            "events",
            "/in/events",
            "content-type: application/cloudevents-batch+json",
            CLOUDEVENTS,
        ),
        (
            "apprise",
            "/in/apprise/notify/any",
            "content-type: application/x-www-form-urlencoded",
            "title=Backup&body=disk+full&type=failure",
        ),
    ] {
        let bearer = format!("authorization: Bearer {}", token(&home, source));
        let (status, answer) = post(&address, path, &[&bearer, content_type], body);
        assert_eq!(
            (status, &answer["errors"]),
            (200, &json!([])),
            "{source}: {answer}"
        );
        let accepted = answer["accepted"].as_u64().unwrap();
        assert!(accepted > 0, "{source}: {answer}");
        expected += usize::try_from(accepted).unwrap();
        let (_, again) = post(&address, path, &[&bearer, content_type], body);
        // A message of Apprise has nothing by which it could be known again.
        expected += usize::try_from(again["accepted"].as_u64().unwrap()).unwrap();
        assert_eq!(
            again["accepted"] == 0,
            source != "apprise",
            "{source}: {again}"
        );
    }
    let (_, deliveries, _) = home.hbd(&["deliveries", "--json", "--limit", "100"]);
    assert!(deliveries.contains("disk full"), "{deliveries}");
    wait_for("people who are notified of everything", || {
        let (_, out, _) = home.hbd(&["deliveries", "--json", "--limit", "100"]);
        let known: Json = serde_json::from_str(&out).unwrap();
        let known = known["deliveries"].as_array().unwrap();
        let ended = known
            .iter()
            .filter(|one| one["state"] != "pending" && one["state"] != "in_flight");
        (ended.count() == expected && delivered(&home) > 0).then_some(())
    });
}

#[test]
fn a_mapping_that_fails_on_its_example_is_a_problem_of_the_file() {
    let home = Home::with(&format!(
        "{}ingest:
  ci:
    format: template
    text: item.text
    severity: item.level
    example: {{text: the build failed, level: critical}}
    expect: [{{severity: warning}}]
",
        yaml(CALM)
    ));
    let (status, _, err) = home.hbd(&["check"]);
    assert_eq!(status, 2, "{err}");
    assert!(err.contains("the example gives `critical`"), "{err}");
    assert!(err.contains("heartbeat.yaml:"), "{err}");
}
