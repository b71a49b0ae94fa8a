//! `hbc` as a process, against a socket that stands in for the monitor: what
//! it sends, when, and how it ends.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _, time::Duration};

use annunciator_protocol::{Event, Key, Keyring};
use annunciator_testkit::effort::rounds;
use secrecy::SecretString;

use crate::sender::{Hbc, Monitor};

const SECRET: &str = "canary-canary-canary";

fn keys() -> Keyring {
    Keyring::new([Key::new("k1", &SecretString::from(SECRET)).unwrap()]).unwrap()
}

#[test]
fn boot_comes_first_and_three_times_and_then_heartbeats_that_grow() {
    let (monitor, hbc) = (Monitor::v4(), Hbc::new());
    let running = hbc.start(&monitor, &["--host", "web-01", "--interval", "150ms"]);
    let received = monitor.receive_until(|all| {
        all.iter().filter(|one| one.event() == Event::Boot).count() == 3 && all.len() > 8
    });
    assert_eq!(received[0].event(), Event::Boot);
    let boots: BTreeSet<&[u8]> = received
        .iter()
        .filter(|one| one.event() == Event::Boot)
        .map(|one| &*one.bytes)
        .collect();
    assert_eq!(boots.len(), 1, "a repetition is the same bytes");
    let beats: Vec<_> = received
        .iter()
        .filter(|one| one.event() == Event::Heartbeat)
        .map(|one| one.read(&Keyring::default()))
        .collect();
    let first = received[0].read(&Keyring::default());
    assert!(beats.is_sorted_by(|a, b| a.counter < b.counter));
    assert!(beats[0].counter > first.counter);
    assert_eq!(
        (&*first.host, first.interval),
        ("web-01", Some(Duration::from_millis(150)))
    );
    assert!(beats.iter().all(|beat| beat.boot == first.boot));
    assert!(beats.iter().any(|beat| {
        let mut paths = beat.metrics.iter().map(|(path, _)| path.as_str());
        paths.any(|path| path == "cpu_monitor.cpu_percent")
    }));
    assert_eq!(running.end_quietly(), 0);
}

#[test]
fn boot_is_reported_once_in_a_boot() {
    let (monitor, hbc) = (Monitor::v4(), Hbc::new());
    let first = hbc.run(&monitor, &["--once"]);
    assert_eq!((first.status, first.error.as_str()), (0, ""));
    let boots = monitor.receive_until(|all| all.len() == 3);
    assert!(boots.iter().all(|one| one.event() == Event::Boot));
    assert_eq!(hbc.run(&monitor, &["--once"]).status, 0);
    let beat = monitor.receive_until(|all| all.len() == 1);
    assert_eq!(beat[0].event(), Event::Heartbeat);
    let (boot, beat) = (
        &boots[0].read(&Keyring::default()),
        &beat[0].read(&Keyring::default()),
    );
    assert!(boot.boot == beat.boot && boot.counter < beat.counter);
    // The boot was not announced to another monitor yet.
    let other = Monitor::v4();
    assert_eq!(hbc.run(&other, &["--once"]).status, 0);
    assert_eq!(
        other.receive_until(|all| all.len() == 1)[0].event(),
        Event::Boot
    );
}

#[test]
fn shutdown_is_reported_on_sigterm_in_the_same_bytes() {
    let (monitor, hbc) = (Monitor::v4(), Hbc::new());
    let running = hbc.start(&monitor, &["--down-for", "10m"]);
    let boot = monitor.receive_until(|all| !all.is_empty());
    assert_eq!(running.end_quietly(), 0);
    let is_shutdown = |event: Event| matches!(event, Event::Shutdown { .. });
    let received =
        monitor.receive_until(|all| all.iter().filter(|one| is_shutdown(one.event())).count() == 3);
    let shutdowns: Vec<_> = received
        .iter()
        .skip_while(|one| !is_shutdown(one.event()))
        .collect();
    assert_eq!(shutdowns.len(), 3, "nothing comes behind a shutdown");
    assert!(shutdowns.iter().all(|one| one.bytes == shutdowns[0].bytes));
    let shutdown = shutdowns[0].read(&Keyring::default());
    let expected = Some(Duration::from_secs(600));
    assert_eq!(shutdown.event, Event::Shutdown { expected });
    assert!(shutdown.counter > boot[0].read(&Keyring::default()).counter);
}

#[test]
fn nothing_is_reported_on_sigint() {
    let (monitor, hbc) = (Monitor::v4(), Hbc::new());
    let running = hbc.start(&monitor, &[]);
    monitor.receive_until(|all| !all.is_empty());
    running.signal("INT");
    let ended = running.wait();
    assert_eq!((ended.status, ended.error.as_str()), (130, ""));
    let rest = monitor.rest();
    assert!(rest.iter().all(|one| one.event() == Event::Boot));
}

