//! Which channels go on and which are replaced, and what leaves everything as
//! it was.

use std::fs;

use annunciator::StartError;
use annunciator_testkit::{
    artefacts::{self, plugin},
    rig::Rig,
};
use annunciator_tests::altered::altered_copy;

use crate::running::{A, Running, channels, numbers};

#[tokio::test]
async fn an_unchanged_channel_goes_on_and_a_changed_one_is_replaced() {
    let b = |text: &str| format!("b: {{type: steady, text: {text}}}");
    let running = Running::start(&channels(&[A, &b("old"), "c: {type: steady}"])).await;
    assert_eq!(running.notified("a").await, "one");
    let before = running.engine.config();
    // The order may change, too.
    let yaml = channels(&["d: {type: steady, text: new}", &b("new"), A]);
    let reloaded = running.reload(&yaml).await.unwrap();
    assert_eq!(reloaded.kept, ["a"]);
    assert_eq!(reloaded.opened, ["d", "b"]);
    assert_eq!(reloaded.closed, ["b", "c"]);
    assert_eq!(running.notified("b").await, "new");
    assert_eq!(running.notified("d").await, "new");
    assert_eq!(running.notified("a").await, "one");
    assert!(
        running
            .engine
            .notify_channels(&["c"], "hello")
            .await
            .is_err()
    );
    let after = running.engine.config();
    assert!(before.channel("c").is_some() && after.channel("c").is_none());
    assert_eq!(after.channel("b").unwrap().settings()["text"], "new");
    let notes = running.notes();
    assert_eq!(numbers(&notes, "opened").len(), 1, "{notes:?}");
    assert_eq!(
        numbers(&notes, "delivered"),
        [numbers(&notes, "opened")[0]; 2]
    );
    assert_eq!(numbers(&notes, "closed").len(), 0);
}

#[tokio::test]
async fn every_part_of_a_definition_counts() {
    let running = Running::start(&channels(&[A])).await;
    let mut opened = 1;
    for changed in [
        "a: {type: steady, text: two, token: s1, notes: NOTES}",
        "a: {type: steady, text: two, token: s2, notes: NOTES}",
        "a: {type: steady, text: two, token: s2, notes: NOTES, delivery: {timeout: 5s}}",
        "b: {type: steady, text: two, token: s2, notes: NOTES, delivery: {timeout: 5s}}",
    ] {
        let reloaded = running.reload(&channels(&[changed])).await.unwrap();
        assert_eq!(
            (reloaded.opened.len(), reloaded.closed.len()),
            (1, 1),
            "{changed}"
        );
        opened += 1;
        running.noted("closed", opened - 1).await;
        let same = running.reload(&channels(&[changed])).await.unwrap();
        assert_eq!(
            (same.kept.len(), same.opened.len(), same.closed.len()),
            (1, 0, 0)
        );
    }
    assert_eq!(numbers(&running.notes(), "opened").len(), opened);
}

#[tokio::test]
async fn a_secret_that_changed_elsewhere_replaces_the_channel() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let secret = rig.folder().join("secret");
    fs::write(&secret, "s1").unwrap();
    let path = secret.display();
    let yaml = channels(&[&format!("a: {{type: steady, token: {{file: {path}}}}}")]);
    let running = Running::start_on(rig, &yaml).await;
    assert_eq!(running.reload(&yaml).await.unwrap().kept, ["a"]);
    fs::write(&secret, "s2").unwrap();
    assert_eq!(running.reload(&yaml).await.unwrap().opened, ["a"]);
}

