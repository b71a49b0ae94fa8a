//! A plugin that says that a second message does no harm: then what nobody knows of
//! is sent again, whatever the channel says.

use std::sync::Arc;

use annunciator::{
    Route,
    store::{MemoryStore, State},
};
use annunciator_testkit::{artefacts::plugin, hasty::Hasty, rig::Rig};
use annunciator_tests::altered::altered_copy;

use crate::desk::{ended, records};

const YAML: &str = "delivery: {retry: {attempts: 3, first: 1s, max: 5s}}
notification_channels:
  a: {type: steady, outcomes: [unsure], delivery: {on_unknown: drop}}
default_notification_channels: [a]
";

/// How often it is tried, by a copy whose note says this.
async fn attempts(says: &str) -> u32 {
    let rig = Rig::new(&[]).unwrap();
    let copy = rig.plugins().join("libsteady.so");
    let change = (
        "\"idempotent\":{\"steady\":false}",
        &*format!("\"idempotent\":{{\"steady\":{says:5}}}"),
    );
    altered_copy(&plugin("fixture-steady").unwrap(), &copy, &[change]).unwrap();
    let builder = rig.configured(YAML).unwrap();
    let builder = builder.clock(Arc::new(Hasty::default()));
    let store = Arc::new(MemoryStore::default());
    let engine = builder.store(store).start().await.unwrap();
    engine.submit(Route::Defaults, "down", None).await.unwrap();
    assert_eq!(ended(&engine).await, [State::Unknown]);
    records(&engine).await[0].attempts
}

#[tokio::test]
async fn what_may_have_been_sent_is_sent_again_where_the_plugin_says_that_it_may() {
    assert_eq!(attempts("true").await, 3);
    assert_eq!(attempts("false").await, 1);
}
