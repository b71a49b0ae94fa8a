//! A store that was closed and is opened again is as it was.

use annunciator_store::{DeliveryId, Intake, Kind, State};
use annunciator_testkit::stores::{accept, again, all, claim, end, intake, of_incident, state};

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
    // One channel was told of the problem, and one was not.
    accept(&store, of_incident("recovery", Kind::Recovery, &["x", "y"])).await;
    assert_eq!(state(&store, "recovery", "x").await, State::Pending);
    assert_eq!(state(&store, "problem", "y").await, State::Superseded);
    assert_eq!(state(&store, "recovery", "y").await, State::Superseded);
    let third = accept(&store, intake("third", &["a"])).await;
    assert!(ids(&third) > ids(&first));
}
