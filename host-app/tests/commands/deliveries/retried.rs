//! `hbd retry`.

use annunciator::store::State;

use super::desk::Desk;

const ONE: &str = "1 delivery is due again: a running monitor retries it within a second, otherwise the next start does\n";

#[tokio::test]
async fn one_that_failed_is_tried_again_by_the_engine_that_runs() {
    let desk = Desk::filled().await;
    let engine = desk.engine().await;
    let (status, out, err) = desk.run(&["retry", "2"]);
    assert_eq!((status, out.as_str(), err.as_str()), (0, ONE, ""));
    desk.until(|records| records.iter().any(|record| record.attempts == 2))
        .await;
    drop(engine);
}

#[tokio::test]
async fn one_that_did_not_fail_is_refused_and_the_others_are_not() {
    let desk = Desk::filled().await;
    let (status, out, err) = desk.run(&["retry", "1", "2", "3", "99"]);
    assert_eq!((status, out.as_str()), (1, ONE));
    for says in [
        "error: delivery 1 is delivered: only one that failed, or is unknown, can be tried again",
        "error: delivery 3 is pending: only",
        "holds no delivery 99",
    ] {
        assert!(err.contains(says), "{err}");
    }
    assert_eq!(desk.records().await[1].state, State::Pending);
}

#[tokio::test]
async fn all_that_failed_are_tried_again_where_the_filters_fit() {
    let desk = Desk::filled().await;
    let nothing = "no failed delivery matches\n";
    for (args, says) in [
        (&["--since", "2200-01-01"][..], nothing),
        (&["--since", "1h", "--host", "db-01"], nothing),
        (&["--since", "1h", "--channel", "good"], nothing),
        (
            &["--since", "1h", "--host", "web-01", "--channel", "bad"],
            ONE,
        ),
        // It is not among those that failed any more.
        (&["--since", "1h"], nothing),
    ] {
        let (status, out, err) = desk.run(&[&["retry", "--failed"], args].concat());
        assert_eq!(
            (status, out.as_str(), err.as_str()),
            (0, says, ""),
            "{args:?}"
        );
    }
}

#[tokio::test]
async fn more_than_a_page_is_tried_again() {
    let desk = Desk::filled().await;
    let database = rusqlite::Connection::open(desk.file()).unwrap();
    let copy = "INSERT INTO outbox_delivery
        (notification, channel, incident, lane, kind, severity, state, ready, due_ms)
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
        SELECT notification, channel, incident, lane, kind, severity, state, ready, due_ms
        FROM outbox_delivery, n WHERE id = 2";
    database.execute(copy, []).unwrap();
    let (_, out, _) = desk.run(&["retry", "--failed", "--since", "1d"]);
    assert!(out.starts_with("2501 deliveries are due again"), "{out}");
}
