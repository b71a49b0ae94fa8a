//! Situations in which two events cross: the same bytes on two connections, a shutdown
//! after an alarm, a reload during a recheck.

use super::*;

impl World {
    /// Sends the same bytes on both families, as `hbc` does.
    fn both(&mut self, datagram: &Datagram) -> [Result<(), Reject>; 2] {
        let taken =
            [Family::V4, Family::V6].map(|family| self.machine.observe(self.now, family, datagram));
        self.commit();
        taken
    }

    fn both_say(&mut self, boot: &str, event: Event) {
        let datagram = self.datagram("a", boot, event);
        assert_eq!(self.both(&datagram), [Ok(()), Ok(())]);
    }

    pub(super) fn configure(&mut self, change: impl FnOnce(&mut BTreeMap<Arc<str>, HostSettings>)) {
        change(&mut self.hosts);
        let hosts = self.hosts.clone();
        self.machine
            .configure(self.settings.clone(), hosts, self.now);
        self.machine.advance(self.now);
        self.commit();
    }
}

const SHUTDOWN: Event = Event::Shutdown { expected: None };

#[test]
fn what_comes_by_both_connections_is_reported_once_and_both_are_alive() {
    let mut world = World::new(&["a"]);
    world.both_say("b1", Event::Boot);
    world.both_say("b1", Event::Message("disk fails".into()));
    world.both_say("b1", SHUTDOWN);
    assert_eq!(world.notified(), ["a booted", "a disk fails", "a shutdown"]);
    assert_eq!(world.state("a"), "down");
    // Many clean restarts are no endless loop of them.
    world.both_say("b2", Event::Boot);
    world.pass(SECOND * 10);
    world.both_say("b2", SHUTDOWN);
    assert_eq!(world.notified(), ["a booted", "a shutdown"]);
    world.both_say("b3", Event::Boot);
    world.notified();
    world.pass(SECOND * 30);
    assert_eq!(
        world.notified(),
        ["a overdue", "a overdue"],
        "each is watched"
    );
}

#[test]
fn a_sample_that_comes_by_both_connections_counts_once() {
    let set = serde_json::json!({"m.v": {"warning": "> 80", "for": 3}});
    let set = Set::read(&set, &mut Vec::new());
    let mut world = World::with(&["a"], |settings| settings.sets = vec![Arc::new(set)]);
    world.configure(|hosts| hosts.values_mut().for_each(|host| host.set = Some(0)));
    for expected in [0, 0, 1] {
        let mut datagram = world.datagram("a", "b1", Event::Heartbeat);
        datagram.metrics.push(("m.v".into(), 90.0));
        assert_eq!(world.both(&datagram), [Ok(()), Ok(())]);
        assert_eq!(world.notified().len(), expected);
    }
}

#[test]
fn a_recorded_shutdown_by_the_other_connection_mutes_nothing() {
    let mut world = World::new(&["a"]);
    world.beat("a");
    let recorded = world.datagram("a", "b1", SHUTDOWN);
    world.send(&recorded).unwrap();
    world.beat("a");
    world.notified();
    let _ = world.machine.observe(world.now, Family::V6, &recorded);
    assert_eq!(world.state("a"), "up");
    world.pass(SECOND * 30);
    assert!(world.notified().contains(&"a overdue".to_owned()));
}

#[test]
fn a_heartbeat_that_is_behind_the_shutdown_on_the_other_connection_is_no_sign_of_life() {
    let mut world = World::new(&["a"]);
    world.both_say("b1", Event::Heartbeat);
    let before = world.datagram("a", "b1", Event::Heartbeat);
    world.send(&before).unwrap();
    world.both_say("b1", SHUTDOWN);
    assert_eq!(
        world.machine.observe(world.now, Family::V6, &before),
        Ok(())
    );
    world.pass(SECOND * 600);
    assert_eq!(world.notified(), ["a shutdown"]);
}

#[test]
fn what_is_reported_of_a_host_follows_what_waits_to_be_reported_of_it() {
    let mut world = World::with(&["a"], |settings| settings.mass.within = SECOND * 5);
    world.beat("a");
    world.pass(SECOND * 40);
    assert_eq!(world.notified(), ["a overdue"]);
    world.says("a", "b1", SHUTDOWN);
    world.pass(SECOND * 10);
    assert_eq!(world.notified(), ["a back", "a shutdown"]);
}

