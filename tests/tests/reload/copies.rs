//! Two files that offer one channel type: the same bytes are one plugin, and of
//! different ones the generation that serves goes on.

use std::{fs, path::PathBuf};

use annunciator::CheckStatus;
use annunciator_testkit::{artefacts::plugin, rig::Rig};
use annunciator_tests::altered::altered_copy;

const YAML: &str =
    "notification_channels: {a: {type: steady, text: hello}}\ndefault_notification_channels: [a]\n";

/// The first of two files, by name: what is there later must not win by that.
fn copy(rig: &Rig) -> PathBuf {
    rig.plugins().join("liba_copy.so")
}

fn another(rig: &Rig) {
    let change = ("Delivers nothing, reliably.", "Delivers nothing, otherwise");
    altered_copy(&plugin("fixture-steady").unwrap(), &copy(rig), &[change]).unwrap();
}

fn names_both(rig: &Rig, said: &str) -> bool {
    let beside = fs::read_dir(rig.plugins()).unwrap();
    let mut files = beside.map(|file| file.unwrap().path().display().to_string());
    files.all(|file| said.contains(&file))
}

#[tokio::test]
async fn the_same_bytes_in_two_files_are_one_plugin() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    fs::copy(plugin("fixture-steady").unwrap(), copy(&rig)).unwrap();
    let loaded = rig.configured(YAML).unwrap().load().unwrap();
    let warnings = loaded.warnings.to_string();
    assert!(names_both(&rig, &warnings), "{warnings}");
    assert!(warnings.contains("byte for byte"), "{warnings}");
    let engine = rig.start(YAML).await.unwrap();
    assert!(engine.notify_default("x").await.unwrap().all_delivered());
}

#[tokio::test]
async fn a_copy_that_comes_later_changes_nothing() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let engine = rig.start(YAML).await.unwrap();
    fs::copy(plugin("fixture-steady").unwrap(), copy(&rig)).unwrap();
    let loaded = rig.configured(YAML).unwrap().load().unwrap();
    let warnings = loaded.warnings.to_string();
    assert!(names_both(&rig, &warnings), "{warnings}");
    assert_eq!(engine.reload(loaded).await.unwrap().kept, ["a"]);
    assert!(engine.notify_default("x").await.unwrap().all_delivered());
}

#[tokio::test]
async fn another_file_that_comes_later_leaves_the_one_that_serves() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let engine = rig.start(YAML).await.unwrap();
    another(&rig);
    let loaded = rig.configured(YAML).unwrap().load().unwrap();
    let warnings = loaded.warnings.to_string();
    assert!(names_both(&rig, &warnings), "{warnings}");
    assert!(warnings.contains("stays in use"), "{warnings}");
    assert_eq!(engine.reload(loaded).await.unwrap().kept, ["a"]);
    assert!(engine.notify_default("x").await.unwrap().all_delivered());
    assert!(engine.alerts().is_empty());
}

#[tokio::test]
async fn at_the_start_neither_of_two_different_files_is_used() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    another(&rig);
    let engine = rig.start(YAML).await.unwrap();
    let check = engine.check(&["a"]).await.unwrap().remove(0);
    assert_eq!(check.status, CheckStatus::Failed);
    assert!(names_both(&rig, &check.detail), "{}", check.detail);
    let alerts = engine.alerts();
    assert_eq!(alerts[0].subject, "channel/a/disabled");
    assert!(names_both(&rig, &alerts[0].sentence), "{alerts:?}");
    // What is told meanwhile arrives when one of them is gone.
    let receipt = engine.submit(annunciator::Route::Defaults, "x", None).await;
    let notified = receipt.unwrap().deliveries[0].delivery;
    fs::remove_file(copy(&rig)).unwrap();
    let loaded = rig.configured(YAML).unwrap().load().unwrap();
    assert_eq!(engine.reload(loaded).await.unwrap().opened, ["a"]);
    assert!(engine.alerts().is_empty(), "it is mended");
    crate::running::delivered(&engine, notified).await;
}

/// Whatever served before: the copy that comes back later is the other one.
#[tokio::test]
async fn the_one_that_serves_is_named_as_such_whichever_comes_first_by_name() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let first = copy(&rig);
    let second = rig.plugins().join("libz_copy.so");
    let original = plugin("fixture-steady").unwrap();
    for file in fs::read_dir(rig.plugins()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    fs::copy(&original, &first).unwrap();
    let engine = rig.start(YAML).await.unwrap();
    let load = || rig.configured(YAML).unwrap().load().unwrap();
    for (serves, other) in [(&first, &second), (&second, &first)].repeat(2) {
        fs::copy(serves, other).unwrap();
        let loaded = load();
        let said = loaded.warnings.to_string();
        let expected = format!("plugin {} is also in {}", serves.display(), other.display());
        assert!(said.contains(&expected), "no `{expected}` in {said}");
        assert_eq!(engine.reload(loaded).await.unwrap().kept, ["a"]);
        fs::remove_file(serves).unwrap();
        let _reloaded = engine.reload(load()).await.unwrap();
        assert!(engine.notify_default("x").await.unwrap().all_delivered());
    }
}
