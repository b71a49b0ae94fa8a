//! Channels in processes of their own: these live no longer than the monitor, and
//! what they write is in its log.

use std::{fs, thread};

use rustix::process::{Pid, Signal, kill_process};

use serde_json::json;

use crate::monitor::{CALM, Home, Monitor, wait_for, yaml};

/// A monitor whose channel has a process of its own.
fn home(channel: &str) -> Home {
    let isolated = format!("a: {{{channel}, delivery: {{isolation: process}}}}");
    let steady = "a: {type: steady, text: hello, notes: HOME/notes}";
    Home::with(&yaml(CALM).replace(steady, &isolated))
}

const STEADY: &str = "type: steady, text: hello, notes: HOME/notes";

/// The children of a process, and whether each of them has ended and is not
/// reaped.
fn children(of: u32) -> Vec<(i32, bool)> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let children = processes.filter_map(|process| {
        let pid: i32 = process.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(process.path().join("stat")).ok()?;
        // Behind the name, which may hold anything.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let (state, parent) = (fields.next()?, fields.next()?.parse::<u32>().ok()?);
        (parent == of).then_some((pid, state == "Z"))
    });
    children.collect()
}

/// The worker of a monitor: the only process that it has.
fn worker(monitor: &Monitor) -> Pid {
    let only = wait_for("one worker", || match children(monitor.pid())[..] {
        [(pid, false)] => Some(pid),
        _ => None,
    });
    Pid::from_raw(only).unwrap()
}

/// Makes the monitor notify, whatever becomes of it.
fn tell(monitor: &Monitor) {
    let body = json!({ "message": "hello", "severity": "info" });
    let client = monitor.client();
    // It answers when the channels have answered, which may take long.
    thread::spawn(move || client.post("/notifications?wait=5m", Some(&body)));
}

fn is_gone(worker: Pid) -> Option<()> {
    let path = format!("/proc/{}/stat", worker.as_raw_nonzero());
    let stat = fs::read_to_string(path).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned());
    // Its new parent may take its time to reap it.
    state.is_none_or(|rest| rest.starts_with('Z')).then_some(())
}

#[test]
fn a_worker_ends_with_a_monitor_that_is_killed() {
    let home = home(STEADY);
    let monitor = home.start();
    let worker = worker(&monitor);
    monitor.kill();
    wait_for("the worker's end", || is_gone(worker));
}

#[test]
fn a_worker_whose_plugin_is_in_a_loop_ends_with_a_monitor_that_is_killed() {
    let home = home("type: ill_behaved, how: loops_for_ever");
    let monitor = home.start();
    let worker = worker(&monitor);
    tell(&monitor);
    wait_for("a loop", || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", worker.as_raw_nonzero())).ok()?;
        let used: u64 = stat
            .rsplit_once(')')?
            .1
            .split_whitespace()
            .nth(11)?
            .parse()
            .ok()?;
        // In hundredths of a second.
        (used > 20).then_some(())
    });
    monitor.kill();
    wait_for("the worker's end", || is_gone(worker));
}

#[test]
fn a_worker_is_closed_with_its_monitor() {
    let home = home(STEADY);
    let monitor = home.start();
    let worker = worker(&monitor);
    // A service manager may signal all processes of a service.
    kill_process(worker, Signal::TERM).unwrap();
    assert_eq!(monitor.stop().0, Some(0));
    let notes = home.notes();
    let words: Vec<_> = notes
        .iter()
        .filter_map(|note| note.split(' ').next())
        .collect();
    assert_eq!(words, ["opened", "closed"]);
    assert!(is_gone(worker).is_some());
}

#[test]
fn a_worker_that_is_killed_is_replaced_and_no_process_is_left_behind() {
    let home = home(STEADY);
    let monitor = home.start();
    let first = worker(&monitor);
    kill_process(first, Signal::KILL).unwrap();
    let second = wait_for("another worker", || {
        let now = worker(&monitor);
        (now != first).then_some(now)
    });
    monitor.reload().unwrap();
    assert_eq!(worker(&monitor), second, "nothing has changed");
    let log = monitor.log();
    assert!(log.contains("was ended by signal 9 (SIGKILL)"), "{log}");
}

#[test]
fn a_channel_whose_plugin_keeps_crashing_is_shown_as_such() {
    let home = home("type: ill_behaved, how: aborts_in_task");
    let monitor = home.start();
    wait_for("a channel that is shown as crashing", || {
        tell(&monitor);
        let (_, out, _) = home.hbd(&["channels"]);
        out.contains("its plugin keeps crashing").then_some(())
    });
}

#[test]
fn what_a_plugin_logs_in_a_worker_is_logged_for_its_channel() {
    let home = home(STEADY);
    let monitor = home.start_as(&["-v", "run"], |_| {});
    tell(&monitor);
    monitor.wait_for_log("steady as ever");
    let log = monitor.log();
    let line = log.lines().find(|line| line.contains("steady as ever"));
    assert!(line.unwrap().contains("channel=a"), "{log}");
}

#[test]
fn what_a_plugin_writes_in_a_worker_is_logged_for_its_channel() {
    let home = home("type: ill_behaved, how: writes");
    let monitor = home.start();
    tell(&monitor);
    for stream in ["output", "error"] {
        let line = format!("on its standard {stream}: on its standard {stream}");
        wait_for("what it wrote", || {
            monitor.log().contains(&line).then_some(())
        });
    }
}