#[test]
fn a_message_is_reported_three_times() {
    let (monitor, hbc) = (Monitor::v4(), Hbc::new());
    let args = [
        "--host",
        "büro-01",
        "--message",
        "disk sda fails",
        "--metric",
        "smart.bad=3",
    ];
    let ended = hbc.run(&monitor, &args);
    assert_eq!((ended.status, ended.error.as_str()), (0, ""));
    let received = monitor.receive_until(|all| all.len() == 3);
    assert!(received.iter().all(|one| one.bytes == received[0].bytes));
    let message = received[0].read(&Keyring::default());
    assert_eq!(message.event, Event::Message("disk sda fails".into()));
    assert_eq!((&*message.host, message.interval), ("büro-01", None));
    assert_eq!(message.metrics, [("smart.bad".into(), 3.0)]);
}

#[test]
fn a_name_is_sent_to_over_each_family_that_it_has() {
    // It depends on the machine which families this name has.
    let (v4, v6) = Monitor::both();
    let hbc = Hbc::new();
    let server = format!("localhost:{}", v4.port());
    let ended = hbc.run_for(&server, &["--once"]);
    assert_eq!(ended.status, 0, "{}", ended.error);
    let (v4, v6) = (v4.rest(), v6.map_or_else(Vec::new, |v6| v6.rest()));
    if !v4.is_empty() && !v6.is_empty() {
        assert_eq!(v4[0].bytes, v6[0].bytes);
    }
    assert!(v4.len() + v6.len() >= 3);
}

#[test]
fn one_family_may_be_wanted() {
    let (v4, v6) = Monitor::both();
    let hbc = Hbc::new();
    let server = format!("127.0.0.1:{}", v4.port());
    assert_eq!(hbc.run_for(&server, &["--once", "-4"]).status, 0);
    assert!(!v4.rest().is_empty());
    let ended = hbc.run_for(&server, &["--once", "-6"]);
    assert_eq!(ended.status, 1);
    assert!(
        ended.error.contains("it has no IPv6 address"),
        "{}",
        ended.error
    );
    if let Some(v6) = v6 {
        let server = format!("[::1]:{}", v6.port());
        assert_eq!(hbc.run_for(&server, &["--once"]).status, 0);
        assert!(!v6.rest().is_empty());
    }
}

#[test]
fn all_is_signed_when_a_key_is_given() {
    let (monitor, hbc) = (Monitor::v4(), Hbc::new());
    let key = hbc.file("key", &format!("k1:{SECRET}\n"), 0o600);
    let running = hbc.start(&monitor, &["--key-file", &key, "--interval", "100ms"]);
    let beats = monitor.receive_until(|all| all.len() > 5);
    assert_eq!(running.end_quietly(), 0);
    let all = beats
        .iter()
        .chain(&monitor.rest())
        .all(|one| one.read(&keys()).signed);
    assert!(all);
    let bare = hbc.file("bare", SECRET, 0o400);
    let args = ["--key-file", &bare, "--key-id", "k1", "--message", "x"];
    assert_eq!(hbc.run(&monitor, &args).status, 0);
    assert!(monitor.rest().iter().all(|one| one.read(&keys()).signed));
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let (monitor, hbc) = (Monitor::v4(), Hbc::new());
    for (content, mode, notified) in [
        (
            format!("k1:{SECRET}"),
            0o644,
            "may be read by others (mode 644): run `chmod 600 KEY`",
        ),
        (
            format!("k1:{SECRET}"),
            0o640,
            "may be read by others (mode 640)",
        ),
        (SECRET.to_owned(), 0o600, "the key has no id"),
        (String::new(), 0o600, "the key is empty"),
        ("k1:canary".to_owned(), 0o600, "the secret has 6 bytes"),
    ] {
        let key = hbc.file("key", &content, mode);
        let ended = hbc.run(&monitor, &["--once", "--key-file", &key]);
        assert_eq!(ended.status, 2);
        // Quoted, where a shell needs it.
        let typed = shlex::try_quote(&key).unwrap();
        let notified = notified.replace("KEY", &typed);
        assert!(ended.error.contains(&notified), "{}", ended.error);
        assert!(!ended.error.contains("canary"));
    }
    let ended = hbc.run(&monitor, &["--once", "--key-file", "/nowhere/key"]);
    assert_eq!(ended.status, 2);
    assert!(
        ended.error.contains("/nowhere/key cannot be read"),
        "{}",
        ended.error
    );
    assert!(monitor.rest().is_empty());
}

