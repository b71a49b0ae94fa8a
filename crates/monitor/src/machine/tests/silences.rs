//! Whatever a silence suppresses is recorded, with the silence as the reason.

use super::*;
use crate::thresholds::Level;

fn is_end(what: &Occurrence) -> bool {
    matches!(
        what,
        Occurrence::Back(_)
            | Occurrence::Removed(_)
            | Occurrence::ThresholdGone { .. }
            | Occurrence::Threshold {
                level: Level::Ok,
                ..
            }
    )
}

/// Returns what was suppressed since the last call, in the words of the notifications.
fn suppressed(world: &mut World) -> Vec<String> {
    let persistent = std::mem::take(&mut world.suppressed);
    for one in &persistent {
        let Some(rule) = one.rule.as_deref() else {
            assert!(is_end(&one.notice.what), "{one:?}");
            continue;
        };
        assert!(rule.starts_with("silence: until 20"), "{rule}");
        assert!(rule.ends_with("Z, moving it"), "{rule}");
    }
    persistent
        .iter()
        .map(|one| brief(&one.notice.what))
        .collect()
}

fn silence(world: &mut World, length: Duration) {
    let now = world.now;
    world
        .machine
        .silence("a", length, "moving it", now)
        .unwrap();
    world.commit();
}

#[test]
fn all_that_would_have_been_notified_is_noted() {
    let mut world = World::new(&["a"]);
    world.beat("a");
    silence(&mut world, SECOND * 3600);
    world.says("a", "b1", Event::Shutdown { expected: None });
    world.says("a", "b2", Event::Boot);
    world.says("a", "b2", Event::Message("lost its uplink".into()));
    assert_eq!(
        suppressed(&mut world),
        ["a shutdown", "a booted", "a lost its uplink"]
    );
    world.pass(SECOND * 1800);
    assert_eq!(suppressed(&mut world), ["a overdue"]);
    assert_eq!(world.notified(), [""; 0]);
}

#[test]
fn the_end_of_what_was_suppressed_is_noted_and_not_reported() {
    let mut world = World::new(&["a"]);
    world.beat("a");
    silence(&mut world, SECOND * 3600);
    world.pass(SECOND * 60);
    world.beat("a");
    world.pass(SECOND);
    assert_eq!(suppressed(&mut world), ["a overdue", "a back"]);
    assert_eq!(world.notified(), [""; 0]);
}

#[test]
fn each_level_of_a_metric_is_noted_once_and_so_is_the_end() {
    let mut world = super::alerts::with_thresholds();
    silence(&mut world, SECOND * 3600);
    for value in [85.0, 86.0, 95.0, 96.0, 10.0] {
        world.metric("a", super::alerts::CPU, value);
    }
    assert_eq!(
        suppressed(&mut world),
        [
            "WARNING cpu_monitor.cpu_percent 85.0 (threshold: > 80.0)",
            "CRITICAL cpu_monitor.cpu_percent 95.0 (threshold: > 90.0)",
            "OK cpu_monitor.cpu_percent 10.0 (threshold: > 80.0)",
        ]
    );
    assert_eq!(world.notified(), [""; 0]);
}

#[test]
fn the_end_of_an_alert_is_noted_however_often_it_changes_and_when_the_silence_has_just_ended() {
    let mut world = super::alerts::with_thresholds();
    silence(&mut world, SECOND * 3600);
    for _ in 0..2 * world.settings.flap.changes {
        world.metric("a", super::alerts::CPU, 95.0);
        world.metric("a", super::alerts::CPU, 10.0);
    }
    world.metric("a", super::alerts::CPU, 95.0);
    assert!(suppressed(&mut world).len() > world.settings.flap.changes);
    world.pass(SECOND * 3600);
    world.metric("a", super::alerts::CPU, 10.0);
    let end = "OK cpu_monitor.cpu_percent 10.0 (threshold: > 80.0)";
    assert_eq!(suppressed(&mut world).last().unwrap(), end);
    assert_eq!(world.notified(), [""; 0]);
}

#[test]
fn what_is_no_longer_configured_ends_during_a_silence_too() {
    let mut world = super::alerts::with_thresholds();
    world.configure(|hosts| hosts.values_mut().for_each(|host| host.watch = true));
    silence(&mut world, SECOND * 3600);
    world.beat("a");
    world.metric("a", super::alerts::CPU, 95.0);
    world.pass(SECOND * 600);
    suppressed(&mut world);
    world.configure(|hosts| hosts.values_mut().for_each(|host| host.set = None));
    assert_eq!(suppressed(&mut world), ["cpu_monitor.cpu_percent gone"]);
    world.configure(|hosts| hosts.clear());
    assert_eq!(suppressed(&mut world), ["a removed"]);
    assert_eq!(world.notified(), [""; 0]);
}

#[test]
fn of_what_changes_all_the_time_the_first_changes_are_noted() {
    let mut world = World::new(&["a"]);
    world.beat("a");
    silence(&mut world, SECOND * 3600);
    for number in 0..1_000 {
        world.says("a", "b1", Event::Message(format!("trouble {number}")));
    }
    let noted = suppressed(&mut world);
    assert_eq!(noted.len(), world.settings.flap.changes);
    assert_eq!(noted[0], "a trouble 0");
    // The next silence counts from zero.
    world.beats(&["a"], SECOND * 3600);
    silence(&mut world, SECOND * 60);
    world.says("a", "b1", Event::Message("more trouble".into()));
    assert_eq!(suppressed(&mut world), ["a more trouble"]);
}

#[test]
fn of_a_host_that_nobody_watches_nothing_is_noted() {
    let mut world = World::new(&["a"]);
    world.configure(|hosts| hosts.values_mut().for_each(|host| host.watch = false));
    world.beat("a");
    silence(&mut world, SECOND * 3600);
    world.says("a", "b2", Event::Boot);
    world.pass(SECOND * 600);
    assert_eq!(suppressed(&mut world), [""; 0]);
}

#[test]
fn a_silence_that_there_is_not_does_not_end() {
    let mut world = World::new(&["a"]);
    world.beat("a");
    silence(&mut world, Duration::ZERO);
    world.beats(&["a"], SECOND * 60);
    let about = |entry: &&Entry| entry.text.contains("silence");
    assert_eq!(world.disk.history.iter().filter(about).count(), 0);
    assert!(world.machine.silences().is_empty());
}
