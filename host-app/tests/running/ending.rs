//! How the monitor ends: by signals, with messages under way.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, mknodat},
    process::Signal,
};

use crate::{
    datagrams::busy,
    monitor::{CALM, Home, Monitor, wait_for, yaml},
};

/// Sends nothing before a file is there.
fn held_up(monitor: &str) -> Home {
    Home::with(&yaml(monitor).replace("text: hello", "wait_for: HOME/go, text: hello"))
}

fn with_a_message_under_way(home: &Home) -> Monitor {
    let monitor = home.start();
    monitor.send(&busy("web-01", 1, 95.0));
    wait_for("a message under way", || {
        home.notes().contains(&"waiting 1".to_owned()).then_some(())
    });
    monitor
}

#[test]
fn a_signal_ends_it_in_order() {
    for signal in [Signal::TERM, Signal::INT] {
        let home = Home::new(CALM);
        let monitor = home.start();
        monitor.signal(signal);
        let (status, log) = monitor.stop();
        assert_eq!(status, Some(0), "{log}");
        assert!(log.contains("the monitor ends"), "{log}");
        assert_eq!(home.notes(), ["opened 1", "closed 1"]);
    }
}

#[test]
fn a_signal_ends_it_during_a_reload_too() {
    let home = Home::new(CALM);
    let monitor = home.start();
    fs::remove_file(home.file()).unwrap();
    mknodat(CWD, home.file(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    monitor.signal(Signal::HUP);
    // Reads for as long as this is open.
    let _open = wait_for("a reload under way", || {
        let mut options = OpenOptions::new();
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let options = options.write(true).custom_flags(flags);
        options.open(home.file()).ok()
    });
    let (status, log) = monitor.stop();
    assert_eq!(status, Some(0), "{log}");
}

#[test]
fn what_is_under_way_is_waited_for() {
    let home = held_up(CALM);
    let monitor = with_a_message_under_way(&home);
    monitor.signal(Signal::TERM);
    monitor.wait_for_log("the monitor ends");
    std::fs::write(home.path("go"), "").unwrap();
    let (status, log) = monitor.stop();
    assert_eq!(status, Some(0));
    assert!(!log.contains("cut off"), "{log}");
    assert!(home.notes().contains(&"delivered 1".to_owned()));
    let next = home.start();
    assert_eq!(next.status()["messages"]["redelivered"], 0);
}

#[test]
fn what_is_under_way_for_too_long_is_reported_again_after_the_next_start() {
    let home = held_up("interval: 1h\n  drain: 300ms");
    let monitor = with_a_message_under_way(&home);
    let (status, log) = monitor.stop();
    assert_eq!(status, Some(0));
    assert!(log.contains("messages were interrupted"), "{log}");
    std::fs::write(home.path("go"), "").unwrap();
    let next = home.start();
    next.wait_for_text(
        "web-01",
        "CRITICAL: web-01 - cpu_monitor.cpu_percent = 95.0 (threshold: > 90.0)",
    );
    assert_eq!(next.status()["messages"]["redelivered"], 1);
    assert_eq!(next.notified("web-01").len(), 1);
}

#[test]
fn a_kill_under_way_is_reported_again_and_counted() {
    let home = held_up(CALM);
    with_a_message_under_way(&home).kill();
    std::fs::write(home.path("go"), "").unwrap();
    let next = home.start();
    next.wait_for_text(
        "web-01",
        "CRITICAL: web-01 - cpu_monitor.cpu_percent = 95.0 (threshold: > 90.0)",
    );
    assert_eq!(next.status()["messages"]["redelivered"], 1);
    let status = home.hbd(&["status"]).1;
    assert!(status.contains("sent again after a crash: 1"), "{status}");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let home = Home::new(CALM);
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    home.configure(&yaml(CALM).replacen("127.0.0.1:0", &address, 1));
    let (status, _, err) = home.hbd(&["run"]);
    assert_eq!(status, 1);
    let expected = format!("error: heartbeats cannot be received at {address}: ");
    assert!(err.contains(&expected), "{err}");
    let advice = "another monitor or program uses it: stop that one, or change `monitor.listen`";
    assert!(err.contains(advice), "{err}");
}
