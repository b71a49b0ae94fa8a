//! `hbd deliveries --audit`.

use annunciator::store::{Prune, Store as _};

use super::desk::Desk;

fn numbers(out: &str, name: &str) -> Vec<i64> {
    let line = out
        .lines()
        .find(|line| line.split_whitespace().next() == Some(name));
    let words = line
        .unwrap_or_else(|| panic!("no {name}: {out}"))
        .split_whitespace();
    words.skip(1).map(|word| word.parse().unwrap()).collect()
}

#[tokio::test]
async fn what_was_accepted_is_somewhere() {
    let desk = Desk::filled().await;
    let (status, out, err) = desk.run(&["deliveries", "--audit"]);
    assert_eq!((status, err.as_str()), (0, ""));
    for (name, expected) in [
        ("delivered", &[1, 0, 1][..]),
        ("failed", &[1, 0, 1]),
        ("pending", &[1, 0, 1]),
        ("in_flight", &[0, 0, 0]),
        ("accepted", &[3]),
        ("sum", &[3]),
        ("difference", &[0]),
    ] {
        assert_eq!(numbers(&out, name), expected, "{name}");
    }
    let answer = desk.json(&["deliveries", "--audit", "--json"]);
    assert_eq!(
        (&answer["accepted"], &answer["difference"]),
        (&3.into(), &0.into())
    );
    assert_eq!(answer["states"]["failed"], 1);
}

#[tokio::test]
async fn what_was_deleted_counts() {
    let desk = Desk::filled().await;
    let prune = Prune {
        now_ms: 0,
        accepted_before_ms: i64::MAX,
        beyond: u64::MAX,
        limit: 100,
    };
    let pruned = desk.store().prune(prune);
    assert_eq!(pruned.await.unwrap(), 1);
    let (status, out, _) = desk.run(&["deliveries", "--audit"]);
    assert_eq!((status, numbers(&out, "delivered")), (0, vec![0, 1, 1]));
    assert_eq!(numbers(&out, "difference"), [0]);
}

#[tokio::test]
async fn what_is_missing_is_reported_and_is_a_failure() {
    let desk = Desk::filled().await;
    let database = rusqlite::Connection::open(desk.file()).unwrap();
    let file = desk.file().display().to_string();
    for (change, difference, says) in [
        (
            "DELETE FROM outbox_delivery WHERE id = 2",
            1,
            "1 were accepted and are in no state",
        ),
        (
            "UPDATE outbox_account SET count = 0 WHERE name = 'accepted'",
            -2,
            "2 are in a state and were never accepted",
        ),
    ] {
        database.execute(change, []).unwrap();
        let (status, out, err) = desk.run(&["deliveries", "--audit"]);
        assert_eq!((status, numbers(&out, "difference")), (1, vec![difference]));
        assert!(
            err.starts_with(&format!("error: of {file}, {says}")),
            "{err}"
        );
        let answer = desk.json(&["deliveries", "--audit", "--json"]);
        assert_eq!(answer["difference"], difference);
    }
}