#[test]
fn a_reload_makes_nobody_overdue_at_once() {
    let mut world = World::new(&["a", "b"]);
    world.beat("a");
    world.beat("b");
    // Removed for a while: its datagrams are refused.
    world.configure(|hosts| {
        hosts.remove("b");
    });
    world.beats(&["a"], SECOND * 100);
    let watched = world.hosts["a"];
    world.configure(|hosts| {
        hosts.insert(Arc::from("b"), watched);
    });
    assert_eq!(world.notified(), [""; 0]);
    world.beat("a");
    world.pass(SECOND * 9);
    // A shorter window than what has passed already.
    world.configure(|hosts| {
        hosts
            .values_mut()
            .for_each(|host| host.grace = Some(SECOND))
    });
    world.configure(|hosts| {
        hosts
            .values_mut()
            .for_each(|host| host.interval = Some(SECOND))
    });
    assert_eq!(world.notified(), [""; 0]);
    world.pass(SECOND * 30);
    assert_eq!(world.notified(), ["a overdue", "b overdue"]);
}

#[test]
fn a_host_that_is_removed_while_it_is_looked_at_again_holds_up_no_notice() {
    let mut world = World::new(&["a", "b"]);
    world.beat("a");
    world.beat("b");
    world.checkpoint();
    world.restart(SECOND * 600);
    world.configure(|hosts| {
        hosts.remove("b");
    });
    world.beat("a");
    assert_eq!(world.notified(), ["blind 2 0"]);
    assert!(!world.machine.is_rechecking());
}

#[test]
fn hosts_are_counted_and_not_their_connections() {
    let mut world = World::new(&["a"]);
    world.both_say("b1", Event::Heartbeat);
    world.checkpoint();
    world.restart(SECOND * 600);
    world.pass(SECOND * 31);
    assert_eq!(world.notified(), ["blind 1 1", "a overdue", "a overdue"]);
}

#[test]
fn a_restart_takes_a_changed_configuration_as_a_reload_does() {
    let mut world = World::new(&["a"]);
    let watched = world.hosts["a"];
    world.configure(|hosts| hosts.values_mut().for_each(|host| host.watch = false));
    world.beat("a");
    world.pass(SECOND * 31);
    assert_eq!(world.notified(), [""; 0]);
    world.hosts.insert(Arc::from("a"), watched);
    world.restart(SECOND);
    world.pass(SECOND);
    assert_eq!(world.notified(), ["a overdue"]);
}

#[test]
fn an_alert_whose_threshold_is_gone_ends_for_those_who_were_notified() {
    let set = serde_json::json!({"m.v": {"critical": "> 90"}});
    let set = Set::read(&set, &mut Vec::new());
    let mut world = World::with(&["a"], |settings| settings.sets = vec![Arc::new(set)]);
    world.configure(|hosts| hosts.values_mut().for_each(|host| host.set = Some(0)));
    world.metric("a", "m.v", 99.0);
    world.hosts.values_mut().for_each(|host| host.set = None);
    world.restart(SECOND);
    assert_eq!(
        world.notified(),
        ["CRITICAL m.v 99.0 (threshold: > 90.0)", "m.v gone"]
    );
}

#[test]
fn what_is_steady_again_during_a_silence_is_reported_afterwards() {
    let mut world = World::flapping();
    world
        .machine
        .silence("a", SECOND * 7200, "moving", world.now)
        .unwrap();
    world.pass(SECOND * 7199);
    assert_eq!(world.notified(), [""; 0]);
    world.pass(SECOND);
    assert_eq!(world.notified(), ["a overdue"]);
}

#[test]
fn one_host_that_makes_up_names_takes_nobody_else_s_thresholds() {
    let set = serde_json::json!({"m.v": {"critical": "> 90"}});
    let set = Set::read(&set, &mut Vec::new());
    let mut world = World::with(&["a", "b"], |settings| settings.sets = vec![Arc::new(set)]);
    world.configure(|hosts| hosts.values_mut().for_each(|host| host.set = Some(0)));
    for round in 0..2_000 {
        let mut datagram = world.datagram("b", "b1", Event::Heartbeat);
        let names = (0..40).map(|i| (format!("made.up{}", round * 40 + i).into(), 1.0));
        datagram.metrics.extend(names);
        world.send(&datagram).unwrap();
    }
    world.metric("a", "m.v", 99.0);
    assert_eq!(world.notified(), ["CRITICAL m.v 99.0 (threshold: > 90.0)"]);
}

#[test]
fn a_machine_that_is_set_back_to_a_snapshot_is_still_heard() {
    let mut world = World::new(&["a"]);
    world.says("a", "b1", Event::Heartbeat);
    let recorded = world.datagram("a", "b1", Event::Heartbeat);
    world.send(&recorded).unwrap();
    world.says("a", "b2", Event::Heartbeat);
    assert_eq!(world.notified(), ["a rebooted"]);
    assert_eq!(world.send(&recorded), Err(Reject::EarlierBoot));
    world.says("a", "b1", Event::Heartbeat);
    assert_eq!(world.notified(), [""; 0]);
    assert_eq!(world.state("a"), "up");
}
