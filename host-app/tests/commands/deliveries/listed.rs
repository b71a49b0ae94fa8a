//! `hbd deliveries`.

use std::{
    thread,
    time::{Duration, Instant},
};

use annunciator::Notification;
use annunciator_monitor::{Location, MonitorConfig, declare, prepare};

use super::desk::Desk;

#[tokio::test]
async fn they_stand_in_a_table_the_newest_first() {
    let desk = Desk::filled().await;
    let (status, out, err) = desk.run(&["deliveries"]);
    assert_eq!((status, err.as_str()), (0, ""));
    let lines: Vec<Vec<&str>> = out
        .lines()
        .map(|line| line.split("  ").filter(|cell| !cell.is_empty()).collect())
        .collect();
    let cells = |line: usize| -> Vec<&str> {
        let cells = lines[line].iter().map(|cell| cell.trim());
        // The time is another one each time.
        cells
            .enumerate()
            .filter(|(i, _)| *i != 1)
            .map(|(_, cell)| cell)
            .collect()
    };
    assert_eq!(
        lines[0],
        [
            "ID", "ACCEPTED", "HOST", "CHANNEL", "STATE", "ATTEMPTS", "MESSAGE"
        ]
        .map(str::trim)
        .to_vec()
        .as_slice()
    );
    let escaped = "db-01\\u{1b}[2J is in trouble";
    assert_eq!(cells(1), ["3", "db-01", "later", "pending", "1", escaped]);
    assert_eq!(
        cells(2),
        ["2", "web-01", "bad", "failed", "1", "CPU at 95 %"]
    );
    assert_eq!(
        cells(3),
        ["1", "web-01", "good", "delivered", "1", "CPU at 95 %"]
    );
    assert_eq!(lines.len(), 4);
}

#[tokio::test]
async fn each_filter_leaves_what_it_names() {
    let desk = Desk::filled().await;
    for (args, expected) in [
        (&[][..], &[3, 2, 1][..]),
        (&["--state", "failed"], &[2]),
        (&["--state", "failed", "--state", "pending"], &[3, 2]),
        (&["--host", "web-01"], &[2, 1]),
        (&["--host", "nobody"], &[]),
        (&["--channel", "later"], &[3]),
        (&["--host", "web-01", "--state", "delivered"], &[1]),
        (&["--since", "1h"], &[3, 2, 1]),
        (&["--since", "2000-01-01"], &[3, 2, 1]),
        (&["--since", "2200-01-01 12:00"], &[]),
        (&["--limit", "1"], &[3]),
        (&["--before", "3", "--limit", "1"], &[2]),
        (&["--before", "2"], &[1]),
    ] {
        assert_eq!(desk.listed(args), expected, "{args:?}");
    }
}

#[tokio::test]
async fn when_there_are_more_it_says_how_to_see_them() {
    let desk = Desk::filled().await;
    let (_, out, _) = desk.run(&["deliveries", "--limit", "2"]);
    let hint = "the newest 2 are shown: --before 2 shows older ones, --limit more at once";
    assert!(out.ends_with(&format!("\n{hint}\n")), "{out}");
    let answer = desk.json(&["deliveries", "--limit", "2", "--json"]);
    assert_eq!(answer["before"], 2);
    let answer = desk.json(&["deliveries", "--limit", "3", "--json"]);
    assert!(answer["before"].is_null());
    assert!(
        !desk
            .run(&["deliveries", "--limit", "3"])
            .1
            .contains("--before")
    );
}

#[tokio::test]
async fn a_delivery_as_json_has_what_it_says() {
    let desk = Desk::filled().await;
    let answer = desk.json(&[
        "deliveries",
        "--host",
        "web-01",
        "--channel",
        "bad",
        "--json",
    ]);
    let delivery = &answer["deliveries"][0];
    for (name, expected) in [
        ("body", "CPU at 95 %\nand rising"),
        ("severity", "critical"),
        ("state", "failed"),
        ("incident", "web-01/cpu"),
        ("kind", "message"),
    ] {
        assert_eq!(delivery[name], expected, "{name}");
    }
    let attribute = serde_json::json!({"name": "metric_path", "value": "cpu"});
    assert_eq!(delivery["attributes"], serde_json::json!([attribute]));
}

#[tokio::test]
async fn when_nothing_fits_it_says_where_it_looked() {
    let desk = Desk::filled().await;
    let (status, out, _) = desk.run(&["deliveries", "--host", "nobody"]);
    let file = desk.file().display().to_string();
    assert_eq!(
        (status, out),
        (0, format!("{file} holds no such delivery\n"))
    );
}

#[tokio::test]
async fn a_long_message_is_cut_to_a_line() {
    let desk = Desk::filled().await;
    let engine = desk.engine().await;
    let long = Notification::new(format!("\n\n{}\nrest", "ä".repeat(500)));
    engine.notify_channels(&["good"], long).await.unwrap();
    let (_, out, _) = desk.run(&["deliveries", "--limit", "1"]);
    let line = out.lines().nth(1).unwrap();
    assert!(line.ends_with(&format!("  {}…", "ä".repeat(80))), "{out}");
}

#[tokio::test]
async fn while_an_engine_has_the_store_open_others_look_at_it() {
    let desk = Desk::filled().await;
    let engine = desk.engine().await;
    assert_eq!(desk.listed(&["--channel", "good"]), [1]);
    let notified = engine.notify_channels(&["good"], "one more").await.unwrap();
    assert!(notified.all_delivered());
    assert_eq!(desk.listed(&["--channel", "good"]), [4, 1]);
}

#[tokio::test]
async fn a_monitor_has_the_same_file_open_for_its_state() {
    let desk = Desk::empty();
    let listen = "monitor: {listen: [\"127.0.0.1:0\"]}\n";
    let yaml = desk.keeping() + listen;
    let builder = declare(desk.rig.configured(&yaml).unwrap());
    let config = builder.load().unwrap().config;
    let file = Location::File(desk.file());
    let prepared = async || {
        let prepared = prepare(&config, MonitorConfig::of(&config), &file).await;
        prepared.unwrap()
    };
    let monitor = prepared().await;
    assert_eq!(monitor.state_file(), Some(desk.file()));
    assert_eq!(desk.listed(&[]), [0; 0]);
    assert_eq!(desk.run(&["deliveries", "--audit"]).0, 0);
    drop(monitor);
    // A program that another test starts meanwhile has it for a moment, too.
    let deadline = Instant::now() + Duration::from_secs(60);
    while prepared().await.state_file().is_none() {
        assert!(Instant::now() < deadline, "the file stays locked");
        thread::sleep(Duration::from_millis(20));
    }
}
