//! What is listed as open is open: problems that many hosts share, that a silence suppressed, and
//! whose host has left the configuration.

use crate::{
    datagrams::heartbeat,
    monitor::{Home, Monitor, QUICK, wait_for, yaml},
};

const TOGETHER: &str = "interval: 1s
  grace: 300ms
  mass_silence: {hosts: 2, within: 1s}";

/// The open incidents.
fn open(monitor: &Monitor) -> Vec<String> {
    let answer = monitor.client().get("/incidents").unwrap();
    let incidents = answer["incidents"].as_array().unwrap().iter();
    let names = incidents.map(|one| one["incident"].as_str().unwrap().to_owned());
    names.collect()
}

/// Returns whether a message with this text was delivered.
fn is_told(monitor: &Monitor, text: &str) -> bool {
    let answer = monitor.client().get("/deliveries?state=delivered").unwrap();
    answer["deliveries"].to_string().contains(text)
}

fn wait_for_open(monitor: &Monitor, count: usize) -> Vec<String> {
    wait_for("the open incidents", || {
        let open = open(monitor);
        (open.len() == count).then_some(open)
    })
}

#[test]
fn what_many_hosts_share_is_found_by_each_name_and_over_with_the_last() {
    let home = Home::new(TOGETHER);
    let monitor = home.start();
    for host in ["web-01", "db-01"] {
        monitor.send(&heartbeat(host, 1));
    }
    let shared = wait_for_open(&monitor, 1);
    assert!(shared[0].starts_with("/together/"), "{shared:?}");
    // The name of each of the hosts leads to it.
    let explained = monitor.explain("db-01");
    assert_eq!(explained["incidents"][0]["incident"], *shared[0]);
    let of_host = monitor.client().get("/incidents?host=web-01").unwrap();
    assert_eq!(of_host["incidents"][0]["incident"], *shared[0]);
    let (status, out, err) = home.hbd(&["ack", "web-01", "--by", "anna"]);
    assert_eq!(status, 0, "{out}{err}");
    let listed = monitor.client().get("/incidents").unwrap();
    assert_eq!(listed["incidents"][0]["acknowledgement"]["by"], "anna");
    // One comes back and stays, and then the other.
    let mut counter = 1;
    let mut beat = |hosts: &[&str]| {
        counter += 1;
        hosts
            .iter()
            .for_each(|host| monitor.send(&heartbeat(host, counter)));
    };
    wait_for("web-01 is back", || {
        beat(&["web-01"]);
        is_told(&monitor, "web-01 IPv4 is back").then_some(())
    });
    assert_eq!(open(&monitor), shared, "db-01 is overdue still");
    wait_for("all is over", || {
        beat(&["web-01", "db-01"]);
        open(&monitor).is_empty().then_some(())
    });
    wait_for("people hear of the last", || {
        beat(&["web-01", "db-01"]);
        is_told(&monitor, "db-01 IPv4 is back").then_some(())
    });
}

#[test]
fn what_a_silence_suppressed_is_over_when_the_host_is_back() {
    let home = Home::new(QUICK);
    let monitor = home.start();
    let (status, _, err) = home.hbd(&["silence", "web-01", "--for", "1h", "--why", "new disks"]);
    assert_eq!(status, 0, "{err}");
    monitor.send(&heartbeat("web-01", 1));
    assert_eq!(wait_for_open(&monitor, 1), ["web-01/IPv4/heartbeat"]);
    let mut counter = 1;
    wait_for("it is over", || {
        counter += 1;
        monitor.send(&heartbeat("web-01", counter));
        open(&monitor).is_empty().then_some(())
    });
    assert!(!is_told(&monitor, "web-01"));
}

#[test]
fn the_problem_of_a_host_that_leaves_the_configuration_is_over() {
    let home = Home::new(QUICK);
    let monitor = home.start();
    monitor.send(&heartbeat("web-01", 1));
    assert_eq!(wait_for_open(&monitor, 1), ["web-01/IPv4/heartbeat"]);
    home.configure(&yaml(QUICK).replace("web-01:", "mail-01:"));
    monitor.reload().unwrap();
    wait_for_open(&monitor, 0);
    wait_for("people hear of it", || {
        is_told(&monitor, "web-01 IPv4 is no longer in the configuration").then_some(())
    });
}
