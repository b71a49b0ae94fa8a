//! What is proven of a delivery while the store cannot take it.

use std::sync::{Arc, atomic::Ordering};

use annunciator::{
    Notification, Proof, Route, Severity,
    store::{State, Store},
};
use annunciator_testkit::pushover::USER;

use crate::{
    desk::{ended, records, wait_until},
    groups::{EMERGENCY, oncall},
    hindered::Hindered,
    pair::Pair,
};

#[tokio::test]
async fn what_a_person_has_acknowledged_counts_when_the_disk_has_room_again() {
    let pair = Pair::new().await;
    let store = Arc::new(Hindered::default());
    store.refuses.store(3, Ordering::SeqCst);
    let oncall = oncall("acknowledged", "30m");
    let engine = pair
        .engine_on(Arc::clone(&store) as Arc<dyn Store>, EMERGENCY, &oncall)
        .await;
    let down = Notification::new("down").severity(Severity::Critical);
    engine.submit(Route::Defaults, down, None).await.unwrap();
    let message = pair.pager.wait_for(1).await.unwrap().remove(0);
    wait_until(&engine, |records| records[0].state == State::Delivered).await;
    let receipt = message.receipt.unwrap();
    assert!(pair.pager.acknowledge(&receipt, USER, "droid2"));
    assert_eq!(ended(&engine).await, [State::Delivered, State::Superseded]);
    assert_eq!(store.refuses.load(Ordering::SeqCst), 0);
    let proof = records(&engine).await[0].proof;
    assert_eq!(proof, Some(Proof::Acknowledged));
    assert!(pair.chat().is_empty());
}
