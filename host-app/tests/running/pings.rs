//! Jobs that ping by HTTP, as clients of Healthchecks do.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
};

use annunciator_testkit::http::exchange;
use serde_json::Value as Json;

use crate::monitor::{Home, Monitor, PATIENCE, wait_for, yaml};

const KEY: &str = "0123456789abcdef";
const RUN: &str = "123e4567-e89b-12d3-a456-426614174000";

/// The configuration: a nightly job, one with an interval, and one that is due at once.
fn file() -> String {
    let keys = "mass_silence: {within: 0s}
  ping_keys: [{key: {file: HOME/key}}, {key: fedcba9876543210, hosts: [nightly]}]";
    let hosts = "  nightly: {watch: true, schedule: '0 3 * * *', timezone: Europe/Berlin}
  hourly: {watch: true, interval: 1h, grace: 0s}
  quick: {watch: true, interval: 300ms, grace: 300ms}
web: {listen: '127.0.0.1:0'}
";
    format!("{}{hosts}", yaml(keys))
}

fn home() -> Home {
    let home = Home::with("");
    std::fs::write(home.path("key"), format!("{KEY}\n")).unwrap();
    home.configure(&file());
    home
}

/// A monitor, and its address.
fn start(home: &Home) -> (Monitor, String) {
    let monitor = home.start();
    monitor.wait_for_log("the API is served");
    let log = monitor.log();
    let line = log.lines().find(|line| line.contains("the API is served"));
    let (_, address) = line.unwrap().rsplit_once("address=").unwrap();
    let address = format!("http://{}", address.trim());
    (monitor, address)
}

/// Sends a ping; the status and the answer.
fn send(address: &str, method: &str, path: &str, body: &[u8]) -> (u16, String) {
    let answer = exchange(method, &format!("{address}{path}"), &[], body).unwrap();
    (answer.status, String::from_utf8(answer.body).unwrap())
}

fn ok(address: &str, path: &str) {
    let answer = send(address, "GET", path, b"");
    assert_eq!(answer, (200, "OK".to_owned()), "{path}");
}

