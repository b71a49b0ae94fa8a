//! Every command that speaks to a running monitor, as a user types it.

use serde_json::Value as Json;

use crate::{
    datagrams::{busy, heartbeat},
    monitor::{CALM, Home, Monitor, wait_for, yaml},
};

fn started() -> (Home, Monitor) {
    let home = Home::new(CALM);
    let monitor = home.start();
    (home, monitor)
}

fn json(home: &Home, args: &[&str]) -> Json {
    let (status, out, err) = home.hbd(args);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn status_shows_hosts_and_the_monitor_itself() {
    let (home, monitor) = started();
    monitor.send(&busy("web-01", 1, 95.2));
    monitor.wait_for_text(
        "web-01",
        "CRITICAL: web-01 - cpu_monitor.cpu_percent = 95.2 (threshold: > 90.0)",
    );
    monitor.send_bytes(b"{");
    wait_for("a refusal", || {
        (monitor.count(Some("malformed")) == 1).then_some(())
    });

    let (status, out, err) = home.hbd(&["status"]);
    assert_eq!((status, err.as_str()), (0, ""));
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("HOST    STATE  LAST HEARD"), "{out}");
    assert!(lines[1].starts_with("db-01   new    never"), "{out}");
    assert!(lines[2].starts_with("web-01  up     IPv4 0s ago"), "{out}");
    assert!(
        lines[2].ends_with("critical cpu_monitor.cpu_percent"),
        "{out}"
    );
    for line in [
        "2 hosts, 1 up, 1 new",
        "1 datagram accepted; refused: 1 malformed",
        "messages: 1 delivered",
        "no keys are configured: anybody who reaches the port can send heartbeats",
    ] {
        assert!(lines.contains(&line), "no `{line}` in\n{out}");
    }

    let status = json(&home, &["status", "--json"]);
    assert_eq!(status["datagrams"], 1);
    assert_eq!(status["refused"], serde_json::json!({"malformed": 1}));
    assert_eq!(status["hosts"][1]["host"], "web-01");
    assert_eq!(status["hosts"][1]["alerts"][0]["level"], "critical");
    assert_eq!(status["keys"], false);
    assert!(status["state_problem"].is_null());
}

#[test]
fn explain_has_the_evidence() {
    let (home, monitor) = started();
    monitor.send(&busy("web-01", 7, 85.0));
    monitor.wait_for_text(
        "web-01",
        "WARNING: web-01 - cpu_monitor.cpu_percent = 85.0 (threshold: > 80.0)",
    );
    let (status, out, err) = home.hbd(&["explain", "web-01"]);
    assert_eq!((status, err.as_str()), (0, ""));
    for part in [
        "web-01 is up; watched",
        "channels: a",
        "warning cpu_monitor.cpu_percent = 85.0 since ",
        "heard for the first time (boot b1, counter 7)",
        "a delivered: WARNING: web-01 - cpu_monitor.cpu_percent = 85.0",
    ] {
        assert!(out.contains(part), "no `{part}` in\n{out}");
    }
    let explained = json(&home, &["explain", "web-01", "--json", "--lines", "1"]);
    assert_eq!(explained["host"]["state"], "up");
    assert_eq!(explained["history"].as_array().unwrap().len(), 1);
}

#[test]
fn a_host_that_nobody_knows_is_named_in_the_answer() {
    let (home, _monitor) = started();
    let commands: [&[&str]; 2] = [
        &["explain", "web-99"],
        &["silence", "web-99", "--for", "1h", "--why", "x"],
    ];
    for command in commands {
        let notified = home.hbd(command);
        let expected = "error: no host `web-99` is in the configuration\n";
        assert_eq!(
            notified,
            (2, String::new(), expected.to_owned()),
            "{command:?}"
        );
    }
}

