//! One bad task among many that are done in one transaction.

use annunciator_store::State;
use annunciator_testkit::stores::{intake, state};
use rusqlite::{Connection, TransactionBehavior};

use super::open;

#[tokio::test]
async fn one_that_cannot_be_written_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outbox.sqlite");
    let store = open(&file);
    let mut other = Connection::open(&file).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE INSERT ON outbox_notification WHEN new.name = 'bad'
             BEGIN SELECT RAISE(ABORT, 'refused by a test'); END",
        )
        .unwrap();
    // While another writes, all of them gather.
    let writing = other.transaction_with_behavior(TransactionBehavior::Immediate);
    let writing = writing.unwrap();
    let names = ["first", "good-1", "bad", "good-2"];
    let accepting = names.map(|name| store.accept(intake(name, &["a"])));
    writing.commit().unwrap();
    for (name, accepted) in names.iter().zip(accepting) {
        match accepted.await {
            Ok(accepted) => assert_eq!(accepted.notification, *name),
            Err(error) => {
                assert_eq!(*name, "bad");
                assert!(error.to_string().contains("refused by a test"), "{error}");
            }
        }
    }
    for name in ["first", "good-1", "good-2"] {
        assert_eq!(state(&store, name, "a").await, State::Pending);
    }
    let accounts = store.accounts().await.unwrap();
    assert_eq!((accounts.accepted, accounts.difference()), (3, 0));
}
