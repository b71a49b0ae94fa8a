//! Jobs that ping: a schedule or an interval, runs that begin and end, failures, changes of
//! the clock, restarts.

use uuid::Uuid;

use super::*;
use crate::{
    ping::{Ping, Signal},
    schedule::Schedule,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A world with one host, whose job pings.
fn world(settings: HostSettings) -> World {
    let mut world = World::new(&["a"]);
    let settings = HostSettings {
        watch: true,
        ..settings
    };
    world.hosts.insert(Arc::from("a"), settings);
    world.reload();
    world
}

/// A world whose job has a schedule, and which begins at a time in UTC.
fn scheduled(schedule: &str, zone: &str, grace: Duration, begin: &str) -> World {
    let mut world = world(HostSettings {
        grace: Some(grace),
        schedule: Some(0),
        ..HostSettings::default()
    });
    let schedule = Schedule::new(schedule, Some(zone)).unwrap();
    world.settings.schedules = vec![Arc::new(schedule)];
    world.now.wall_ms = crate::timestamp::parse_timestamp(begin).unwrap();
    world.machine = Machine::new(world.settings.clone(), world.hosts.clone(), world.now);
    world.checkpoint();
    world
}

impl World {
    fn reload(&mut self) {
        let (settings, hosts) = (self.settings.clone(), self.hosts.clone());
        self.machine.configure(settings, hosts, self.now);
        self.commit();
    }

    fn ping(&mut self, signal: Signal) {
        self.pings(&Ping::new(signal));
    }

    fn pings(&mut self, ping: &Ping) {
        self.machine.ping(self.now, "a", ping).unwrap();
        self.commit();
    }

    /// Lets time pass until the clock shows this.
    fn until(&mut self, time: &str) {
        let until = crate::timestamp::parse_timestamp(time).unwrap();
        let left = u64::try_from(until - self.now.wall_ms).unwrap();
        self.pass(Duration::from_millis(left));
    }

    fn view(&self) -> LinkView {
        let view = self.machine.view("a", self.now).unwrap();
        let is_ping = |link: &LinkView| link.family == LinkFamily::Ping;
        view.connections.into_iter().find(is_ping).unwrap()
    }
}

#[test]
fn a_run_that_does_not_come_within_the_grace_is_overdue() {
    let mut world = scheduled("0 3 * * *", "UTC", MINUTE * 10, "2026-11-23T03:00:30Z");
    world.ping(Signal::Success);
    assert_eq!(&*world.view().next_run.unwrap(), "2026-11-24 03:00 (UTC)");
    world.until("2026-11-24T03:00:01Z");
    assert_eq!(world.state("a"), "late");
    world.until("2026-11-24T03:09:59Z");
    assert!(world.notified().is_empty());
    world.until("2026-11-24T03:10:01Z");
    let missed = "its run of 2026-11-24 03:00 (UTC) has not come";
    assert_eq!(world.notified(), [format!("a lapsed: {missed}")]);
    assert_eq!(world.state("a"), "overdue");
    assert_eq!(&*world.view().problem.unwrap(), missed);
    // Once, however long it lasts.
    world.until("2026-11-24T12:00:00Z");
    assert!(world.notified().is_empty());
    world.ping(Signal::Success);
    world.pass(SECOND);
    assert_eq!(world.notified(), ["a back"]);
    assert_eq!(
        (world.state("a"), world.view().problem),
        ("up".to_owned(), None)
    );
    world.until("2026-11-25T03:10:01Z");
    assert_eq!(world.notified().len(), 1);
}

#[test]
fn a_job_that_never_pinged_is_never_overdue() {
    let mut world = scheduled("* * * * *", "UTC", SECOND, "2026-11-23T03:00:30Z");
    world.pings(&Ping::new(Signal::Log).with_body(b"x"));
    world.pass(HOUR);
    assert_eq!(
        (world.state("a"), world.notified()),
        ("new".to_owned(), vec![])
    );
}

#[test]
fn a_ping_that_is_a_little_too_early_counts_for_its_run() {
    let mut world = scheduled("0 3 * * *", "UTC", MINUTE, "2026-11-23T02:59:56Z");
    world.ping(Signal::Success);
    world.until("2026-11-24T03:00:50Z");
    assert!(world.notified().is_empty());
    world.until("2026-11-24T03:01:01Z");
    assert_eq!(world.notified().len(), 1);
}

#[test]
fn a_job_without_a_schedule_is_overdue_after_its_interval_and_grace() {
    let mut world = world(HostSettings {
        interval: Some(MINUTE * 10),
        grace: Some(MINUTE),
        misses: Some(2),
        ..HostSettings::default()
    });
    world.ping(Signal::Success);
    world.pass(MINUTE * 20);
    assert_eq!(world.state("a"), "up");
    world.pass(SECOND * 59);
    assert_eq!(
        (world.state("a"), world.notified()),
        ("late".to_owned(), vec![])
    );
    world.pass(SECOND * 2);
    assert_eq!(world.notified(), ["a overdue"]);
}

#[test]
fn a_job_without_any_setting_is_expected_once_a_day() {
    let mut world = world(HostSettings::default());
    world.ping(Signal::Success);
    world.pass(HOUR * 25 - SECOND);
    assert!(world.notified().is_empty());
    world.pass(SECOND * 2);
    assert_eq!(world.notified(), ["a overdue"]);
}

#[test]
fn a_failure_is_a_problem_at_once_and_a_success_ends_it() {
    for (signal, words) in [
        (Signal::Fail, "its run failed"),
        (Signal::ExitStatus(7), "its run failed with exit status 7"),
    ] {
        let mut world = world(HostSettings::default());
        world.ping(Signal::Success);
        world.ping(signal);
        assert_eq!(world.notified(), [format!("a lapsed: {words}")]);
        assert_eq!(world.state("a"), "failed");
        // Neither another one nor a start nor a log says anything new.
        for signal in [signal, Signal::Start, Signal::Log] {
            world.ping(signal);
        }
        world.pass(HOUR * 50);
        assert_eq!(
            (world.state("a"), world.notified()),
            ("failed".to_owned(), vec![])
        );
        world.ping(Signal::ExitStatus(0));
        world.pass(SECOND);
        assert_eq!(
            (world.state("a"), world.notified()),
            ("up".to_owned(), vec!["a back".to_owned()])
        );
    }
}

#[test]
fn a_failure_is_reported_even_if_it_is_the_first_ping() {
    let mut world = world(HostSettings::default());
    world.ping(Signal::ExitStatus(1));
    assert_eq!(world.notified().len(), 1);
}

#[test]
fn a_run_that_begins_and_does_not_end_is_overdue() {
    let mut world = scheduled("0 3 * * *", "UTC", MINUTE * 30, "2026-11-23T03:00:01Z");
    world.ping(Signal::Start);
    assert!(world.view().running_since_ms.is_some());
    world.until("2026-11-23T03:30:00Z");
    assert!(world.notified().is_empty());
    world.until("2026-11-23T03:30:02Z");
    let unfinished = "a lapsed: its run that began at 2026-11-23T03:00:01Z has not ended";
    assert_eq!(world.notified(), [unfinished]);
    // The next one begins, which is no end of the problem, and ends.
    world.until("2026-11-24T03:00:00Z");
    world.ping(Signal::Start);
    world.pass(MINUTE);
    assert_eq!(world.state("a"), "overdue");
    world.ping(Signal::Success);
    world.pass(HOUR);
    assert_eq!(
        (world.state("a"), world.notified()),
        ("up".to_owned(), vec!["a back".to_owned()])
    );
}

#[test]
fn a_run_that_begins_late_has_its_own_grace_to_end() {
    let mut world = scheduled("0 3 * * *", "UTC", HOUR, "2026-11-22T03:00:00Z");
    world.ping(Signal::Success);
    world.until("2026-11-23T03:50:00Z");
    world.ping(Signal::Start);
    world.until("2026-11-23T04:40:00Z");
    world.ping(Signal::Success);
    assert!(world.notified().is_empty());
}

#[test]
fn how_long_a_run_took_is_known_by_its_id_or_the_last_start() {
    let mut world = world(HostSettings::default());
    let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let ping = |signal, id| Ping {
        run_id: id,
        ..Ping::new(signal)
    };
    let mut took = |steps: &[(Signal, Option<Uuid>)]| {
        for (signal, id) in steps {
            world.pass(SECOND * 10);
            world.pings(&ping(*signal, *id));
        }
        let job = world.machine.job("a").unwrap();
        job.reports().last().unwrap().took_ms
    };
    let (start, end) = (Signal::Start, Signal::Success);
    assert_eq!(took(&[(end, None)]), None);
    assert_eq!(took(&[(start, None), (end, None)]), Some(10_000));
    let crossed = [(start, Some(one)), (start, Some(two)), (end, Some(one))];
    assert_eq!(took(&crossed), Some(20_000));
    assert_eq!(took(&[(end, Some(one))]), None);
    assert_eq!(took(&[(Signal::Fail, Some(two))]), Some(30_000));
    // A request that was sent twice begins one run.
    let again = [(start, Some(one)), (start, Some(one)), (end, Some(one))];
    assert_eq!(took(&again), Some(20_000));
}

#[test]
fn runs_that_never_end_take_no_more_memory_and_the_oldest_counts() {
    let mut world = world(HostSettings {
        grace: Some(MINUTE),
        ..HostSettings::default()
    });
    for number in 0..30 {
        let mut ping = Ping::new(Signal::Start);
        ping.run_id = Some(Uuid::from_u128(number));
        world.pings(&ping);
        world.pass(SECOND);
    }
    let job = serde_json::to_value(world.machine.job("a").unwrap()).unwrap();
    assert_eq!(job["runs"].as_array().unwrap().len(), 8);
    world.pass(SECOND * 31);
    assert_eq!(world.notified().len(), 1);
    assert!(world.machine.timers.len() < 40);
}

#[test]
fn the_last_output_of_each_kind_is_kept() {
    let mut world = world(HostSettings::default());
    for (signal, body) in [
        (Signal::Fail, "one"),
        (Signal::Success, "two"),
        (Signal::ExitStatus(3), "three"),
        (Signal::Log, "four"),
        (Signal::ExitStatus(0), "five"),
    ] {
        world.pings(&Ping::new(signal).with_body(body.as_bytes()));
    }
    let job = world.machine.job("a").unwrap();
    let bodies: Vec<&str> = job.reports().iter().map(|report| &*report.body).collect();
    assert_eq!(bodies, ["three", "four", "five"]);
}

#[test]
fn a_run_in_the_hour_that_clocks_leave_out_is_expected_right_after_it() {
    // In Berlin, 2:00 to 3:00 is left out on March 29th, 2026: at 1:00 in UTC.
    let mut world = scheduled(
        "30 2 * * *",
        "Europe/Berlin",
        MINUTE * 10,
        "2026-03-28T01:30:00Z",
    );
    world.ping(Signal::Success);
    world.until("2026-03-29T01:09:59Z");
    assert!(world.notified().is_empty());
    world.until("2026-03-29T01:10:01Z");
    let missed = "a lapsed: its run of 2026-03-29 03:00 (Europe/Berlin) has not come";
    assert_eq!(world.notified(), [missed]);
    world.ping(Signal::Success);
    world.notified();
    world.until("2026-03-30T00:39:59Z");
    assert_eq!(world.state("a"), "late");
    world.until("2026-03-30T00:40:01Z");
    assert_eq!(world.state("a"), "overdue");
}

#[test]
fn a_run_in_the_hour_that_clocks_repeat_is_expected_once() {
    // In Berlin, 2:00 to 3:00 comes twice on October 25th, 2026: at 0:00 and 1:00 in UTC.
    let mut world = scheduled(
        "30 2 * * *",
        "Europe/Berlin",
        MINUTE * 10,
        "2026-10-24T00:30:00Z",
    );
    world.ping(Signal::Success);
    world.until("2026-10-25T00:30:10Z");
    world.ping(Signal::Success);
    world.until("2026-10-26T01:30:10Z");
    assert!(world.notified().is_empty(), "a day of 25 hours");
    world.until("2026-10-26T01:40:10Z");
    assert_eq!(world.notified().len(), 1);
}

#[test]
fn a_clock_that_is_set_back_puts_the_deadline_off() {
    let mut world = scheduled("0 3 * * *", "UTC", MINUTE * 10, "2026-11-23T02:00:00Z");
    world.ping(Signal::Success);
    world.pass(MINUTE * 60);
    world.now.wall_ms -= 3_600_000;
    world.pass(MINUTE * 60);
    assert_eq!(
        (world.state("a"), world.notified()),
        ("late".to_owned(), vec![])
    );
    world.pass(MINUTE * 11);
    assert_eq!(world.notified().len(), 1);
}

#[test]
fn a_clock_that_is_set_ahead_gives_a_run_its_grace_once_more() {
    let mut world = scheduled("0 3 * * *", "UTC", MINUTE * 10, "2026-11-23T02:00:00Z");
    world.ping(Signal::Success);
    world.pass(MINUTE);
    world.now.wall_ms += 12 * 3_600_000;
    world.pass(MINUTE * 9);
    assert!(!world.notified().iter().any(|what| what.contains("lapsed")));
    assert_eq!(world.state("a"), "unknown");
    world.pass(MINUTE * 2);
    assert!(world.notified().iter().any(|what| what.contains("lapsed")));
}

#[test]
fn a_run_that_was_due_while_the_monitor_was_away_has_its_grace_once_more() {
    for comes in [true, false] {
        let mut world = scheduled("0 3 * * *", "UTC", MINUTE * 10, "2026-11-23T02:59:00Z");
        world.ping(Signal::Success);
        world.checkpoint();
        world.restart(HOUR * 2);
        assert_eq!(world.state("a"), "unknown");
        world.pass(MINUTE * 9);
        if comes {
            world.ping(Signal::Success);
        }
        world.pass(MINUTE * 2);
        let expected = if comes { "up" } else { "overdue" };
        assert_eq!(world.state("a"), expected);
        let lapsed = world.notified().iter().any(|what| what.contains("lapsed"));
        assert_eq!(lapsed, !comes);
    }
}

#[test]
fn what_pings_have_said_survives_a_restart() {
    let mut world = scheduled("0 3 * * *", "UTC", MINUTE * 10, "2026-11-23T03:00:00Z");
    world.ping(Signal::Success);
    world.pass(HOUR);
    world.pings(&Ping::new(Signal::Start).with_body(b"begun"));
    world.checkpoint();
    let before = world.machine.job("a");
    world.restart(SECOND);
    assert_eq!(world.machine.job("a"), before);
    world.pass(MINUTE * 11);
    let notified = world.notified();
    assert!(
        notified.iter().any(|what| what.contains("has not ended")),
        "{notified:?}"
    );
    world.ping(Signal::ExitStatus(9));
    assert_eq!(
        (world.state("a"), world.notified()),
        ("failed".to_owned(), vec![])
    );
    world.checkpoint();
    world.restart(SECOND);
    assert_eq!(world.state("a"), "failed");
    assert_eq!(
        &*world.view().problem.unwrap(),
        "its run failed with exit status 9"
    );
    world.ping(Signal::Success);
    world.pass(SECOND);
    assert!(world.notified().contains(&"a back".to_owned()));
}

#[test]
fn a_failure_during_a_silence_is_reported_when_it_is_over() {
    let mut world = world(HostSettings::default());
    world.ping(Signal::Success);
    world.machine.silence("a", HOUR, "", world.now).unwrap();
    world.ping(Signal::Fail);
    assert!(world.notified().is_empty());
    assert_eq!(world.suppressed.len(), 1);
    world.pass(HOUR + SECOND);
    assert_eq!(world.notified(), ["a lapsed: its run failed"]);
}

#[test]
fn a_job_that_fails_and_succeeds_again_and_again_flaps() {
    let mut world = world(HostSettings::default());
    for _ in 0..6 {
        world.ping(Signal::Fail);
        world.pass(SECOND);
        world.ping(Signal::Success);
        world.pass(SECOND);
    }
    assert_eq!(world.state("a"), "flapping");
    world.ping(Signal::Fail);
    world.notified();
    world.pass(MINUTE * 16);
    assert_eq!(world.notified(), ["a steady failed"]);
    world.ping(Signal::Success);
    world.pass(SECOND);
    assert_eq!(world.notified(), ["a back"]);
}

#[test]
fn another_schedule_makes_no_job_overdue_at_once() {
    let mut world = scheduled("0 3 * * *", "UTC", MINUTE * 10, "2026-11-23T03:00:00Z");
    world.ping(Signal::Success);
    world.until("2026-11-23T12:00:00Z");
    world.settings.schedules = vec![Arc::new(Schedule::new("0 * * * *", None).unwrap())];
    world.reload();
    world.pass(MINUTE * 9);
    assert!(world.notified().is_empty());
    world.pass(MINUTE * 2);
    assert_eq!(world.notified().len(), 1);
}

#[test]
fn a_shutdown_of_the_machine_excuses_no_job() {
    let mut world = scheduled("0 3 * * *", "UTC", MINUTE * 10, "2026-11-23T03:00:00Z");
    world.beat("a");
    world.ping(Signal::Success);
    world.says("a", "b1", Event::Shutdown { expected: None });
    world.notified();
    world.until("2026-11-24T03:10:01Z");
    assert_eq!(world.notified().len(), 1);
}

#[test]
fn only_a_configured_host_may_ping() {
    let mut world = World::new(&["a"]);
    let ping = Ping::new(Signal::Success);
    assert!(world.machine.ping(world.now, "b", &ping).is_err());
    world.hosts.clear();
    world.reload();
    assert!(world.machine.ping(world.now, "a", &ping).is_err());
}

#[test]
fn a_success_that_changes_nothing_is_not_written_at_once() {
    let mut world = world(HostSettings::default());
    world.ping(Signal::Success);
    world.checkpoint();
    for signal in [Signal::Success, Signal::Start, Signal::Success, Signal::Log] {
        world
            .machine
            .ping(world.now, "a", &Ping::new(signal))
            .unwrap();
        assert!(world.machine.take_step().is_empty(), "{signal:?}");
    }
    assert_eq!(world.machine.take_seen().len(), 1);
}

#[test]
fn a_run_is_not_forgotten_because_the_clock_was_ahead_for_a_while() {
    let mut world = scheduled("0 3 * * *", "UTC", MINUTE * 10, "2026-11-23T02:00:00Z");
    let day_ms = 24 * 3_600_000;
    world.now.wall_ms += day_ms;
    world.ping(Signal::Success);
    world.now.wall_ms -= day_ms;
    world.until("2026-11-23T03:10:01Z");
    assert_eq!(world.state("a"), "overdue");
}

#[test]
fn a_run_that_never_ended_does_not_make_later_runs_overdue() {
    let mut world = world(HostSettings {
        grace: Some(MINUTE),
        ..HostSettings::default()
    });
    for (number, signal) in [(1, Signal::Start), (2, Signal::Start), (2, Signal::Success)] {
        world.pings(&Ping {
            run_id: Some(Uuid::from_u128(number)),
            ..Ping::new(signal)
        });
        world.pass(MINUTE + SECOND);
    }
    world.pass(HOUR);
    let unfinished = "a lapsed: its run that began at 2026-09-21T14:13:20Z has not ended";
    assert_eq!(world.notified(), [unfinished, "a back"]);
    assert_eq!(world.state("a"), "up");
}

#[test]
fn a_run_that_could_have_come_while_the_monitor_was_away_has_its_grace_once_more() {
    let mut world = scheduled("0 3 * * *", "UTC", MINUTE * 10, "2026-11-23T02:59:00Z");
    world.ping(Signal::Success);
    world.checkpoint();
    world.restart(MINUTE * 5);
    assert_eq!(world.state("a"), "unknown");
    world.until("2026-11-23T03:13:59Z");
    assert_eq!(world.state("a"), "unknown");
    world.until("2026-11-23T03:14:01Z");
    assert_eq!(world.state("a"), "overdue");
}
