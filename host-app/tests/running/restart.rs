//! What survives a restart: silences, overdue hosts, open alerts, and who was notified of
//! them.

use serde_json::json;

use crate::{
    datagrams::{busy, heartbeat},
    monitor::{CALM, Home, Monitor, QUICK, wait_for},
};

/// Ends it in order or with a kill, and starts another one.
fn again(home: &Home, monitor: Monitor, kill: bool) -> Monitor {
    if kill {
        monitor.kill();
    } else {
        assert_eq!(monitor.stop().0, Some(0));
    }
    home.start()
}

#[test]
fn who_was_overdue_stays_so_and_its_end_is_reported() {
    for kill in [false, true] {
        let home = Home::new(QUICK);
        let monitor = home.start();
        monitor.send(&heartbeat("web-01", 1));
        monitor.wait_for_text("web-01", "web-01 IPv4 overdue");
        let monitor = again(&home, monitor, kill);
        assert_eq!(monitor.state("web-01"), "overdue");
        monitor.send(&heartbeat("web-01", 2));
        monitor.wait_for_text("web-01", "web-01 IPv4 is back");
        let notified = monitor.notified("web-01");
        assert_eq!(
            notified[..2],
            ["web-01 IPv4 overdue", "web-01 IPv4 is back"]
        );
    }
}

#[test]
fn who_falls_silent_around_a_restart_is_found() {
    let home = Home::new(QUICK);
    let monitor = home.start();
    monitor.send(&heartbeat("web-01", 1));
    let monitor = again(&home, monitor, false);
    monitor.wait_for_text("web-01", "web-01 IPv4 overdue");
}

#[test]
fn an_open_alert_is_not_reported_twice_and_its_end_is_reported() {
    for kill in [false, true] {
        let home = Home::new(CALM);
        let problem = "CRITICAL: web-01 - cpu_monitor.cpu_percent = 95.2 (threshold: > 90.0)";
        let end = "OK: web-01 - cpu_monitor.cpu_percent = 20.0 (threshold: > 80.0)";
        let monitor = home.start();
        monitor.send(&busy("web-01", 1, 95.2));
        monitor.wait_for_text("web-01", problem);
        let monitor = again(&home, monitor, kill);
        let explained = monitor.explain("web-01");
        assert_eq!(explained["host"]["alerts"][0]["level"], "critical");
        monitor.send(&busy("web-01", 2, 96.0));
        monitor.send(&busy("web-01", 3, 20.0));
        monitor.wait_for_text("web-01", end);
        assert_eq!(monitor.notified("web-01"), [problem, end]);
    }
}

#[test]
fn a_silence_is_kept() {
    let home = Home::new(QUICK);
    let monitor = home.start();
    monitor.send(&heartbeat("web-01", 1));
    let silence = json!({ "seconds": 7200, "why": "new disks" });
    let silenced = monitor.client().put("/hosts/web-01/silence", &silence);
    assert_eq!(silenced.unwrap()["was_silenced"], false);
    let monitor = again(&home, monitor, true);
    let explained = monitor.explain("web-01");
    assert_eq!(explained["host"]["silenced_why"], "new disks");
    monitor.wait_for_state("web-01", "overdue");
    assert!(
        !monitor
            .notified("web-01")
            .contains(&"web-01 IPv4 overdue".to_owned())
    );
    // The suppressed delivery is recorded, with the silence.
    let suppressed = ["deliveries", "--state", "suppressed", "--json"];
    let record = wait_for("a record", || {
        let (status, out, err) = home.hbd(&suppressed);
        assert_eq!((status, err.as_str()), (0, ""));
        out.contains("overdue").then_some(out)
    });
    assert!(record.contains("silence: until 20"), "{record}");
    assert!(record.contains("new disks"), "{record}");
    // People are notified of what is still wrong when it ends.
    assert_eq!(home.hbd(&["silence", "web-01", "--end"]).0, 0);
    monitor.wait_for_text("web-01", "web-01 IPv4 overdue");
}

#[test]
fn a_datagram_that_was_taken_before_is_none_afterwards() {
    let home = Home::new(CALM);
    let monitor = home.start();
    let datagram = heartbeat("web-01", 7);
    monitor.send(&datagram);
    let monitor = again(&home, monitor, false);
    monitor.send_bytes(&datagram.encode(None).unwrap());
    wait_for("a refusal", || {
        (monitor.count(Some("repeated")) == 1).then_some(())
    });
    assert_eq!(monitor.count(None), 0);
}