#[tokio::test]
async fn hosts_and_defaults_change_without_touching_a_channel() {
    let b = "b: {type: steady, notes: NOTES}";
    let yaml = |rest: &str| format!("{}{rest}", channels(&[A, b]));
    let running = Running::start(&yaml("default_notification_channels: [a]\n")).await;
    let notified = async |host: &str| {
        let report = running.engine.notify_host(host, "hello").await.unwrap();
        report.results().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(notified("web").await, ["a"]);
    let rest =
        "default_notification_channels: [a, b]\nhosts: {web: {notification_channels: [b]}}\n";
    let reloaded = running.reload(&yaml(rest)).await.unwrap();
    assert_eq!(reloaded.kept, ["a", "b"]);
    assert_eq!(notified("web").await, ["b"]);
    assert_eq!(notified("db").await, ["a", "b"]);
}

#[tokio::test]
async fn one_that_cannot_be_opened_leaves_everything_as_it_was() {
    let running = Running::start(&channels(&[A])).await;
    let fresh = "b: {type: steady, text: fresh, notes: NOTES}";
    let bad = "c: {type: steady, text: no such certificate}";
    let changed = A.replace("one", "two");
    let error = running
        .reload(&channels(&[&changed, fresh, bad]))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "channel c: the certificate does not exist"
    );
    let notes = running.notes();
    let (opened, closed) = (numbers(&notes, "opened"), numbers(&notes, "closed"));
    // What was opened for nothing is closed already.
    assert_eq!((opened.len(), closed.len()), (3, 2), "{notes:?}");
    assert!(!closed.contains(&opened[0]));
    assert_eq!(running.notified("a").await, "one");
    assert!(running.engine.config().channel("b").is_none());
    // A file that is wrong does not come so far.
    let wrong = running
        .reload(&channels(&["a: {type: stedy}"]))
        .await
        .unwrap_err();
    assert!(matches!(wrong, StartError::Config(_)));
    assert_eq!(running.reload(&channels(&[A])).await.unwrap().kept, ["a"]);
}

#[tokio::test]
async fn one_that_could_not_be_opened_before_keeps_no_other_from_coming() {
    let bad = "c: {type: steady, text: no such certificate}";
    let running = Running::start(&channels(&[A, bad])).await;
    let fresh = "b: {type: steady, text: fresh, notes: NOTES}";
    let yaml = channels(&[A, bad, fresh]);
    let reloaded = running.reload(&yaml).await.unwrap();
    assert_eq!(reloaded.disabled, ["c"]);
    assert_eq!(running.notified("b").await, "fresh");
}

#[tokio::test]
async fn a_channel_that_could_not_be_opened_gets_another_try() {
    let rig = Rig::new(&["fixture-ill-behaved"]).unwrap();
    let yaml = channels(&["a: {type: ill_behaved, how: panic_in_open}"]);
    let running = Running::start_on(rig, &yaml).await;
    let reloaded = running.reload(&yaml).await.unwrap();
    assert_eq!((reloaded.kept.len(), reloaded.opened.len()), (0, 1));
}

#[tokio::test]
async fn a_plugin_whose_file_was_exchanged_is_loaded_and_one_of_no_use_leaves_the_old_serving() {
    let rig = Rig::new(&[]).unwrap();
    let original = plugin("fixture-steady").unwrap();
    let file = rig.plugins().join(original.file_name().unwrap());
    // A file of its own, so that no other test has loaded it.
    artefacts::copy(&original, &file).unwrap();
    let running = Running::start_on(rig, &channels(&[A])).await;
    let replace = |text: &str, by: &str| {
        let fresh = running.rig.folder().join("fresh.so");
        altered_copy(&original, &fresh, &[(text, by)]).unwrap();
        fs::rename(&fresh, &file).unwrap();
    };
    // The same bytes are the same plugin.
    artefacts::copy(&original, running.rig.folder().join("same.so")).unwrap();
    fs::rename(running.rig.folder().join("same.so"), &file).unwrap();
    assert_eq!(running.reload(&channels(&[A])).await.unwrap().kept, ["a"]);
    replace("Delivers nothing, reliably.", "Delivers nothing, Reliably.");
    let reloaded = running.reload(&channels(&[A])).await.unwrap();
    assert_eq!((reloaded.kept.len(), reloaded.opened.len()), (0, 1));
    let summary = || running.engine.catalog().describe("steady").unwrap().summary;
    assert!(summary().contains("Reliably"), "{}", summary());
    // One that cannot be used.
    replace("\"panic\":\"unwind\"", "\"panic\":\"aborts\"");
    let yaml = channels(&[A, "b: {type: steady, text: by the old}"]);
    let reloaded = running.reload(&yaml).await.unwrap();
    assert_eq!(
        (reloaded.kept, reloaded.opened),
        (vec!["a".to_owned()], vec!["b".to_owned()])
    );
    assert_eq!(running.notified("b").await, "by the old");
    assert!(summary().contains("Reliably"), "{}", summary());
    fs::remove_file(&file).unwrap();
}
