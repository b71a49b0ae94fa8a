//! Another configuration while the monitor runs, by signal and by command.

use rustix::process::Signal;

use crate::{
    datagrams::{busy, heartbeat},
    monitor::{CALM, Home, Monitor, wait_for, yaml},
};

/// A channel's connection is known by the number of its instance.
fn instances(home: &Home) -> Vec<String> {
    let opened = |note: &String| note.starts_with("opened ") || note.starts_with("closed ");
    home.notes().into_iter().filter(opened).collect()
}

fn bad() -> String {
    yaml("interval: soon\n  grace: 1h")
        .replace("type: steady, text", "type: steady, tekst")
        .replace("warning: '> 80'", "warning: '80'")
}

/// Every problem of the bad file, where it stands.
fn problems(home: &Home) -> [String; 3] {
    let file = home.file();
    [
        format!("{file}:2:21: error: channel a: tekst: unknown field (help: did you mean `text`?)"),
        format!("{file}:9:13: error: monitor.interval: `soon` is not a duration"),
        format!("{file}:13:40: error: threshold_configs.high.cpu_monitor.cpu_percent.warning: "),
    ]
}

fn assert_all_named(home: &Home, text: &str) {
    for problem in problems(home) {
        assert!(text.contains(&problem), "no `{problem}` in\n{text}");
    }
}

fn hosts(monitor: &Monitor) -> Vec<String> {
    let status = monitor.status();
    let hosts = status["hosts"].as_array().unwrap().iter();
    hosts
        .map(|host| host["host"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_signal_brings_new_hosts_and_keeps_state_and_connections() {
    let home = Home::new(CALM);
    let monitor = home.start();
    monitor.send(&busy("web-01", 1, 95.0));
    monitor.wait_for_text(
        "web-01",
        "CRITICAL: web-01 - cpu_monitor.cpu_percent = 95.0 (threshold: > 90.0)",
    );
    home.configure(&yaml(CALM).replace("db-01:", "mail-01:"));
    monitor.signal(Signal::HUP);
    wait_for("the new host", || {
        (hosts(&monitor) == ["mail-01", "web-01"]).then_some(())
    });
    monitor.send(&heartbeat("mail-01", 1));
    assert_eq!(monitor.state("web-01"), "up");
    // The connection that delivered the problem delivers its end.
    monitor.send(&busy("web-01", 2, 10.0));
    monitor.wait_for_text(
        "web-01",
        "OK: web-01 - cpu_monitor.cpu_percent = 10.0 (threshold: > 80.0)",
    );
    assert_eq!(instances(&home), ["opened 1"]);
    monitor.send_bytes(&heartbeat("db-01", 1).encode(None).unwrap());
    wait_for("a host that is gone", || {
        (monitor.count(Some("unknown_host")) == 1).then_some(())
    });
}

#[test]
fn the_command_says_what_changed() {
    let home = Home::new(CALM);
    let monitor = home.start();
    let (status, out, err) = home.hbd(&["reload"]);
    let nothing = "the configuration is in force: 1 channel kept, 0 opened, 0 closed\n";
    assert_eq!((status, out.as_str(), err.as_str()), (0, nothing, ""));

    let changed = yaml("interval: 2h\n  drain: 5s")
        .replace("text: hello", "text: bye")
        .replace("127.0.0.1:0']", "127.0.0.1:0', '127.0.0.2:0']")
        .replace("monitor:", "delivery: {store: none}\nmonitor:");
    home.configure(&changed);
    let (status, out, err) = home.hbd(&["reload"]);
    let replaced = "the configuration is in force: 0 channels kept, 1 opened, 1 closed\n";
    assert_eq!((status, out.as_str()), (0, replaced), "{err}");
    assert_eq!(
        err,
        "warning: monitor.listen changed, which takes effect after a restart\n\
         warning: delivery.store changed, which takes effect after a restart\n"
    );
    wait_for("the old connection's end", || {
        (instances(&home) == ["opened 1", "opened 2", "closed 1"]).then_some(())
    });
    assert_eq!(monitor.stop().0, Some(0));
}

#[test]
fn a_bad_file_changes_nothing_and_every_problem_is_named() {
    let home = Home::new(CALM);
    let monitor = home.start();
    home.configure(&bad());
    let (status, out, err) = home.hbd(&["reload"]);
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(
        err.starts_with("error: the old configuration stays in force\n"),
        "{err}"
    );
    assert_all_named(&home, &err);
    assert_eq!(instances(&home), ["opened 1"]);
    monitor.send(&heartbeat("web-01", 1));
    assert_eq!(monitor.fetch("GET", "/healthz").0, 200);
    let (_, metrics) = monitor.fetch("GET", "/metrics");
    assert!(metrics.contains("hbd_reloads_total{outcome=\"rejected\"} 1\n"));
    assert!(metrics.contains("hbd_last_reload_successful 0\n"));
}

#[test]
fn a_bad_file_by_signal_is_reported_in_the_log() {
    let home = Home::new(CALM);
    let monitor = home.start();
    home.configure(&bad());
    monitor.signal(Signal::HUP);
    monitor.wait_for_log("the configuration was rejected, the old one stays");
    wait_for("all problems", || {
        let log = monitor.log();
        problems(&home)
            .iter()
            .all(|problem| log.contains(problem))
            .then_some(())
    });
    home.configure(&yaml(CALM));
    monitor.signal(Signal::HUP);
    monitor.wait_for_log("the configuration was read again and is in force");
    monitor.send(&heartbeat("web-01", 1));
}

#[test]
fn a_file_that_is_gone_changes_nothing() {
    let home = Home::new(CALM);
    let monitor = home.start();
    std::fs::remove_file(home.file()).unwrap();
    let error = monitor.reload().unwrap_err().to_string();
    assert!(error.contains("cannot be read: "), "{error}");
    monitor.send(&heartbeat("web-01", 1));
}

#[test]
fn many_reloads_at_once_are_done_one_after_the_other() {
    let home = Home::new(CALM);
    let monitor = home.start();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| monitor.reload().unwrap());
        }
    });
    assert_eq!(instances(&home), ["opened 1"]);
}

#[test]
fn a_secret_that_only_the_service_has_stops_no_command() {
    let home = Home::new(CALM);
    let _monitor = home.start();
    home.configure(&yaml(CALM).replace("text: hello", "text: {credential: of-the-service}"));
    assert_eq!(home.hbd(&["check"]).0, 2);
    assert_eq!(home.hbd(&["status"]).0, 0);
    let (status, _, err) = home.hbd(&["reload"]);
    assert_eq!(status, 2);
    assert!(
        err.starts_with("error: the old configuration stays in force\n"),
        "{err}"
    );
}
