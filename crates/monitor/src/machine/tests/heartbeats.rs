//! Heartbeats, boots and shutdowns of single hosts.

use super::*;

#[test]
fn a_silent_host_is_overdue_after_interval_and_grace_and_then_back() {
    let mut world = World::new(&["a", "b"]);
    world.beat("a");
    assert_eq!(
        (world.state("a"), world.state("b")),
        ("up".into(), "new".into())
    );
    world.pass(SECOND * 29);
    assert_eq!(world.notified(), [""; 0]);
    assert_eq!(world.state("a"), "late");
    world.pass(SECOND);
    assert_eq!(world.notified(), ["a overdue"]);
    assert_eq!(world.state("a"), "overdue");
    world.pass(SECOND * 3600);
    assert_eq!(
        world.notified(),
        [""; 0],
        "told once; a host that was never due is no matter"
    );
    world.beat("a");
    world.pass(SECOND);
    assert_eq!(world.notified(), ["a back"]);
    assert_eq!(world.state("a"), "up");
}

#[test]
fn more_misses_may_be_allowed_for_a_host() {
    let mut world = World::new(&["a"]);
    let patient = HostSettings {
        watch: true,
        interval: Some(SECOND * 60),
        grace: Some(SECOND * 5),
        misses: Some(3),
        ..HostSettings::default()
    };
    let hosts = [(Arc::from("a"), patient)];
    world
        .machine
        .configure(world.settings.clone(), hosts, world.now);
    world.beat("a");
    world.pass(SECOND * 184);
    assert_eq!(world.notified(), [""; 0]);
    world.pass(SECOND);
    assert_eq!(world.notified(), ["a overdue"]);
}

#[test]
fn the_interval_that_a_host_announces_counts_unless_it_could_be_forged() {
    for (keyed, signed, overdue_after) in
        [(false, false, 320), (true, false, 30), (true, true, 320)]
    {
        let mut world = World::with(&["a"], |settings| settings.keyed = keyed);
        let mut datagram = world.datagram("a", "b1", Event::Heartbeat);
        datagram.interval = Some(SECOND * 300);
        datagram.signed = signed;
        world.send(&datagram).unwrap();
        world.pass(SECOND * (overdue_after - 1));
        assert_eq!(world.notified(), [""; 0]);
        world.pass(SECOND);
        assert_eq!(world.notified(), ["a overdue"]);
    }
}

#[test]
fn only_watched_hosts_are_reported() {
    let mut world = World::new(&["a"]);
    world.hosts.insert(Arc::from("a"), HostSettings::default());
    world
        .machine
        .configure(world.settings.clone(), world.hosts.clone(), world.now);
    world.says("a", "b1", Event::Boot);
    world.says("a", "b1", Event::Message("disk is odd".into()));
    world.pass(SECOND * 40);
    assert_eq!(world.state("a"), "overdue");
    world.beat("a");
    world.says("a", "b1", Event::Shutdown { expected: None });
    assert_eq!(world.notified(), [""; 0]);
    // Watched while it is overdue: people are notified at once.
    world.beat("a");
    world.pass(SECOND * 40);
    let watched = HostSettings {
        watch: true,
        ..HostSettings::default()
    };
    world.machine.configure(
        world.settings.clone(),
        [(Arc::from("a"), watched)],
        world.now,
    );
    world.pass(SECOND);
    assert_eq!(world.notified(), ["a overdue"]);
}

#[test]
fn a_boot_is_reported_once_however_often_it_is_sent() {
    let mut world = World::new(&["a"]);
    let boot = world.datagram("a", "b1", Event::Boot);
    assert_eq!(world.send(&boot), Ok(()));
    assert_eq!(world.send(&boot), Err(Reject::Repeated));
    world.says("a", "b1", Event::Boot);
    assert_eq!(world.notified(), ["a booted"]);
    // Notified whether or not its own announcement arrives.
    world.says("a", "b2", Event::Heartbeat);
    assert_eq!(world.notified(), ["a rebooted"]);
    assert_eq!(world.send(&boot), Err(Reject::EarlierBoot));
}

#[test]
fn an_announced_shutdown_is_not_overdue_until_it_takes_too_long() {
    let mut world = World::new(&["a"]);
    world.beat("a");
    world.says("a", "b1", Event::Shutdown { expected: None });
    world.pass(SECOND * 100_000);
    assert_eq!(world.notified(), ["a shutdown"]);
    assert_eq!(world.state("a"), "down");
    world.says("a", "b2", Event::Boot);
    assert_eq!(world.notified(), ["a booted"]);
    let expected = Some(SECOND * 600);
    world.says("a", "b2", Event::Shutdown { expected });
    world.pass(SECOND * 629);
    assert_eq!(world.notified(), ["a shutdown"]);
    world.pass(SECOND);
    assert_eq!(world.notified(), ["a overdue"]);
    world.says("a", "b3", Event::Boot);
    world.pass(SECOND);
    assert_eq!(world.notified(), ["a rebooted", "a back"]);
}

#[test]
fn a_heartbeat_that_the_shutdown_overtook_changes_nothing() {
    let mut world = World::new(&["a"]);
    world.beat("a");
    let late = world.datagram("a", "b1", Event::Heartbeat);
    world.says("a", "b1", Event::Shutdown { expected: None });
    assert_eq!(world.send(&late), Ok(()));
    assert_eq!(world.state("a"), "down");
    world.beat("a");
    assert_eq!(world.notified(), ["a shutdown", "a up again"]);
}

#[test]
fn each_connection_is_watched_for_itself() {
    let mut world = World::new(&["a"]);
    world.beat("a");
    let datagram = world.datagram("a", "b1", Event::Heartbeat);
    world
        .machine
        .observe(world.now, Family::V6, &datagram)
        .unwrap();
    (0..6).for_each(|_| {
        world.pass(SECOND * 10);
        world.beat("a");
    });
    let notified: Vec<_> = world.notified.drain(..).map(|notice| notice.what).collect();
    let silent = Connection {
        host: Arc::from("a"),
        family: LinkFamily::V6,
    };
    assert_eq!(notified, [Occurrence::Overdue(silent)]);
    assert_eq!(world.state("a"), "overdue");
}