/// What the control socket answers to a GET.
fn asked(monitor: &Monitor, path: &str) -> String {
    let mut socket = UnixStream::connect(&monitor.control).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/html, */*\r\nconnection: close\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

fn pings(monitor: &Monitor, host: &str) -> Vec<Json> {
    let explained = monitor.explain(host);
    explained["pings"].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_job_that_fails_is_reported_at_once_and_so_is_its_next_success() {
    let home = home();
    let (monitor, address) = start(&home);
    ok(&address, "/ping/fedcba9876543210");
    assert_eq!(monitor.state("nightly"), "up");
    ok(&address, &format!("/ping/{KEY}/nightly/start?rid={RUN}"));
    let sent = format!("/ping/{KEY}/nightly/7?rid={RUN}");
    let (status, _) = send(&address, "POST", &sent, b"no space left\n\x1b[31mon device");
    assert_eq!(status, 200);
    monitor.wait_for_text("nightly", "nightly ping failed with exit status 7");
    assert_eq!(monitor.state("nightly"), "failed");
    let explained = home.hbd(&["explain", "nightly"]).1;
    for part in [
        "nightly is failed; watched",
        "its run failed with exit status 7",
        "ping: failure with exit status 7 after ",
        "  no space left\n",
        "\\u{1b}[31mon device",
    ] {
        assert!(explained.contains(part), "{part:?} is not in {explained}");
    }
    let (_, status, _) = home.hbd(&["status"]);
    let line = status
        .lines()
        .find(|line| line.starts_with("nightly"))
        .unwrap();
    assert!(line.contains("its run failed with exit status 7"), "{line}");
    ok(&address, &format!("/ping/{KEY}/nightly/0"));
    monitor.wait_for_text("nightly", "nightly ping is back");
    let explained = home.hbd(&["explain", "nightly"]).1;
    assert!(
        explained.contains("its next run is that of "),
        "{explained}"
    );
    assert!(explained.contains(" 03:00 (Europe/Berlin)"), "{explained}");
}

#[test]
fn a_job_that_does_not_ping_in_time_is_overdue() {
    let home = home();
    let (monitor, address) = start(&home);
    ok(&address, &format!("/ping/{KEY}/quick"));
    monitor.wait_for_text("quick", "quick ping overdue");
    // A run that has begun has its grace to end.
    ok(&address, &format!("/ping/{KEY}/hourly"));
    ok(&address, &format!("/ping/{KEY}/hourly/start"));
    let unfinished = wait_for("a run that does not end", || {
        let notified = monitor.notified("hourly");
        notified.into_iter().find(|text| text.contains("overdue"))
    });
    assert!(
        unfinished.starts_with("hourly ping overdue: its run that began at "),
        "{unfinished}"
    );
}

#[test]
fn every_method_and_both_listeners_take_pings_and_a_log_changes_nothing() {
    let home = home();
    let (monitor, address) = start(&home);
    let path = format!("/ping/{KEY}/nightly");
    assert_eq!(send(&address, "HEAD", &path, b"").0, 200);
    assert_eq!(
        send(&address, "POST", &format!("{path}/log"), b"hello").0,
        200
    );
    assert_eq!(send(&address, "PUT", &path, b"").0, 405);
    assert_eq!(pings(&monitor, "nightly").len(), 2);
    assert_eq!(monitor.state("nightly"), "up");
    let answer = asked(&monitor, &format!("{path}/fail"));
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("OK"),
        "{answer}"
    );
    assert_eq!(monitor.state("nightly"), "failed");
}

#[test]
fn a_wrong_key_finds_nothing_and_no_key_is_in_the_log() {
    let home = home();
    let (monitor, address) = start(&home);
    for (path, status) in [
        ("/ping/0123456789abcdeg/nightly".to_owned(), 404),
        ("/ping/fedcba9876543210/hourly".to_owned(), 404),
        (format!("/ping/{KEY}"), 404),
        (format!("/ping/{KEY}/nobody"), 404),
        (format!("/ping/{KEY}/nightly/256"), 404),
        (format!("/ping/{KEY}/nightly?rid=1"), 400),
    ] {
        assert_eq!(send(&address, "GET", &path, b"").0, status, "{path}");
    }
    assert!(pings(&monitor, "nightly").is_empty());
    let (_, metrics) = monitor.fetch("GET", "/metrics");
    for line in [
        "hbd_pings_total 0",
        "hbd_pings_refused_total{reason=\"wrong_key\"} 1",
        "hbd_pings_refused_total{reason=\"wrong_host\"} 2",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    ok(&address, &format!("/ping/{KEY}/nightly/fail"));
    let shown = home.hbd(&["check"]).1 + &monitor.log() + &home.hbd(&["explain", "nightly"]).1;
    for key in [KEY, "fedcba9876543210", "0123456789abcdeg"] {
        assert!(!shown.contains(key), "{shown}");
    }
}

#[test]
fn a_reload_applies_to_keys_and_schedules() {
    let home = home();
    let (monitor, address) = start(&home);
    ok(&address, &format!("/ping/{KEY}/nightly"));
    let file = file().replace("fedcba9876543210", "another-key-of-one");
    home.configure(&file.replace("0 3 * * *", "30 4 * * *"));
    monitor.reload().unwrap();
    assert_eq!(send(&address, "GET", "/ping/fedcba9876543210", b"").0, 404);
    ok(&address, "/ping/another-key-of-one");
    let explained = home.hbd(&["explain", "nightly"]).1;
    assert!(explained.contains(" 04:30 (Europe/Berlin)"), "{explained}");
}

#[test]
fn the_page_of_a_host_shows_the_output_of_its_job() {
    let home = home();
    let (monitor, address) = start(&home);
    let failed = format!("/ping/{KEY}/nightly/3");
    send(&address, "POST", &failed, b"<b>out of\npaper");
    let page = asked(&monitor, "/hosts/nightly");
    for part in [
        "its run failed with exit status 3",
        "<pre><bdi class=\"lines\">&lt;b&gt;out of\npaper</bdi></pre>",
    ] {
        assert!(page.contains(part), "{part:?} is not in {page}");
    }
}

#[test]
fn a_long_output_is_kept_up_to_a_limit() {
    let home = home();
    let (monitor, address) = start(&home);
    let body = vec![b'x'; 300_000];
    assert_eq!(
        send(&address, "POST", &format!("/ping/{KEY}/nightly"), &body).0,
        200
    );
    let ping = pings(&monitor, "nightly").remove(0);
    assert_eq!(ping["body"].as_str().unwrap().len(), 10_000);
    assert_eq!(ping["is_cut"], true);
}

#[test]
fn what_jobs_said_survives_the_monitor() {
    let home = home();
    let (monitor, address) = start(&home);
    let path = format!("/ping/{KEY}/nightly");
    ok(&address, &path);
    send(&address, "POST", &format!("{path}/fail"), b"out of paper");
    monitor.wait_for_text("nightly", "nightly ping failed");
    let (status, log) = monitor.stop();
    assert_eq!(status, Some(0), "{log}");
    let (monitor, address) = start(&home);
    assert_eq!(monitor.state("nightly"), "failed");
    let last = pings(&monitor, "nightly").pop().unwrap();
    assert_eq!(last["body"], "out of paper");
    ok(&address, &path);
    monitor.wait_for_text("nightly", "nightly ping is back");
}