#[test]
fn given_metrics_go_with_all_others_over_as_many_datagrams_as_they_need() {
    let (monitor, hbc) = (Monitor::v4(), Hbc::new());
    let given: Vec<String> = (0..100)
        .map(|at| format!("--metric=given_monitor.number_{at}={at}.5"))
        .collect();
    let mut args = vec!["--once", "--metric=uptime_monitor.seconds=-1"];
    args.extend(given.iter().map(String::as_str));
    let ended = hbc.run(&monitor, &args);
    assert_eq!(ended.status, 0, "{}", ended.error);
    let received = monitor.rest();
    let mut metrics = std::collections::BTreeMap::new();
    for one in &received {
        for (path, value) in one.read(&Keyring::default()).metrics {
            let before = metrics.insert(path, value);
            assert!(before.is_none_or(|before| before == value));
        }
    }
    assert_eq!(received[0].event(), Event::Boot);
    assert!(metrics.contains_key("load_monitor.per_core"));
    assert_eq!(metrics["uptime_monitor.seconds"], -1.0);
    assert_eq!(metrics["given_monitor.number_99"], 99.5);
    assert_eq!(
        metrics
            .keys()
            .filter(|path| path.starts_with("given_"))
            .count(),
        100
    );
}

#[test]
fn wrong_calls_are_explained() {
    let (monitor, hbc) = (Monitor::v4(), Hbc::new());
    let long = "x".repeat(513);
    for (args, notified) in [
        (
            &["--interval", "10"][..],
            "not a duration: write a number with its unit, such as 30s",
        ),
        (&["--interval", "1ms"], "at least 100ms"),
        (&["--metric", "cpu"], "write PATH=VALUE"),
        (&["--metric", "cpu=1"], "is not a path"),
        (&["--metric", "a.b=NaN"], "not a finite number"),
        (
            &["--metric", "a.b=1", "--metric", "a.b=2"],
            "--metric names a.b twice",
        ),
        (&["--host", "a\nb"], "not the name of a host"),
        (&["--host", ""], "not the name of a host"),
        (&["--message", ""], "not a message"),
        (&["--message", "two\nlines"], "not a message"),
        (&["--message", &long], "not a message"),
        (&["--message", "x", "--once"], "cannot be used with"),
        (&["--key-id", "k1"], "--key-file"),
        (&["--key-file", "k", "--key-id", "k 1"], "letters, digits"),
        (&["--down-for", "31days"], "at most 30days"),
        (&["-4", "-6"], "cannot be used with"),
        (&["--what"], "unexpected argument"),
    ] {
        let ended = hbc.run(&monitor, args);
        assert_eq!(ended.status, 2, "{args:?}");
        assert!(ended.error.contains(notified), "{args:?}: {}", ended.error);
    }
    for server in ["", "monitor", "::1:9677", "monitor:0"] {
        assert_eq!(hbc.run_for(server, &["--once"]).status, 2, "{server}");
    }
    assert!(monitor.rest().is_empty());
}

#[test]
fn a_monitor_that_cannot_be_found_is_reported_and_tried_again() {
    let hbc = Hbc::new();
    // RFC 6761: this name never has an address.
    let ended = hbc.run_for("monitor.invalid:9677", &["--once"]);
    assert_eq!(ended.status, 1);
    assert!(
        ended
            .error
            .starts_with("error: nothing was sent to monitor.invalid:9677: "),
        "{}",
        ended.error
    );
    let running = hbc.start_for("monitor.invalid:9677", &["-v"]);
    running.wait_for_word("cannot look up monitor.invalid:9677");
    assert!(running.is_running());
    running.signal("TERM");
    assert_eq!(running.wait().status, 0);
}

#[test]
fn a_boot_that_cannot_be_remembered_is_reported_all_the_same() {
    let (monitor, hbc) = (Monitor::v4(), Hbc::new());
    let args = ["--state", "/proc/nowhere/boots", "--interval", "100ms"];
    let running = hbc.start(&monitor, &args);
    let received = monitor.receive_until(|all| all.len() > 15);
    let boots: BTreeSet<&[u8]> = received
        .iter()
        .filter(|one| one.event() == Event::Boot)
        .map(|one| &*one.bytes)
        .collect();
    assert_eq!(boots.len(), 1);
    running.signal("TERM");
    let ended = running.wait();
    assert_eq!(ended.status, 0);
    assert_eq!(ended.error.lines().count(), 1, "{}", ended.error);
    assert!(
        ended.error.contains("/proc/nowhere/boots"),
        "{}",
        ended.error
    );
}

#[test]
fn it_stays_small() {
    let (monitor, hbc) = (Monitor::v4(), Hbc::new());
    let key = hbc.file("key", &format!("k1:{SECRET}"), 0o600);
    let running = hbc.start(&monitor, &["--interval", "100ms", "--key-file", &key]);
    let _ = monitor.receive_until(|all| all.len() >= rounds(60, 300));
    let status = fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kib < 10 * 1024, "it took {kib} KiB");
    assert_eq!(running.end_quietly(), 0);
    let mode = fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
