//! Metrics, thresholds and silences.

use super::*;

pub(super) fn with_thresholds() -> World {
    let sets = serde_json::json!({
        "cpu_monitor.cpu_percent": {"warning": "> 80", "critical": "> 90", "clear_below": 75},
        "disk_monitor.*.percent": {"warning": "> 85", "critical": "> 95"},
    });
    let set = Set::read(&sets, &mut Vec::new());
    let mut world = World::with(&["a"], |settings| settings.sets = vec![Arc::new(set)]);
    // Thresholds don't depend on `watch`.
    let settings = HostSettings {
        set: Some(0),
        ..HostSettings::default()
    };
    world.hosts.insert(Arc::from("a"), settings);
    world
        .machine
        .configure(world.settings.clone(), world.hosts.clone(), world.now);
    world
}

pub(super) const CPU: &str = "cpu_monitor.cpu_percent";

#[test]
fn every_change_of_a_metric_s_level_is_reported() {
    let mut world = with_thresholds();
    for value in [50.0, 85.0, 86.0, 95.2, 91.0, 85.0, 78.0, 70.0, 71.0] {
        world.metric("a", CPU, value);
    }
    assert_eq!(
        world.notified(),
        [
            "WARNING cpu_monitor.cpu_percent 85.0 (threshold: > 80.0)",
            "CRITICAL cpu_monitor.cpu_percent 95.2 (threshold: > 90.0)",
            "WARNING cpu_monitor.cpu_percent 85.0 (threshold: > 80.0)",
            "OK cpu_monitor.cpu_percent 70.0 (threshold: > 80.0)",
        ]
    );
}

#[test]
fn a_lasting_alert_is_reported_again_every_hour_also_over_a_restart() {
    let mut world = with_thresholds();
    for minute in 0..150 {
        if minute % 50 == 20 {
            world.checkpoint();
            world.restart(SECOND);
        }
        world.metric("a", "disk_monitor./var.percent", 97.0);
        world.pass(SECOND * 60);
    }
    let first = "CRITICAL disk_monitor./var.percent 97.0 (threshold: > 95.0)";
    let again = format!("{first} again");
    assert_eq!(world.notified(), [first, &again, &again]);
}

#[test]
fn nothing_of_a_silenced_host_is_reported_until_the_silence_is_over() {
    let mut world = World::new(&["a", "b"]);
    world.beat("a");
    world
        .machine
        .silence("a", SECOND * 3600, "moving it", world.now)
        .unwrap();
    assert!(world.machine.silence("c", SECOND, "", world.now).is_err());
    world.pass(SECOND * 1800);
    assert_eq!(world.notified(), [""; 0]);
    world.restart(SECOND);
    assert_eq!(world.machine.silences()[0].why, "moving it");
    world.pass(SECOND * 1800);
    assert_eq!(
        world.notified(),
        ["a overdue"],
        "what is still wrong is told then"
    );
    world
        .machine
        .silence("a", SECOND * 60, "again", world.now)
        .unwrap();
    world.beat("a");
    world.pass(SECOND);
    assert_eq!(
        world.notified(),
        ["a back"],
        "who was told of it is told its end"
    );
}

#[test]
fn a_silenced_alert_is_reported_when_the_silence_is_over() {
    let mut world = with_thresholds();
    world
        .machine
        .silence("a", SECOND * 600, "load test", world.now)
        .unwrap();
    world.metric("a", CPU, 99.0);
    assert_eq!(world.notified(), [""; 0]);
    world.pass(SECOND * 600);
    world.metric("a", CPU, 98.0);
    assert_eq!(
        world.notified(),
        ["CRITICAL cpu_monitor.cpu_percent 98.0 (threshold: > 90.0)"]
    );
}

#[test]
fn a_threshold_that_is_taken_away_takes_its_alert_with_it() {
    let mut world = with_thresholds();
    world.metric("a", CPU, 99.0);
    world.notified();
    let settings = Settings {
        sets: Vec::new(),
        ..world.settings.clone()
    };
    world.machine.configure(
        settings,
        [(Arc::from("a"), HostSettings::default())],
        world.now,
    );
    world.metric("a", CPU, 10.0);
    assert!(
        world
            .machine
            .view("a", world.now)
            .unwrap()
            .alerts
            .is_empty()
    );
    assert_eq!(world.notified(), ["cpu_monitor.cpu_percent gone"]);
}

#[test]
fn a_host_cannot_fill_the_memory_with_metrics() {
    let mut world = with_thresholds();
    (0..1000).for_each(|i| world.metric("a", &format!("made.up{i}"), 1.0));
    assert_eq!(world.machine.metrics("a").len(), 256);
    assert_eq!(world.machine.metrics_dropped(), 744);
}
