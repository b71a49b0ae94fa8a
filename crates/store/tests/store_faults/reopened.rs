//! A store that was closed and is opened again is as it was.

use std::path::Path;

use annunciator_store::{DeliveryId, Intake, Kind, SchemaPart, SqliteFile, SqliteStore, State};
use annunciator_testkit::stores::{accept, again, all, claim, end, intake, of_incident, state};

use rusqlite::Connection;

use super::open;

#[tokio::test]
async fn everything_is_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outbox.sqlite");
    let keyed = |name: &str| Intake {
        key: Some("key".to_owned()),
        ..intake(name, &["a", "b", "c"])
    };
    let store = open(&file);
    let first = accept(&store, keyed("first")).await;
    end(&store, &claim(&store, "a").await[0], State::Failed).await;
    again(&store, &claim(&store, "b").await[0]).await;
    let held = claim(&store, "c").await;
    accept(&store, of_incident("problem", Kind::Problem, &["x", "y"])).await;
    end(&store, &claim(&store, "x").await[0], State::Delivered).await;
    let seen = (all(&store).await, store.accounts().await.unwrap());
    drop(store);

    let store = open(&file);
    assert_eq!((all(&store).await, store.accounts().await.unwrap()), seen);
    // The same words, by another name.
    let second = Intake {
        content: keyed("first").content,
        ..keyed("second")
    };
    let second = accept(&store, second).await;
    assert!(second.repeated);
    assert_eq!(second.notification, "first");
    let ids = |accepted: &annunciator_store::Accepted| -> Vec<DeliveryId> {
        let placed = accepted.deliveries.iter();
        placed.map(|placed| placed.delivery).collect()
    };
    assert_eq!(ids(&second), ids(&first));
    // Who held it closed the store without a word.
    let left = claim(&store, "c").await;
    assert!(left[0].abandoned);
    assert!(left[0].fence > held[0].fence);
    // One channel was notified of the problem, and one was not.
    accept(&store, of_incident("recovery", Kind::Recovery, &["x", "y"])).await;
    assert_eq!(state(&store, "recovery", "x").await, State::Pending);
    assert_eq!(state(&store, "problem", "y").await, State::Superseded);
    assert_eq!(state(&store, "recovery", "y").await, State::Superseded);
    let third = accept(&store, intake("third", &["a"])).await;
    assert!(ids(&third) > ids(&first));
}

/// All that SQLite holds of tables and indexes.
fn objects(database: &Connection) -> Vec<String> {
    let mut found = database
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
        .unwrap();
    let rows = found.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Copies the rows of all tables of the store from one file into another.
fn copy_rows(from: &Path, to: &Path) {
    let database = Connection::open(to).unwrap();
    let from = from.to_str().unwrap();
    database.execute("ATTACH ?1 AS newest", [from]).unwrap();
    let tables: Vec<String> = database
        .prepare(
            "SELECT name FROM main.sqlite_schema
             WHERE type = 'table' AND name NOT IN ('schema_version')",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for table in tables {
        // A step may add columns: those that both have.
        let columns: Vec<String> = database
            .prepare("SELECT name FROM main.pragma_table_info(?1)")
            .unwrap()
            .query_map([&table], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let columns = columns.join(", ");
        let copy = format!(
            "DELETE FROM main.{table};
             INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newest.{table}"
        );
        database.execute_batch(&copy).unwrap();
    }
}

/// Nothing that an earlier version accepted is lost, and nothing of the new schema is missing.
#[tokio::test]
async fn a_file_of_each_earlier_schema_is_migrated_with_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let newest = folder.path().join("newest.sqlite");
    let store = open(&newest);
    accept(&store, of_incident("problem", Kind::Problem, &["x", "y"])).await;
    end(&store, &claim(&store, "x").await[0], State::Delivered).await;
    accept(&store, intake("waits", &["a"])).await;
    let seen = (all(&store).await, store.accounts().await.unwrap());
    drop(store);
    let part = SqliteStore::schema_part();
    for (step, earlier) in (1..part.steps.len()).map(|step| (step, &part.steps[..step])) {
        let file = folder.path().join(format!("{step}.sqlite"));
        let earlier = SchemaPart {
            name: part.name,
            steps: earlier,
        };
        drop(SqliteFile::open(&file, &[earlier]).unwrap());
        copy_rows(&newest, &file);

        let store = open(&file);
        let migrated = (all(&store).await, store.accounts().await.unwrap());
        assert_eq!(migrated, seen, "from schema {step}");
        accept(&store, of_incident("recovery", Kind::Recovery, &["x", "y"])).await;
        assert_eq!(state(&store, "recovery", "x").await, State::Pending);
        assert_eq!(state(&store, "problem", "y").await, State::Superseded);
        drop(store);
        let [newest, migrated] = [&newest, &file].map(|file| Connection::open(file).unwrap());
        assert_eq!(objects(&migrated), objects(&newest), "from schema {step}");
    }
}
