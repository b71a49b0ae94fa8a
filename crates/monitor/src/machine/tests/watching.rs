//! How people are kept from being notified too often, and what is kept as evidence.

use super::*;

#[test]
fn trouble_in_the_host_s_own_words_is_reported_but_not_without_end() {
    let mut world = World::new(&["a"]);
    world.says("a", "b1", Event::Message("link flaps".into()));
    assert_eq!(world.notified(), ["a link flaps"]);
    (0..20).for_each(|_| world.says("a", "b1", Event::Message("link flaps".into())));
    let notified = world.notified();
    assert_eq!(notified.len(), 5, "{notified:?}");
    assert_eq!(notified[4], "a reporting");
    let noted = world
        .disk
        .history
        .iter()
        .filter(|entry| entry.text.contains("link flaps"));
    assert_eq!(noted.count(), 21, "all of it is in the history");
}

#[test]
fn a_flapping_host_is_reported_once_and_once_more_when_it_is_steady() {
    let mut world = World::new(&["a"]);
    world.beat("a");
    for _ in 0..10 {
        world.pass(SECOND * 40);
        world.beat("a");
    }
    assert_eq!(
        world.notified(),
        [
            "a overdue",
            "a back",
            "a overdue",
            "a back",
            "a overdue",
            "a flapping"
        ]
    );
    assert_eq!(world.state("a"), "flapping");
    world.beats(&["a"], SECOND * 901);
    assert_eq!(world.notified(), ["a steady up"]);
    world.pass(SECOND * 40);
    assert_eq!(world.notified(), ["a overdue"]);
}

#[test]
fn a_host_that_falls_silent_for_good_while_it_flaps_is_reported() {
    let mut world = World::flapping();
    world.pass(SECOND * 931);
    assert_eq!(world.notified(), ["a steady overdue"]);
    world.beat("a");
    world.pass(SECOND);
    assert_eq!(world.notified(), ["a back"]);
}

#[test]
fn a_host_that_reboots_again_and_again_is_reported_once() {
    let mut world = World::new(&["a"]);
    for boot in 0..20 {
        world.says("a", &format!("b{boot}"), Event::Boot);
        world.pass(SECOND * 15);
    }
    let notified = world.notified();
    assert_eq!(notified.len(), 6, "{notified:?}");
    assert_eq!(notified[5], "a restarting");
    (0..100).for_each(|_| {
        world.pass(SECOND * 10);
        world.says("a", "b19", Event::Heartbeat);
    });
    assert_eq!(world.notified(), ["a restarting no more"]);
}

#[test]
fn many_hosts_that_fall_silent_together_are_reported_together() {
    let names: Vec<String> = (0..30).map(|i| format!("h{i:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = World::with(&names, |settings| settings.mass.within = SECOND * 5);
    names.iter().for_each(|host| {
        world.beat(host);
        world.skip(Duration::from_millis(100));
    });
    world.pass(SECOND * 60);
    assert_eq!(world.notified(), ["30 overdue"]);
    names.iter().for_each(|host| world.beat(host));
    world.pass(SECOND * 16);
    assert_eq!(world.notified(), ["30 back"]);
    // A few are notified one by one.
    names.iter().for_each(|host| world.beat(host));
    world.beats(&names[2..], SECOND * 40);
    assert_eq!(world.notified(), ["h00 overdue", "h01 overdue"]);
}

#[test]
fn a_datagram_that_does_not_fit_is_refused_and_changes_nothing() {
    let mut world = World::new(&["a"]);
    world.beat("a");
    let taken = world.datagram("a", "b1", Event::Heartbeat);
    world.send(&taken).unwrap();
    let day = 86_400_000;
    let fresh = world.datagram("a", "b2", Event::Shutdown { expected: None });
    for (datagram, reason) in [
        (
            Datagram {
                host: "stranger".into(),
                ..fresh.clone()
            },
            Reject::UnknownHost,
        ),
        (
            Datagram {
                sent_at_ms: fresh.sent_at_ms + day,
                ..fresh.clone()
            },
            Reject::Future,
        ),
        (
            Datagram {
                sent_at_ms: fresh.sent_at_ms - day,
                ..fresh.clone()
            },
            Reject::Past,
        ),
        (
            Datagram {
                sent_at_ms: i64::MIN,
                ..fresh.clone()
            },
            Reject::Past,
        ),
        (
            Datagram {
                sent_at_ms: i64::MAX,
                ..fresh.clone()
            },
            Reject::Future,
        ),
        (taken.clone(), Reject::Repeated),
        (
            Datagram {
                counter: 0,
                ..taken.clone()
            },
            Reject::Replayed,
        ),
    ] {
        let before = format!("{:?}", world.machine.snapshot());
        assert_eq!(
            world.machine.observe(world.now, Family::V4, &datagram),
            Err(reason)
        );
        assert!(world.machine.take_step().is_empty(), "{reason}");
        assert_eq!(
            format!("{:?}", world.machine.snapshot()),
            before,
            "{reason}"
        );
    }
}

#[test]
fn the_problem_of_a_host_that_leaves_the_configuration_is_over_and_its_state_is_kept() {
    let mut world = World::new(&["a"]);
    world.beat("a");
    world.pass(SECOND * 30);
    assert_eq!(world.notified(), ["a overdue"]);
    world
        .machine
        .configure(world.settings.clone(), [], world.now);
    world.pass(SECOND * 30);
    assert_eq!(world.notified(), ["a removed"]);
    world
        .machine
        .configure(world.settings.clone(), [], world.now);
    let datagram = world.datagram("a", "b1", Event::Heartbeat);
    assert_eq!(world.send(&datagram), Err(Reject::UnknownHost));
    assert!(world.machine.view("a", world.now).is_none());
    world
        .machine
        .configure(world.settings.clone(), world.hosts.clone(), world.now);
    world.beat("a");
    world.pass(SECOND);
    assert_eq!(world.notified(), ["a overdue", "a back"]);
}

#[test]
fn every_change_keeps_its_evidence() {
    let mut world = World::new(&["a"]);
    world.beat("a");
    world.pass(SECOND * 30);
    let entry = world.disk.history.last().unwrap();
    assert_eq!(
        entry.text,
        "IPv4 overdue: it may be silent for 30s (interval 10s, misses 1, grace 20s); last heard \
         at 2026-09-21T14:13:20Z (boot b1, counter 1), due until 2026-09-21T14:13:50Z; no blind \
         span since"
    );
}
