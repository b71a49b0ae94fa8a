//! Calls and configurations that are wrong: one clear sentence for each.

use super::desk::Desk;

fn check(desk: &Desk, args: &[&str], status: i32, says: &str) {
    let (found, out, err) = desk.run(args);
    assert_eq!((found, out.as_str()), (status, ""), "{args:?}: {err}");
    assert!(err.contains(says), "{args:?}: {err}");
}

#[tokio::test]
async fn a_call_that_makes_no_sense() {
    let desk = Desk::filled().await;
    let time = "write how long ago, such as 2h or 7d, or when, such as \"2026-11-22 14:00\" (UTC)";
    for (args, says) in [
        (&["deliveries", "--since", "yesterday"][..], time),
        (&["deliveries", "--since", "2026-13-01"], time),
        (&["deliveries", "--since", ""], time),
        (&["retry", "--failed", "--since", "2 fortnights"], time),
        (
            &["deliveries", "--state", "faild"],
            "a similar value exists: 'failed'",
        ),
        (
            &["deliveries", "--state", "poem"],
            "possible values: pending, in_flight",
        ),
        (&["deliveries", "--limit", "0"], "0 is not in 1..=100000"),
        (&["deliveries", "--limit", "many"], "invalid value 'many'"),
        (&["deliveries", "--before", "0"], "0 is not in 1.."),
        (
            &["deliveries", "--audit", "--host", "web-01"],
            "cannot be used with",
        ),
        (
            &["deliveries", "--host", "web-01", "show", "1"],
            "the argument '--host <NAME>' cannot be used with 'show'",
        ),
        (&["deliveries", "show"], "<ID>"),
        (&["deliveries", "show", "two"], "invalid value 'two'"),
        (&["deliveries", "show", "-1"], "unexpected argument '-1'"),
        (&["retry"], "<ID|--failed>"),
        (&["retry", "0"], "0 is not in 1.."),
        (
            &["retry", "2", "--failed", "--since", "1h"],
            "cannot be used with",
        ),
        (&["retry", "--failed"], "--since <TIME>"),
        (&["retry", "--since", "1h"], "--failed"),
        (&["retry", "2", "--host", "web-01"], "cannot be used with"),
    ] {
        check(&desk, args, 2, says);
    }
}

#[tokio::test]
async fn a_configuration_whose_secrets_are_elsewhere_is_enough() {
    let desk = Desk::filled().await;
    let secret = "notification_channels: {a: {type: nothing-here, token: {env: NOT_SET_HERE}}}";
    let store = desk.file().display().to_string();
    for keeping in [
        format!("delivery: {{store: {store}}}"),
        format!("monitor: {{state: {store}}}"),
        // The store of deliveries comes first.
        format!("delivery: {{store: {store}}}\nmonitor: {{state: /nowhere}}"),
        format!("delivery: {{store: }}\nmonitor: {{state: {store}}}"),
    ] {
        desk.configure(&format!("{secret}\n{keeping}\n"));
        assert_eq!(desk.run(&["check"]).0, 2, "{keeping}");
        assert_eq!(desk.listed(&[]), [3, 2, 1], "{keeping}");
        assert_eq!(desk.run(&["deliveries", "--audit"]).0, 0, "{keeping}");
    }
    let (status, out, err) = desk.run(&["retry", "2"]);
    assert_eq!(status, 0, "{out}{err}");
}

#[test]
fn no_file_keeps_deliveries() {
    let desk = Desk::empty();
    let says = "error: the configuration names no file that keeps deliveries\nhelp: set `delivery.store`, or `monitor.state`, to the path of a file";
    let state = desk.file().display().to_string();
    for yaml in [
        "hosts: {}".to_owned(),
        "monitor: {state: ':memory:'}".to_owned(),
        format!("delivery: {{store: none}}\nmonitor: {{state: {state}}}"),
        format!("delivery: {{store: ':memory:'}}\nmonitor: {{state: {state}}}"),
    ] {
        desk.configure(&yaml);
        for args in [
            &["deliveries"][..],
            &["deliveries", "--audit"],
            &["retry", "1"],
        ] {
            check(&desk, args, 2, says);
        }
    }
}

#[test]
fn the_path_is_not_whole() {
    let desk = Desk::empty();
    desk.configure("delivery: {store: \"out\\x1b[2Jbox.sqlite\"}");
    let says = "error: delivery.store: `out\\u{1b}[2Jbox.sqlite` depends on the folder";
    check(&desk, &["deliveries"], 2, says);
    desk.configure("monitor: {state: state.sqlite}");
    check(
        &desk,
        &["deliveries"],
        2,
        "error: monitor.state: `state.sqlite` depends",
    );
}

#[test]
fn nothing_was_ever_delivered() {
    let desk = Desk::empty();
    let file = desk.file();
    let says = format!(
        "error: there are no deliveries yet: {} is created when",
        file.display()
    );
    check(&desk, &["deliveries"], 1, &says);
    check(&desk, &["retry", "1"], 1, &says);
    assert!(!file.exists(), "looking makes nothing");
    assert_eq!(desk.run(&["channels"]).0, 0);
    assert!(!file.exists(), "looking makes nothing");
}

#[test]
fn the_file_is_no_store() {
    let desk = Desk::empty();
    std::fs::write(
        desk.file(),
        "no database, but long enough to be looked at ".repeat(50),
    )
    .unwrap();
    check(&desk, &["deliveries"], 1, "is damaged");
    std::fs::remove_file(desk.file()).unwrap();
    let other = rusqlite::Connection::open(desk.file()).unwrap();
    other.execute_batch("CREATE TABLE mine (a)").unwrap();
    check(
        &desk,
        &["deliveries"],
        1,
        "is a database of another program",
    );
    let table: String = other
        .query_row("SELECT group_concat(name) FROM sqlite_schema", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(table, "mine", "another program's file is left as it is");
}

#[test]
fn the_configuration_is_no_yaml_or_not_there() {
    let desk = Desk::empty();
    desk.configure("delivery: {store: /a\nhosts");
    check(&desk, &["deliveries"], 2, "heartbeat.yaml:");
    std::fs::remove_file(desk.rig.file()).unwrap();
    check(&desk, &["deliveries"], 2, "heartbeat.yaml");
}
