//! `/metrics` and `/healthz`: what they say, how they refuse, and that nobody
//! holds them up.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read as _, Write as _},
    net::TcpStream,
};

use crate::{
    datagrams::busy,
    monitor::{CALM, Home, Monitor, PATIENCE, wait_for, yaml},
};

fn started() -> (Home, Monitor) {
    let home = Home::new(CALM);
    let monitor = home.start();
    (home, monitor)
}

/// The samples of Prometheus' text format, by name and labels; what is not in
/// its form fails.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let (mut helped, mut typed) = (BTreeSet::new(), BTreeMap::new());
    assert!(text.ends_with('\n'));
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, meaning) = help.split_once(' ').unwrap();
            assert!(
                !meaning.is_empty() && helped.insert(name.to_owned()),
                "{line}"
            );
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(typed.insert(name.to_owned(), kind).is_none(), "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
            assert!(name.chars().all(letters), "{line}");
            assert!(series.contains('{') == series.ends_with('}'), "{line}");
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix))
                .filter(|family| typed.get(*family) == Some(&"histogram"))
                .unwrap_or(name);
            assert!(typed.contains_key(family), "{line} has no type");
            assert!(helped.contains(family), "{line} has no help");
            let value: f64 = value.parse().unwrap();
            assert!(samples.insert(series.to_owned(), value).is_none(), "{line}");
        }
    }
    samples
}

#[test]
fn the_numbers_are_those_of_the_status() {
    let (home, monitor) = started();
    monitor.send(&busy("web-01", 1, 95.0));
    monitor.wait_for_text(
        "web-01",
        "CRITICAL: web-01 - cpu_monitor.cpu_percent = 95.0 (threshold: > 90.0)",
    );
    monitor.send_bytes(b"{");
    wait_for("a refusal", || {
        (monitor.count(Some("malformed")) == 1).then_some(())
    });
    assert_eq!(
        home.hbd(&["silence", "db-01", "--for", "1h", "--why", "x"])
            .0,
        0
    );
    assert_eq!(home.hbd(&["reload"]).0, 0);
    let (status, text) = monitor.fetch("GET", "/metrics");
    assert_eq!(status, 200);
    let samples = parse(&text);
    for (series, value) in [
        ("hbd_build_info{version=\"0.1.0\"}", 1.0),
        ("hbd_datagrams_accepted_total", 1.0),
        ("hbd_datagrams_refused_total{reason=\"malformed\"}", 1.0),
        ("hbd_datagrams_refused_total{reason=\"replayed\"}", 0.0),
        ("hbd_hosts{state=\"up\"}", 1.0),
        ("hbd_hosts{state=\"new\"}", 1.0),
        ("hbd_hosts{state=\"overdue\"}", 0.0),
        ("hbd_hosts_watched", 2.0),
        ("hbd_hosts_silenced", 1.0),
        ("hbd_alerts_open{level=\"critical\"}", 1.0),
        ("hbd_alerts_open{level=\"warning\"}", 0.0),
        ("hbd_notifications_total{state=\"delivered\"}", 1.0),
        ("hbd_notifications_total{state=\"failed\"}", 0.0),
        ("hbd_notifications_redelivered_total", 0.0),
        ("hbd_notifications_waiting", 0.0),
        ("hbd_notifications_under_way", 0.0),
        ("hbd_reloads_total{outcome=\"accepted\"}", 1.0),
        ("hbd_last_reload_successful", 1.0),
        ("hbd_blind_spans_total", 0.0),
        ("hbd_state_writable", 1.0),
        ("hbd_keys_configured", 0.0),
        ("hbd_metrics_dropped_total", 0.0),
        ("annunciator_channels{state=\"open\"}", 1.0),
        (
            "annunciator_deliveries_total{channel=\"a\",outcome=\"delivered\"}",
            1.0,
        ),
        ("annunciator_delivery_seconds_count{channel=\"a\"}", 1.0),
    ] {
        assert_eq!(samples.get(series), Some(&value), "{series} in\n{text}");
    }
    let started = samples["hbd_start_time_seconds"];
    let reloaded = samples["hbd_last_reload_success_timestamp_seconds"];
    assert!(started > 1.7e9 && reloaded >= started, "{text}");
    // No host and no metric has a series of its own.
    assert!(!text.contains("web-01") && !text.contains("cpu_percent"));
}

