//! Reloading over and over leaves no thread and no descriptor behind. Alone in
//! its process, since it counts those of the whole process.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{fs, time::Duration};

use annunciator_testkit::rig::Rig;
use annunciator_tests::foreign::WAIT_TIMEOUT;

fn count(what: &str) -> usize {
    fs::read_dir(format!("/proc/self/{what}")).unwrap().count()
}

#[tokio::test]
async fn after_many_reloads_there_are_no_more_threads_and_descriptors_than_before() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let yaml = |version: usize| {
        format!(
            "notification_channels: {{a: {{type: steady, text: v{version}}}, b: {{type: steady}}}}\ndefault_notification_channels: [a, b]\n"
        )
    };
    let engine = rig.start(&yaml(0)).await.unwrap();
    let mut before = None;
    for version in 1..=60 {
        let loaded = rig.configured(&yaml(version)).unwrap().load().unwrap();
        let _ = engine.reload(loaded).await.unwrap();
        assert!(
            engine
                .notify_default("hello")
                .await
                .unwrap()
                .all_delivered()
        );
        if version == 10 {
            before = Some((count("task"), count("fd")));
        }
    }
    let (threads, descriptors) = before.unwrap();
    let settled = async {
        while count("task") > threads || count("fd") > descriptors {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let settled = tokio::time::timeout(WAIT_TIMEOUT, settled).await;
    let now = (count("task"), count("fd"));
    assert!(
        settled.is_ok(),
        "{now:?} instead of {:?}",
        (threads, descriptors)
    );
}
