//! Restarts, clocks that jump, and times in which the monitor received nothing.

use super::*;

#[test]
fn after_a_restart_hosts_get_one_fresh_window_and_are_then_judged() {
    let mut world = World::new(&["a", "b"]);
    world.beat("a");
    world.beat("b");
    world.checkpoint();
    world.restart(SECOND * 600);
    assert_eq!(world.state("a"), "unknown");
    world.pass(SECOND * 9);
    world.beat("a");
    world.pass(SECOND * 20);
    assert_eq!(world.notified(), [""; 0], "nobody is alarmed at once");
    world.beat("a");
    world.pass(SECOND);
    assert_eq!(world.notified(), ["blind 2 1", "b overdue"]);
    world.beat("b");
    world.pass(SECOND);
    assert_eq!(world.notified(), ["b back"], "nobody is forgotten");
}

#[test]
fn a_monitor_that_restarts_again_and_again_still_finds_who_is_silent() {
    let mut world = World::new(&["a"]);
    world.beat("a");
    world.checkpoint();
    let mut rounds = 0;
    while world
        .notified()
        .iter()
        .all(|notified| notified != "a overdue")
    {
        world.pass(SECOND * 3);
        world.checkpoint();
        world.restart(SECOND * 60);
        rounds += 1;
        assert!(
            rounds < 30,
            "it was awake for {} s and told nothing",
            rounds * 3
        );
    }
}

#[test]
fn what_was_reported_before_a_restart_is_not_reported_again() {
    let mut world = World::new(&["a"]);
    world.beat("a");
    world.pass(SECOND * 30);
    assert_eq!(world.notified(), ["a overdue"]);
    world.restart(SECOND * 5);
    world.pass(SECOND * 600);
    assert_eq!(world.notified(), [""; 0]);
    world.beat("a");
    world.pass(SECOND);
    assert_eq!(world.notified(), ["a back"]);
}

#[test]
fn what_was_held_when_the_monitor_died_is_reported_afterwards() {
    let mut world = World::with(&["a"], |settings| settings.mass.within = SECOND * 20);
    world.beat("a");
    world.pass(SECOND * 30);
    assert_eq!(world.notified(), [""; 0]);
    world.restart(SECOND);
    world.pass(SECOND * 20);
    assert_eq!(world.notified(), ["a overdue"]);
}

#[test]
fn a_monitor_that_was_stopped_does_not_alarm_for_what_it_did_not_see() {
    let mut world = World::new(&["a"]);
    world.beat("a");
    world.skip(SECOND * 300);
    world.pass(SECOND);
    assert_eq!(world.notified(), [""; 0]);
    assert_eq!(world.state("a"), "unknown");
    world.beat("a");
    assert_eq!(world.notified(), ["blind 1 0"]);
}

#[test]
fn a_wall_clock_that_jumps_ahead_opens_a_blind_span() {
    let mut world = World::new(&["a"]);
    world.beat("a");
    world.pass(SECOND * 28);
    world.now.wall_ms += 3_600_000;
    world.pass(SECOND * 5);
    assert_eq!(world.notified(), [""; 0]);
    // Its sender's clock was right all the time, and is accepted as such.
    let mut datagram = world.datagram("a", "b1", Event::Heartbeat);
    datagram.sent_at_ms -= 3_600_000;
    assert_eq!(world.send(&datagram), Ok(()));
    assert_eq!(world.notified(), ["blind 1 0"]);
}

#[test]
fn a_wall_clock_that_is_set_back_alarms_nobody() {
    let mut world = World::new(&["a"]);
    world.beats(&["a"], SECOND * 60);
    world.now.wall_ms -= 86_400_000;
    world.beats(&["a"], SECOND * 60);
    assert_eq!(world.notified(), [""; 0]);
}