/// The guide's table has the series that there are, and no others.
#[test]
fn the_guide_names_every_series() {
    let (_home, monitor) = started();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/monitor.md");
    let guide = std::fs::read_to_string(path).unwrap();
    let notified: BTreeSet<String> = guide
        .lines()
        .filter_map(|line| line.strip_prefix("| `hbd_"))
        .filter_map(|row| row.split(['`', '{']).next())
        .map(|name| format!("hbd_{name}"))
        .collect();
    let (_, text) = monitor.fetch("GET", "/metrics");
    let there: BTreeSet<String> = parse(&text)
        .into_keys()
        .filter(|series| series.starts_with("hbd_"))
        .map(|series| series.split('{').next().unwrap().to_owned())
        .collect();
    assert_eq!(notified, there);
}

#[test]
fn health_is_one_word() {
    let (_home, monitor) = started();
    let healthy = (200, "{\"status\":\"ok\"}\n".to_owned());
    assert_eq!(monitor.fetch("GET", "/healthz"), healthy);
    let address = monitor.status()["http"].as_str().unwrap().to_owned();
    let answer = raw(&address, "HEAD /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn other_paths_methods_and_long_requests_are_refused() {
    let (_home, monitor) = started();
    assert_eq!(monitor.fetch("GET", "/").0, 404);
    assert_eq!(monitor.fetch("GET", "/metrics/x").0, 404);
    assert_eq!(monitor.fetch("POST", "/metrics").0, 405);
    assert_eq!(monitor.fetch("DELETE", "/healthz").0, 405);
    let address = monitor.status()["http"].as_str().unwrap().to_owned();
    let long = format!("GET /metrics HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(9000));
    let answer = raw(&address, &long);
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let odd = raw(&address, "hello\r\n\r\n");
    assert!(odd.is_empty() || odd.starts_with("HTTP/1.1 400 "), "{odd}");
}

#[test]
fn whoever_says_nothing_holds_up_nobody() {
    let (_home, monitor) = started();
    let address = monitor.status()["http"].as_str().unwrap().to_owned();
    // More than are served at a time.
    let silent: Vec<TcpStream> = (0..40)
        .map(|i| {
            let mut stream = TcpStream::connect(&address).unwrap();
            if i % 2 == 0 {
                stream.write_all(b"GET /metrics HTTP/1.1\r\nx").unwrap();
            }
            stream
        })
        .collect();
    let answer = raw(&address, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    drop(silent);
}

#[test]
fn it_is_off_unless_it_is_wanted() {
    let home = Home::with(&yaml(CALM).replace("  http: '127.0.0.1:0'\n", ""));
    let monitor = home.start();
    assert!(monitor.status()["http"].is_null());
    assert!(!monitor.log().contains("metrics are served"));
}

#[test]
fn an_address_that_others_can_reach_is_warned_of() {
    let home = Home::with(&yaml(CALM).replace("http: '127.0.0.1:0'", "http: '0.0.0.0:0'"));
    let monitor = home.start();
    let warning = "metrics are served beyond this machine";
    monitor.wait_for_log(warning);
    assert_eq!(
        monitor.log().matches(warning).count(),
        1,
        "{}",
        monitor.log()
    );
}

#[test]
fn an_address_that_is_taken_is_named_and_the_monitor_watches_without() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let home =
        Home::with(&yaml(CALM).replace("http: '127.0.0.1:0'", &format!("http: '{address}'")));
    let monitor = home.start();
    monitor.wait_for_log(&format!(
        "`/metrics` and `/healthz` cannot be served at {address}: "
    ));
    assert!(monitor.status()["http"].is_null());
}

/// Sends a text and answers all that comes back.
fn raw(address: &str, text: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}
