//! The log: lines for people or for machines, few of one kind, no secret.

use std::io::{ErrorKind, Write as _, pipe};

use rustix::io::ioctl_fionbio;
use serde_json::Value as Json;

use crate::{
    datagrams::{busy, heartbeat, key},
    monitor::{CALM, Home, Monitor, wait_for, yaml},
};

fn refuse_many(monitor: &Monitor) {
    for _ in 0..50 {
        monitor.send_bytes(b"not json");
    }
    wait_for("refusals", || {
        (monitor.count(Some("malformed")) == 50).then_some(())
    });
}

#[test]
fn every_line_is_an_object_where_that_is_asked_for() {
    for by_environment in [false, true] {
        // With something to warn of, of the file as a whole and of a line.
        let home = Home::with(&format!("other: {{}}\n{}", yaml(CALM)));
        let args: &[&str] = if by_environment {
            &["run"]
        } else {
            &["run", "--log-format", "json"]
        };
        let monitor = home.start_as(args, |command| {
            if by_environment {
                command.env("HBD_LOG_FORMAT", "json");
            }
        });
        monitor.send(&heartbeat("web-01", 1));
        refuse_many(&monitor);
        let (_, log) = monitor.stop();
        let lines: Vec<Json> = log
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
            .collect();
        let find = |message: &str| {
            let found = lines.iter().find(|line| line["message"] == message);
            found.unwrap_or_else(|| panic!("no `{message}` in\n{log}"))
        };
        assert_eq!(find("heartbeats are received")["level"], "INFO");
        let unknown = "other: unknown section; perhaps another program reads it";
        assert_eq!(find(unknown)["line"], 1);
        let refused = find("a datagram was refused");
        assert_eq!(refused["level"], "WARN");
        assert_eq!(refused["reason"], "malformed");
        let heard = "heard for the first time (boot b1, counter 1)";
        assert_eq!(find(heard)["host"], "web-01");
    }
}

#[test]
fn a_refusal_names_the_host_that_was_claimed() {
    let home = Home::new(CALM);
    let monitor = home.start();
    let unknown_host_warning = heartbeat("web-99", 1).encode(None).unwrap();
    monitor.send_bytes(&unknown_host_warning);
    wait_for("a refusal", || {
        (monitor.count(Some("unknown_host")) == 1).then_some(())
    });
    let garbled = String::from_utf8(unknown_host_warning)
        .unwrap()
        .replace("web-99", "web\\n99");
    monitor.send_bytes(garbled.as_bytes());
    wait_for("another", || {
        (monitor.count(Some("name")) == 1).then_some(())
    });
    let (_, log) = monitor.stop();
    assert!(log.contains("host=web-99"), "{log}");
    assert!(log.contains("host=web\\n99"), "{log}");
}

#[test]
fn a_flood_of_one_kind_is_logged_now_and_then() {
    let home = Home::new(CALM);
    let monitor = home.start();
    refuse_many(&monitor);
    let (_, log) = monitor.stop();
    let lines = log.matches("a datagram was refused").count();
    // Once in 10 s; a slow machine takes longer than that, but not for ever.
    assert!((1..10).contains(&lines), "{lines} lines:\n{log}");
}

#[test]
fn no_secret_is_in_it_however_much_is_logged() {
    let secret = "canary-canary-canary";
    let keys = format!("interval: 1h\n  keys: [{{id: k1, secret: {secret}}}]");
    let home = Home::new(&keys);
    let monitor = home.start_as(&["-vv", "run"], |_| {});
    monitor.send_signed(&heartbeat("web-01", 1), Some(&key("k1", secret)));
    refuse_many(&monitor);
    let status = monitor.status().to_string();
    let (_, log) = monitor.stop();
    assert!(log.contains("heartbeats are received"), "{log}");
    assert!(!log.contains("canary") && !status.contains("canary"));
}

#[test]
fn when_nobody_reads_it_people_are_notified_all_the_same() {
    let (unread, mut full) = pipe().unwrap();
    ioctl_fionbio(&full, true).unwrap();
    loop {
        match full.write(&[b'\n'; 512]) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    // The monitor shall have to wait.
    ioctl_fionbio(&full, false).unwrap();
    let home = Home::new(CALM);
    let monitor = home.start_as(&["run"], |command| {
        command.stderr(full);
    });
    monitor.send(&busy("web-01", 1, 95.0));
    monitor.wait_for_text(
        "web-01",
        "CRITICAL: web-01 - cpu_monitor.cpu_percent = 95.0 (threshold: > 90.0)",
    );
    let (status, _) = monitor.stop();
    assert_eq!(status, Some(0));
    drop(unread);
}