#[test]
fn a_silence_is_shown_until_it_is_ended() {
    let (home, monitor) = started();
    let silence = ["silence", "web-01", "--for", "2h", "--why", "new disks"];
    let (status, out, err) = home.hbd(&silence);
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(out, "web-01 is silenced for 2h\n");
    assert!(
        home.hbd(&["status"])
            .1
            .contains("silenced: web-01 (new disks)")
    );
    monitor.send(&busy("web-01", 1, 99.0));
    assert_eq!(monitor.notified("web-01"), [""; 0]);

    let (status, out, err) = home.hbd(&["silence", "web-01", "--end"]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(out, "web-01 is no longer silenced\n");
    let (status, out, _) = home.hbd(&["silence", "web-01", "--end"]);
    assert_eq!((status, out.as_str()), (0, "web-01 was not silenced\n"));
    assert!(!home.hbd(&["status"]).1.contains("silenced"));
    let status = json(&home, &["status", "--json"]);
    assert_eq!(status["silences"], serde_json::json!([]));
}

#[test]
fn what_comes_from_outside_does_not_reach_the_terminal_as_it_is() {
    let (home, _monitor) = started();
    let why = "\u{1b}[2J\n\u{202e}x";
    let (status, ..) = home.hbd(&["silence", "web-01", "--for", "2h", "--why", why]);
    assert_eq!(status, 0);
    let raw = |text: &str| text.contains('\u{1b}') || text.contains('\u{202e}');
    for command in [["status"].as_slice(), &["explain", "web-01"]] {
        let (_, out, err) = home.hbd(command);
        assert!(out.contains(r"\u{1b}[2J\u{a}\u{202e}x"), "{out}");
        assert!(!raw(&out) && !raw(&err), "{out:?}");
    }
    let (_, out, _) = home.hbd(&["status", "--json"]);
    assert!(!raw(&out), "{out:?}");
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["silences"][0]["why"], why, "JSON loses nothing");
    let (status, _, err) = home.hbd(&["explain", "web-01", "--lines", "10001"]);
    assert_eq!(status, 2, "{err}");
}

#[test]
fn a_silence_that_would_end_at_once_or_never_is_refused() {
    let (home, _monitor) = started();
    let silence = |length: &str| home.hbd(&["silence", "web-01", "--for", length, "--why", "x"]);
    let (status, _, err) = silence("400 days");
    assert_eq!(
        (status, err.as_str()),
        (
            2,
            "error: a silence lasts at most a year: name a shorter time with --for\n"
        )
    );
    let (status, _, err) = silence("10ms");
    assert_eq!(status, 2, "{err}");
    assert!(err.contains("at least a second"), "{err}");
}

#[test]
fn notify_notifies_the_channels_of_a_host() {
    let (home, _monitor) = started();
    let (status, out, err) = home.hbd(&["notify", "--host", "web-01", "backup failed"]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(out.starts_with("a: delivered in "), "{out}");
    let args = [
        "notify",
        "--default",
        "--json",
        "--severity",
        "critical",
        "x",
    ];
    let report = json(&home, &args);
    assert_eq!(report["results"], serde_json::json!({"a": true}));
}

#[test]
fn notify_fails_where_a_channel_does() {
    let home = Home::with(&yaml(CALM).replace("text: hello", "outcomes: [never]"));
    let _monitor = home.start();
    let (status, out, _) = home.hbd(&["notify", "--default", "x"]);
    assert_eq!(status, 1);
    assert!(out.contains("failed to send notification"), "{out}");
}

#[test]
fn when_no_monitor_runs() {
    let home = Home::new(CALM);
    let (status, out, err) = home.hbd(&["status"]);
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(err.starts_with("error: no monitor answers at "), "{err}");
    assert!(err.contains("help: is `hbd run` running"), "{err}");
}

#[test]
fn when_the_configuration_names_no_socket() {
    let home = Home::with("notification_channels: {}\n");
    let (status, _, err) = home.hbd(&["status"]);
    assert_eq!(status, 2);
    assert!(
        err.starts_with("error: the configuration names no control socket"),
        "{err}"
    );
}

#[test]
fn the_socket_may_be_named_when_the_file_cannot_be_read() {
    let (home, monitor) = started();
    monitor.send(&heartbeat("db-01", 1));
    home.configure("monitor: [");
    let (status, _, err) = home.hbd(&["status"]);
    assert_eq!(status, 2);
    assert!(
        err.contains("help: --control PATH names the socket"),
        "{err}"
    );
    let control = home.path("control.sock").display().to_string();
    let (status, out, err) = home.hbd(&["status", "--control", &control]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(out.contains("db-01   up"), "{out}");
}
